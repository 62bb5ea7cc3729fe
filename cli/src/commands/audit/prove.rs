//! `audit prove`: that one event is in the log, for anybody's verifier.

use std::path::Path;

use countersign_audit::TrustPolicy;
use countersign_audit::shelf::{Shelf, ShelfError};
use serde::Serialize;

use super::json;
use crate::args::audit::{Prove, Trusting};
use crate::commands::Report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::trust;

#[derive(Serialize)]
struct Said<'a> {
    event: &'a str,
    index: u64,
    size: u64,
    proof: &'a str,
}

pub(super) fn run(args: &Prove) -> Result<Report, Failure> {
    let (shelf, _) = shelf(&args.entries.dir, &args.entries.trusting)?;
    let (index, bytes) = shelf.find(&args.event).map_err(failure)?;
    let proof = shelf.prove(index, &bytes).map_err(failure)?.to_string();
    let said = Said { event: &args.event, index, size: shelf.range.end, proof: &proof };
    let json = json(&said)?;
    let text = match &args.out {
        None => proof,
        Some(path) => {
            let failed = |e: std::io::Error| Failure::Local(format!("{}: {e}", path.display()));
            let mut file = std::fs::File::create_new(path).map_err(failed)?;
            std::io::Write::write_all(&mut file, proof.as_bytes()).map_err(failed)?;
            format!("{}: entry {index} of {}, under its signed root\n", path.display(), shelf.range.end)
        }
    };
    Ok(Report { json, text, exit: Exit::Ok })
}

/// Entries under a root that is trusted, and who is trusted.
pub(super) fn shelf(dir: &Path, trusting: &Trusting) -> Result<(Shelf, TrustPolicy), Failure> {
    let origin = Shelf::origin(dir).map_err(failure)?;
    let policy = trust::policy(trusting.policy.as_deref(), Some(&origin))?;
    let shelf = Shelf::open(dir, &policy).map_err(failure)?;
    Ok((shelf, policy))
}

/// Whether something is wrong, or only not to be had.
pub(super) fn failure(error: ShelfError) -> Failure {
    match error {
        ShelfError::NotFound(_) => Failure::Usage(error.to_string()),
        ShelfError::Source(_) | ShelfError::Missing(_) => Failure::Unchecked(error.to_string()),
        _ => Failure::Broken(error.to_string()),
    }
}
