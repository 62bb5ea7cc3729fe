//! The checkpoints of a pack: signed by the trusted log, cosigned by enough witnesses, and the auditor's pin.

use std::collections::{BTreeMap, BTreeSet};

use countersign_tlog::{Checkpoint, Note};

use super::Pin;
use super::tree::{Mark, TileError, Tiles};
use crate::pack::{CHECKPOINT, LOG, MANIFEST_PROOF, Pack, Query, checkpoint_at, witness_at};
use crate::policy::{TrustPolicy, Trusted};
use crate::report::{Place, Report};

/// What was signed.
pub struct Checkpoints {
    pub end: Trusted,
    marks: BTreeMap<u64, Vec<Mark>>,
}

impl Checkpoints {
    /// Reads all that are there. `None`: there is no end to go to.
    pub fn read(
        pack: &Pack,
        policy: &TrustPolicy,
        query: &Query,
        there: &BTreeSet<String>,
        report: &mut Report,
    ) -> Option<Self> {
        let origin = query.origin.as_str();
        let read = |path: &str, report: &mut Report| open(pack, policy, origin, path, report);
        let end = read(CHECKPOINT, report);
        let mut all = BTreeMap::new();
        let prefix = format!("{LOG}checkpoints/");
        let listed = there.iter().filter(|path| path.starts_with(&prefix));
        let must = [checkpoint_at(query.end)];
        let must = must.into_iter().chain((query.start > 0).then(|| checkpoint_at(query.start)));
        let paths: BTreeSet<String> = listed.cloned().chain(must).collect();
        for path in paths {
            if let Some(trusted) = read(&path, report) {
                let size = trusted.checkpoint.size();
                if checkpoint_at(size) != path {
                    report.broken(2, Place::file(&path), format!("it is the checkpoint of {size} leaves"));
                }
                all.insert(path, trusted);
            }
        }
        let end = end?;
        if end.checkpoint.size() != query.end {
            let what = format!(
                "it is of {} leaves, and the range ends at {}: an older or other checkpoint was put there",
                end.checkpoint.size(),
                query.end
            );
            report.broken(2, Place::file(CHECKPOINT), what);
            return None;
        }
        let mut this = Self { end, marks: BTreeMap::new() };
        let root = *this.end.checkpoint.root();
        this.mark(&this.end.checkpoint.clone(), 4, CHECKPOINT, "the end checkpoint", query);
        for (path, trusted) in &all {
            if trusted.checkpoint.size() == query.end && *trusted.checkpoint.root() != root {
                let what = format!("{CHECKPOINT} has another root for as many leaves: the log was forked");
                report.broken(2, Place::file(path), what);
            }
            this.mark(&trusted.checkpoint, 4, path, "a signed checkpoint", query);
        }
        this.witnesses(pack, policy, query, there, report);
        Some(this)
    }

    /// Notes a checkpoint that the leaves will pass.
    fn mark(&mut self, checkpoint: &Checkpoint, check: usize, path: &str, what: &'static str, query: &Query) {
        if (query.start..=query.end).contains(&checkpoint.size()) {
            let mark = Mark { check, place: Place::file(path), root: *checkpoint.root(), what };
            self.marks.entry(checkpoint.size()).or_default().push(mark);
        }
    }

