//! What `verify` found: twelve checks with counts, and what is broken or an exception, each with its place.

use std::fmt;

use crate::record::Record;

/// So many findings of a check are listed, of each kind; the others are counted.
pub const LISTED: u64 = 100;

/// How much a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something is not as it must be: the pack proves nothing, or proves a wrong.
    Broken,
    /// Nothing is wrong, and the auditor should know.
    Exception,
}

/// Where it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the pack as a whole.
    Pack,
    /// In a file, from this byte on where one can say.
    File {
        /// The path in the pack.
        path: String,
        /// Counted from 0.
        offset: Option<u64>,
    },
    /// In a leaf.
    Leaf {
        /// Its place in the log.
        index: u64,
        /// The event's id; empty where the leaf has none that can be read.
        event: String,
    },
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// The number of its check, from 1.
    pub check: usize,
    /// How much it says.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What, in words.
    pub what: String,
}

/// One of the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// From 1.
    pub number: usize,
    /// What it is about.
    pub title: &'static str,
    /// What it counts.
    pub unit: &'static str,
    /// How many it looked at.
    pub counted: u64,
    /// How many things are broken.
    pub broken: u64,
    /// How many exceptions there are.
    pub exceptions: u64,
    /// What it has to say although nothing is wrong.
    pub notes: Vec<String>,
    /// Whether it came to its end. One that did not says nothing.
    pub done: bool,
}

/// What there is to say of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The checks, in the order of their numbers.
    pub checks: Vec<Check>,
    /// What they found, in the order of finding.
    pub findings: Vec<Finding>,
}

/// What the checks are about, and what they count.
pub const CHECKS: [(&str, &str); 12] = [
    ("the manifest lists every file, and holds no key", "files"),
    ("checkpoints are signed by the trusted log", "checkpoints"),
    ("witnesses cosigned", "cosignatures"),
    ("every leaf leads to the signed root, and the end continues the start", "leaves"),
    ("the log continues the pinned checkpoint", "pins"),
    ("indices have no gap, and ids are unique", "events"),
    ("each subject's events form a chain", "subjects"),
    ("each agent's requests are numbered without a gap", "requests"),
    ("the log was alive", "events of the log itself"),
    ("every request lived by the rules", "requests"),
    ("the selection is what the filter gives", "selected events"),
    ("times go with the log", "events"),
];

impl Default for Report {
    fn default() -> Self {
        let check = |(number, (title, unit))| Check {
            number,
            title,
            unit,
            counted: 0,
            broken: 0,
            exceptions: 0,
            notes: Vec::new(),
            done: false,
        };
        Self { checks: (1..).zip(CHECKS).map(check).collect(), findings: Vec::new() }
    }
}

impl Report {
    /// Whether something is broken, or was not looked at.
    pub fn is_broken(&self) -> bool {
        self.checks.iter().any(|check| check.broken > 0 || !check.done)
    }

    /// Whether there are exceptions to read.
    pub fn has_exceptions(&self) -> bool {
        self.checks.iter().any(|check| check.exceptions > 0)
    }

    /// Takes a finding in.
    pub fn add(&mut self, finding: Finding) {
        let Some(check) = self.checks.get_mut(finding.check.wrapping_sub(1)) else { return };
        let count = match finding.severity {
            Severity::Broken => &mut check.broken,
            Severity::Exception => &mut check.exceptions,
        };
        *count += 1;
        if *count <= LISTED {
            self.findings.push(finding);
        }
    }

    pub(crate) fn broken(&mut self, check: usize, place: Place, what: impl Into<String>) {
        self.add(Finding::broken(check, place, what));
    }

    pub(crate) fn exception(&mut self, check: usize, place: Place, what: impl Into<String>) {
        self.add(Finding { severity: Severity::Exception, ..Finding::broken(check, place, what) });
    }

    pub(crate) fn check(&mut self, number: usize) -> Option<&mut Check> {
        self.checks.get_mut(number.wrapping_sub(1))
    }

    pub(crate) fn count(&mut self, number: usize, counted: u64) {
        if let Some(check) = self.check(number) {
            check.counted += counted;
        }
    }

    pub(crate) fn note(&mut self, number: usize, note: String) {
        if let Some(check) = self.check(number) {
            check.notes.push(note);
        }
    }

    pub(crate) fn done(&mut self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            if let Some(check) = self.check(number) {
                check.done = true;
            }
        }
    }
}

impl Finding {
    pub(crate) fn broken(check: usize, place: Place, what: impl Into<String>) -> Self {
        Self { check, severity: Severity::Broken, place, what: what.into() }
    }

    pub(crate) fn exception(check: usize, place: Place, what: impl Into<String>) -> Self {
        Self { severity: Severity::Exception, ..Self::broken(check, place, what) }
    }
}

impl Place {
    /// A file as a whole.
    pub fn file(path: impl Into<String>) -> Self {
        Place::File { path: path.into(), offset: None }
    }

    /// A file, from a byte on.
    pub fn at(path: impl Into<String>, offset: u64) -> Self {
        Place::File { path: path.into(), offset: Some(offset) }
    }

    pub(crate) fn of(record: &Record) -> Self {
        Place::Leaf { index: record.index, event: record.id() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Pack => f.write_str("the pack"),
            Place::File { path, offset: None } => f.write_str(path),
            Place::File { path, offset: Some(offset) } => write!(f, "{path}, byte {offset}"),
            Place::Leaf { index, event } if event.is_empty() => write!(f, "leaf {index}"),
            Place::Leaf { index, event } => write!(f, "leaf {index} ({event})"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.severity == Severity::Broken { "BROKEN" } else { "exception" };
        write!(f, "{word} [{}] {}: {}", self.check, self.place, self.what)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.broken, self.exceptions, self.done) {
            (0, _, false) => "NOT DONE",
            (0, 0, true) => "holds",
            (0, _, true) => "holds, with exceptions",
            _ => "BROKEN",
        };
        write!(f, "{:>2}. {}: {verdict}; {} {}", self.number, self.title, self.counted, self.unit)?;
        if self.broken > 0 {
            write!(f, ", {} broken", self.broken)?;
        }
        if self.exceptions > 0 {
            write!(f, ", {} exceptions", self.exceptions)?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n    {note}"))
    }
}
