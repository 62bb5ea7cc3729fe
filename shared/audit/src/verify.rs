//! Verifying a pack alone: twelve checks, in one pass over the leaves, with the auditor's trust policy and pin.
//!
//! It knows no network and no clock, and trusts no file of the pack before it was held against the log's signature.
//! Its memory does not grow with the leaves, but for about a hundred bytes for each request and a name for each file.

use std::ops::ControlFlow;

use countersign_tlog::Note;
use countersign_tlog::text::Malformed;

use crate::pack::{Pack, QUERY, Query};
use crate::policy::TrustPolicy;
use crate::report::{Place, Report};

mod checkpoints;
mod compare;
mod files;
mod ledger;
mod numbers;
mod pass;
mod read;
mod selection;
mod tree;

use checkpoints::Checkpoints;
use files::Files;
use pass::Pass;
use selection::Selection;
use tree::{Spine, Tiles};

/// A checkpoint that the auditor has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin(Note);

impl Pin {
    /// Reads a signed checkpoint. Who signed it is looked at when it is used.
    ///
    /// # Errors
    /// When it is no signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Note::parse(bytes).map(Self)
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Leaves looked at.
    pub done: u64,
    /// Leaves of the range.
    pub all: u64,
}

/// Verifies a pack. What it finds is in the report; there is no other way to fail.
pub fn verify(
    pack: &Pack,
    policy: &TrustPolicy,
    pin: Option<&Pin>,
    mut progress: impl FnMut(Progress),
) -> Report {
    let mut report = Report::default();
    let mut files = Files::list(pack, &mut report);
    files.look_for_keys(pack, &mut report);
    // What stopped it is in the report, and what was not looked at is not done.
    let _ = judged(pack, policy, pin, &mut files, &mut report, &mut progress);
    files.hash_rest(pack, &mut report);
    report
}

/// Goes as far as it makes sense.
fn judged(
    pack: &Pack,
    policy: &TrustPolicy,
    pin: Option<&Pin>,
    files: &mut Files,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> ControlFlow<()> {
    let Some(query) = query(pack, report) else { return ControlFlow::Break(()) };
    let origin = query.origin.as_str();
    let tiles = Tiles { pack, end: query.end };
    let recorded = files.recorded(pack, policy, origin, report);
    let Some(checkpoints) = Checkpoints::read(pack, policy, &query, &files.there, report) else {
        return ControlFlow::Break(());
    };
    report.done([2, 3]);
    let marks = checkpoints.marks(pin, policy, &query, recorded, &tiles, report);
    report.done([5]);

    let root = *checkpoints.end.checkpoint.root();
    let mut spine = match Spine::at(query.start, &tiles, marks) {
        Ok(spine) => spine,
        Err(error) => {
            report.broken(4, Place::Pack, format!("the tree at the start cannot be read: {error}"));
            return ControlFlow::Break(());
        }
    };
    if spine.pass(report).is_err() {
        return ControlFlow::Break(());
    }
    let selection = Selection::open(pack, report);
    let mut pass = Pass::new(pack, &query, policy, selection);
    let whole = pass.run(&mut spine, files, report, progress);
    match spine.end(&root, report) {
        Ok(size) if size == query.end => {}
        _ => report.broken(4, Place::Pack, "not all leaves of the range are there"),
    }
    let count = tiles.check(&files.there, &root, report);
    report.note(4, format!("{count} tiles lead to the root at {}", query.end));
    if whole.is_break() {
        return ControlFlow::Break(());
    }
    pass.end(files, report);
    report.done([4, 6, 7, 8, 9, 10, 11, 12]);
    ControlFlow::Continue(())
}

fn query(pack: &Pack, report: &mut Report) -> Option<Query> {
    let bytes = match pack.files().get(QUERY) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            report.broken(11, Place::file(QUERY), "it is missing");
            return None;
        }
        Err(error) => {
            report.broken(11, Place::file(QUERY), error.message);
            return None;
        }
    };
    match serde_json::from_slice::<Query>(&bytes) {
        Ok(query) if query.start < query.end => Some(query),
        Ok(query) => {
            let what = format!("the range from {} to {} holds nothing", query.start, query.end);
            report.broken(11, Place::file(QUERY), what);
            None
        }
        Err(error) => {
            let before = bytes.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
            let offset = before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1);
            report.broken(11, Place::at(QUERY, offset as u64), error.to_string());
            None
        }
    }
}