    /// How far the log was cosigned.
    fn witnesses(
        &mut self,
        pack: &Pack,
        policy: &TrustPolicy,
        query: &Query,
        there: &BTreeSet<String>,
        report: &mut Report,
    ) {
        let mut cosigned = Vec::new();
        let count = self.end.witnesses.len() as u64;
        report.count(3, count);
        cosigned.extend((self.end.quorum == Some(true)).then_some(query.end));
        let prefix = format!("{LOG}witness/");
        for path in there.iter().filter(|path| path.starts_with(&prefix)) {
            let Some(trusted) = open(pack, policy, query.origin.as_str(), path, report) else { continue };
            let size = trusted.checkpoint.size();
            if witness_at(size) != *path {
                report.broken(3, Place::file(path), format!("it is the checkpoint of {size} leaves"));
            }
            report.count(3, trusted.witnesses.len() as u64);
            if trusted.quorum == Some(true) {
                cosigned.push(size);
            }
            self.mark(&trusted.checkpoint, 3, path, "a cosigned checkpoint", query);
        }
        if !policy.asks_for_witnesses() {
            let what = "the policy asks for no witness: whoever holds the log's key could have rewritten it";
            report.exception(3, Place::Pack, what);
            return;
        }
        let within = cosigned.iter().copied().filter(|size| (query.start..=query.end).contains(size));
        match within.max() {
            Some(size) if size == query.end => {}
            Some(size) if size > query.start => {
                let what = format!("cosigned up to leaf {size}: the last {} are not", query.end - size);
                report.exception(3, Place::Pack, what);
            }
            _ => {
                let what = "too few witnesses cosigned what this pack holds for the policy's quorum";
                report.broken(3, Place::file(CHECKPOINT), what);
            }
        }
    }

    /// The pin: compared on the way where it is of the range, with a proof where it is older.
    pub fn marks(
        &self,
        pin: Option<&Pin>,
        policy: &TrustPolicy,
        query: &Query,
        recorded: Option<Checkpoint>,
        tiles: &Tiles<'_>,
        report: &mut Report,
    ) -> BTreeMap<u64, Vec<Mark>> {
        let mut marks = self.marks.clone();
        if let Some(recorded) = recorded.filter(|it| (query.start..=query.end).contains(&it.size())) {
            let (place, root) = (Place::file(MANIFEST_PROOF), *recorded.root());
            let mark = Mark { check: 4, place, root, what: "the proof's checkpoint" };
            marks.entry(recorded.size()).or_default().push(mark);
        }
        let Some(Pin(note)) = pin else {
            report.note(5, "no pin was given: keep this pack's checkpoint for the next time".into());
            return marks;
        };
        report.count(5, 1);
        let trusted = match policy.open(note, query.origin.as_str()) {
            Ok(trusted) => trusted,
            Err(error) => {
                report.broken(5, Place::Pack, format!("the pin is not a checkpoint to trust: {error}"));
                return marks;
            }
        };
        let (size, root) = (trusted.checkpoint.size(), *trusted.checkpoint.root());
        if size > query.end {
            let what = format!(
                "the pin, of {size} leaves, is newer than the pack, which ends at {}: export up to the pin or later to \
                 compare them",
                query.end
            );
            report.exception(5, Place::Pack, what);
        } else if size >= query.start {
            report.note(5, format!("the pin, of {size} leaves, is inside the range"));
            let mark = Mark { check: 5, place: Place::Pack, root, what: "the pin" };
            marks.entry(size).or_default().push(mark);
        } else {
            report.note(5, format!("the pin, of {size} leaves, is older than the range"));
            match tiles.consistency((size, &root), self.end.checkpoint.root()) {
                Ok(()) => {}
                Err(TileError::Tree(error)) => {
                    let what = format!("the log does not continue the pin, of {size} leaves: {error}");
                    report.broken(5, Place::Pack, what);
                }
                Err(error) => {
                    let what =
                        format!("the pin, of {size} leaves, cannot be compared: {error}; export with --pin");
                    report.broken(5, Place::Pack, what);
                }
            }
        }
        marks
    }
}

fn open(pack: &Pack, policy: &TrustPolicy, origin: &str, path: &str, report: &mut Report) -> Option<Trusted> {
    report.count(2, 1);
    let note = match pack.files().get(path) {
        Ok(Some(bytes)) => Note::parse(&bytes).map_err(|error| {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n').take(error.line.saturating_sub(1));
            (Some(lines.map(<[u8]>::len).sum::<usize>() as u64), error.to_string())
        }),
        Ok(None) => Err((None, "it is missing".to_owned())),
        Err(error) => Err((None, error.message)),
    };
    let opened = note.and_then(|note| policy.open(&note, origin).map_err(|error| (None, error.to_string())));
    match opened {
        Ok(trusted) => Some(trusted),
        Err((offset, what)) => {
            report.broken(2, Place::File { path: path.to_owned(), offset }, what);
            None
        }
    }
}
