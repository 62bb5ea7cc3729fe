//! `audit`: evidence from the log. All but `export`, `erase` and `recover` need no network.

use super::Report;
use crate::args::audit::{Audit, Trust};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::Paint;

mod export;
mod live;
mod prove;
mod sample;
mod show;
mod trust;
mod verify;

pub(super) async fn run(command: Audit, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    match command {
        Audit::Trust(Trust::Add(args)) => trust::add(&args, paint),
        Audit::Trust(Trust::List) => trust::list(paint),
        Audit::Export(args) => export::run(args, paint, progress).await,
        Audit::Verify(args) => verify::run(&args, paint, progress),
        Audit::Sample(args) => sample::run(&args, progress),
        Audit::Prove(args) => prove::run(&args),
        Audit::Show(args) => show::run(&args, paint),
        Audit::Erase(args) => live::erase(args, paint, progress).await,
        Audit::Recover(args) => live::recover(args, progress).await,
    }
}

/// JSON of this program's own.
fn json(of: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(of).map_err(|e| Failure::Local(format!("the answer cannot be written: {e}")))
}
