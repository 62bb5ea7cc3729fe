//! `cargo xtask bench`: how fast and how dear the loop is on the stack that `cargo xtask up` runs.

use anyhow::{Context, Result};
use clap::Args;

use crate::demo::{Agent, PATIENCE, measure};
use crate::http;
use crate::process::end_all_on_signal;
use crate::repo::Place;
use crate::stack::Stack;
use crate::ui::Board;

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// How many requests are asked, approved and seen
    #[arg(long, default_value_t = 50)]
    runs: usize,
}

/// Prints the loop's timings, and what each request costs in calls.
pub fn run(options: &Options) -> Result<()> {
    end_all_on_signal()?;
    let place = Place::up();
    let stack = Stack::read(&place).context("nothing is up; start it with `cargo xtask up`")?;
    let board = Board::new();
    let calls = format!("{}/calls", stack.proxy_control_url);
    let title = format!("{} requests", options.runs);
    let (timings, counts) = board.phase(&title, |line| {
        let agent = Agent::make(&place, &stack, PATIENCE.into(), line)?;
        http::delete(&calls)?;
        let timings = measure(&agent, options.runs, line)?;
        Ok((timings, http::get(&calls)?))
    })?;
    board.print(&timings.text());
    board.print("\nCalls of the functions, for each request:");
    for (target, count) in counts["calls"].as_object().into_iter().flatten() {
        let each = count.as_f64().unwrap_or_default() / f64::from(u32::try_from(options.runs)?);
        board.print(&format!("  {each:>7.2}  {target}"));
    }
    Ok(())
}
