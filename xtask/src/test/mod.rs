//! `cargo xtask test`: every check of the project, in two lanes on two cores, then the end-to-end tests alone.

mod report;
mod steps;
mod tally;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use clap::Args;

use crate::process::{Services, end_all_on_signal};
use crate::repo::Place;
use crate::tools::Tools;
use crate::ui::Board;
use report::Report;
use steps::{Lane, STEPS, Step};

/// What to test.
#[derive(Args, Debug)]
pub struct Options {
    /// Also what takes long or needs further tools: cargo deny, and all of tests/full
    #[arg(long)]
    full: bool,
    /// Only these steps and what they need; may be given more than once
    #[arg(long, value_name = "STEP", value_parser = steps::names())]
    only: Vec<String>,
    /// Only the unit and end-to-end tests whose names hold this word
    #[arg(last = true)]
    filter: Option<String>,
}

/// What the steps share.
struct Context {
    place: Place,
    tools: Tools,
    filter: Option<String>,
    /// The running stack, from `up` until the last test has ended.
    services: Mutex<Option<Services>>,
}

impl Context {
    fn stack_json(&self) -> PathBuf {
        self.place.stack_json()
    }
}

/// Runs the steps; prints a table, every failure, and `N passed, N failed` as the last line.
pub fn run(options: &Options) -> Result<()> {
    end_all_on_signal()?;
    let chosen = steps::chosen(options);
    let report = Report::default();
    let board = Board::new();
    let place = Place::test();
    place.make()?;
    let tools = crate::tools::find()?;
    if !tools.nextest {
        board.print("cargo-nextest is not here: tests run with cargo test, which is slower");
    }
    // Taken at once, so that a second `cargo xtask test` says so instead of building beside this one.
    let services = Mutex::new(Some(Services::take(&place)?));
    let context = Context { place, tools, filter: options.filter.clone(), services };

    std::thread::scope(|scope| {
        for lane in [Lane::Cargo, Lane::Other] {
            let (context, report, board, chosen) = (&context, &report, &board, &chosen);
            scope.spawn(move || run_lane(lane, chosen, context, report, board));
        }
    });
    run_lane(Lane::Last, &chosen, &context, &report, &board);

    drop(context.services.lock().unwrap_or_else(PoisonError::into_inner).take());
    drop(board);
    let failed = report.print();
    if failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

fn run_lane(lane: Lane, chosen: &[&str], context: &Context, report: &Report, board: &Board) {
    for step in STEPS.iter().filter(|step| step.lane == lane && chosen.contains(&step.name)) {
        report.run(step, board, |line| (step.run)(context, line));
    }
}

impl Options {
    /// `cargo xtask check`: what needs no running stack and no tests.
    pub fn check() -> Self {
        let only = ["format", "clippy", "guards"].map(str::to_owned).into();
        Self { full: false, only, filter: None }
    }
}

/// A step of this name.
fn step(name: &str) -> Result<&'static Step> {
    match STEPS.iter().find(|step| step.name == name) {
        Some(step) => Ok(step),
        None => bail!("no step {name:?}"),
    }
}
