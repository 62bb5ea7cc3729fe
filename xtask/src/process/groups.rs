//! Ending process groups: ask, wait, then force; with everything below them, also what left the group.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::table::{self, Entry};

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5_000 });
const LOOK: Duration = Duration::from_millis(20);

/// Ends the groups of leaders that are known to be ours and alive, everything below them, and what `strays` finds:
/// single processes that are known to be ours.
pub(super) fn end(leaders: &[u32], strays: impl Fn() -> Vec<Entry>) {
    let mut doomed = table::descendants(leaders, &table::entries());
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        // Looked for again: one that was just starting another program showed nothing of itself.
        doomed.extend(strays());
        if leaders.is_empty() && doomed.is_empty() {
            return;
        }
        signal_groups(leaders, signal);
        signal_strays(leaders, &doomed, signal);
        if are_gone(leaders, &doomed) && strays().is_empty() {
            return;
        }
    }
}

/// Waits until none of them is left; false when patience ends first.
fn are_gone(leaders: &[u32], doomed: &[Entry]) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let is_left = |entry: &Entry| leaders.contains(&entry.group) || entry.is_among(doomed);
    while table::entries().iter().any(is_left) {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Signals those outside the groups that still live; a pid that has been given to another is not touched.
fn signal_strays(leaders: &[u32], doomed: &[Entry], signal: Signal) {
    let now = table::entries();
    for entry in now.iter().filter(|entry| entry.is_among(doomed) && !leaders.contains(&entry.group)) {
        let _ = kill(pid(entry.pid), signal);
    }
}

fn signal_groups(leaders: &[u32], signal: Signal) {
    for leader in leaders {
        // A group that is gone already is what we want.
        let _ = killpg(pid(*leader), signal);
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap_or(i32::MAX))
}
