//! Rules about the project's own make-up that need no further tool. Each rule is a pure function from facts
//! to complaints, so that a test can show it a bad sample; here the facts are collected.

mod clients;
mod entropy;
mod files;
mod graph;
mod length;
mod licences;
mod pure;
mod sources;
mod tls;
mod words;

use anyhow::Result;

/// One complaint: what, where, how to mend.
pub type Complaint = String;

/// A rule's name and how to check it on this repository.
type Guard = (&'static str, fn() -> Result<Vec<Complaint>>);

/// Those that need nothing built.
const ALWAYS: &[Guard] = &[
    ("licences", licences::check),
    ("sources", sources::check),
    ("one TLS stack", tls::check),
    ("clients match roles", clients::check),
    ("pure crates", pure::check),
    ("words", words::check),
    ("file length", length::check),
    ("entropy setting", entropy::check_setting),
];

/// Those that look into built functions.
const BUILT: &[Guard] = &[("entropy effect", entropy::check_effect)];

/// What the guards found.
pub struct Findings {
    /// How many guards found nothing.
    pub passed: usize,
    /// `guard: complaint`, for all that found something.
    pub complaints: Vec<Complaint>,
    /// How many guards found something.
    pub failed: usize,
}

/// Checks everything that needs nothing built.
pub fn check_always() -> Findings {
    check(ALWAYS)
}

/// Checks what needs the functions built.
pub fn check_built() -> Findings {
    check(BUILT)
}

fn check(guards: &[Guard]) -> Findings {
    let mut findings = Findings { passed: 0, complaints: Vec::new(), failed: 0 };
    for (name, guard) in guards {
        // A guard that cannot look has not passed.
        let complaints = guard().unwrap_or_else(|error| vec![format!("cannot be checked: {error:#}")]);
        if complaints.is_empty() {
            findings.passed += 1;
        } else {
            findings.failed += 1;
            findings.complaints.extend(complaints.into_iter().map(|text| format!("{name}: {text}")));
        }
    }
    findings
}
