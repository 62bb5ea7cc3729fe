//! `audit sample`: requests drawn by the auditor's own seed, a page and a proof of each.

use countersign_audit::pack::SAMPLES;
use countersign_audit::sample::{SampleError, sample};

use super::{json, prove};
use crate::args::audit::Sample;
use crate::commands::Report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;

pub(super) fn run(args: &Sample, progress: Progress) -> Result<Report, Failure> {
    let (shelf, policy) = prove::shelf(&args.pack, &args.trusting)?;
    let out = args.out.clone().unwrap_or_else(|| args.pack.join(SAMPLES.trim_end_matches('/')));
    progress.tell(&format!("drawing from entries {} to {}", shelf.range.start, shelf.range.end));
    let drawn = sample(&shelf, &policy, args.n, &args.seed, &out).map_err(|error| match error {
        SampleError::Shelf(error) => prove::failure(error),
        SampleError::NoPack => Failure::Usage(error.to_string()),
        SampleError::Write(_) => Failure::Local(error.to_string()),
    })?;
    let mut text =
        format!("{} of {} requests that ran, in {}\n", drawn.drawn.len(), drawn.population, out.display());
    for id in &drawn.drawn {
        text.push_str(&format!("  {id}\n"));
    }
    Ok(Report { json: json(&drawn)?, text, exit: Exit::Ok })
}
