//! Which steps ran, how long, and what they found. A step waits for those it needs, and is not run when one
//! of them failed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::steps::Step;
use super::tally::Tally;
use crate::ui::{Board, Line, seconds};

/// What a step found.
pub(super) struct Verdict {
    pub tally: Tally,
    /// What went wrong, for the reader; none = all good.
    pub trouble: Option<String>,
}

struct Entry {
    name: &'static str,
    time: Duration,
    verdict: Verdict,
}

/// All steps that have ended.
#[derive(Default)]
pub(super) struct Report {
    entries: Mutex<Vec<Entry>>,
    news: Condvar,
}

impl Report {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one step, unless what it needs has failed.
    pub(super) fn run(&self, step: &Step, board: &Board, work: impl FnOnce(&Line<'_>) -> Result<Verdict>) {
        let (verdict, time) = match self.first_failed(step.needs) {
            Some(failed) => {
                board.print(&format!("not run {}: {failed} failed", step.name));
                let trouble = Some(format!("not run, because {failed} failed"));
                (Verdict { tally: Tally::one(false), trouble }, Duration::ZERO)
            }
            None => {
                let start = Instant::now();
                let shown = board.phase(step.name, |line| {
                    let verdict = work(line)?;
                    if verdict.trouble.is_some() { Err(Troubled(verdict).into()) } else { Ok(verdict) }
                });
                (shown.unwrap_or_else(failed_verdict), start.elapsed())
            }
        };
        self.entries().push(Entry { name: step.name, time, verdict });
        self.news.notify_all();
    }

    /// Waits until all of these have ended; says which failed first.
    fn first_failed(&self, needs: &[&'static str]) -> Option<&'static str> {
        let mut entries = self.entries();
        loop {
            let ended = |name: &&str| entries.iter().find(|entry| entry.name == *name);
            let failed = |name: &&&str| ended(name).is_some_and(|entry| entry.verdict.trouble.is_some());
            if let Some(failed) = needs.iter().find(failed) {
                return Some(failed);
            }
            if needs.iter().all(|name| ended(name).is_some()) {
                return None;
            }
            entries = self.news.wait(entries).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Prints the table, the failures and the last line. Returns how many tests and checks failed.
    pub(super) fn print(&self) -> u64 {
        let entries = self.entries();
        println!("\n{:<22} {:>12}   tests and checks", "step", "time");
        for entry in entries.iter() {
            let tally = entry.verdict.tally;
            let failed = if tally.failed > 0 { format!(", {} FAILED", tally.failed) } else { String::new() };
            println!("{:<22} {:>12}   {} passed{failed}", entry.name, seconds(entry.time), tally.passed);
        }
        for entry in entries.iter() {
            if let Some(trouble) = &entry.verdict.trouble {
                println!("\nFAILED {}\n{}", entry.name, trouble.trim_end());
            }
        }
        let passed: u64 = entries.iter().map(|entry| entry.verdict.tally.passed).sum();
        let failed: u64 = entries.iter().map(|entry| entry.verdict.tally.failed).sum();
        println!("\n{passed} passed, {failed} failed");
        failed
    }
}

/// Carries a bad verdict through the board, which shows errors.
#[derive(Debug)]
struct Troubled(Verdict);

impl std::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.trouble.as_deref().unwrap_or("good"))
    }
}

impl std::fmt::Display for Troubled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.trouble.as_deref().unwrap_or("failed"))
    }
}

impl std::error::Error for Troubled {}

fn failed_verdict(error: anyhow::Error) -> Verdict {
    match error.downcast::<Troubled>() {
        Ok(Troubled(mut verdict)) => {
            // A step in trouble never counts as good, whatever its runner printed.
            verdict.tally.failed = verdict.tally.failed.max(1);
            verdict
        }
        Err(error) => Verdict { tally: Tally::one(false), trouble: Some(format!("{error:#}")) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::steps::Lane;

    fn step(name: &'static str, needs: &'static [&'static str]) -> Step {
        Step { name, lane: Lane::Cargo, needs, full: false, run: |_, _| unreachable!() }
    }

    fn verdict(passed: u64, trouble: Option<&str>) -> Result<Verdict> {
        Ok(Verdict { tally: Tally { passed, failed: 0 }, trouble: trouble.map(str::to_owned) })
    }

    #[test]
    fn a_step_is_not_run_when_what_it_needs_failed() {
        let (report, board) = (Report::default(), Board::new());
        report.run(&step("a", &[]), &board, |_| verdict(3, None));
        report.run(&step("b", &["a"]), &board, |_| verdict(2, Some("broke")));
        report.run(&step("c", &["a", "b"]), &board, |_| unreachable!("b failed"));
        report.run(&step("d", &["a"]), &board, |_| anyhow::bail!("no such program"));
        let failed: Vec<(&str, u64)> =
            report.entries().iter().map(|entry| (entry.name, entry.verdict.tally.failed)).collect();
        assert_eq!(failed, [("a", 0), ("b", 1), ("c", 1), ("d", 1)]);
        assert_eq!(report.print(), 3);
    }

    #[test]
    fn a_step_waits_for_another_lane() {
        let (report, board) = (Report::default(), Board::new());
        std::thread::scope(|scope| {
            scope.spawn(|| report.run(&step("late", &["early"]), &board, |_| verdict(1, None)));
            scope.spawn(|| report.run(&step("early", &[]), &board, |_| verdict(1, None)));
        });
        let order: Vec<&str> = report.entries().iter().map(|entry| entry.name).collect();
        assert_eq!(order, ["early", "late"]);
    }
}
