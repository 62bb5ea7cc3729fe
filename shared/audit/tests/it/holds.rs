//! Packs that are right.

use countersign_audit::{Pack, Report, verify};

use crate::log::{Export, Log, keys, policy};
use crate::world::World;

pub fn print(report: &Report) -> String {
    let checks = report.checks.iter().map(|check| format!("{check}\n"));
    checks.chain(report.findings.iter().map(|finding| format!("{finding}\n"))).collect()
}

#[test]
fn a_whole_log_holds() {
    let world = World::live(150, 4, 20_000);
    let log = Log::publish(&world.leaves, 37, &keys());
    assert!(log.size() > 600, "{}", log.size());
    let dir = Export::all(&log).write(&log);
    let report = verify(&Pack::open(&dir.0), &policy(false), None, |_| ());
    let text = print(&report);
    assert!(!report.is_broken(), "{text}");
    println!("{text}");
}
