//! How fast a pack is verified, and in how much memory: `cargo run --release -p countersign-audit --example
//! verify_bench [EVENTS]`. It makes a pack of a million events first, all of them selected.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program for the command line")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use countersign_audit::{Pack, verify};

#[path = "../tests/it/log.rs"]
#[allow(dead_code, reason = "the tests use it all")]
mod log;
#[path = "../tests/it/world.rs"]
#[allow(dead_code, reason = "the tests use it all")]
mod world;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path] = arguments.as_slice()
        && word == "verify"
    {
        return measure(path);
    }
    let events: usize = arguments.get(1).map_or(1_000_000, |events| events.parse().unwrap());
    let dir = log::Dir::new();
    let begun = Instant::now();
    // A request has seven events on average.
    let mut leaves = world::World::live(events / 6, 200, 1000).leaves;
    assert!(leaves.len() >= events, "{}", leaves.len());
    leaves.truncate(events);
    let bytes: usize = leaves.iter().map(Vec::len).sum();
    let log = log::Log::publish(&leaves, 2560, &log::keys());
    log::Export::all(&log).write_to(&log, &dir.0);
    println!("{events} events of {} bytes, made in {:.0?}", bytes / events, begun.elapsed());
    // In a process of its own: its memory is not that of making the pack.
    drop((leaves, log));
    let program = std::env::current_exe().unwrap();
    for _ in 0..3 {
        assert!(
            Command::new(&program)
                .args(["verify".into(), dir.0.clone()] as [PathBuf; 2])
                .status()
                .unwrap()
                .success()
        );
    }
}

fn measure(path: &str) {
    let begun = Instant::now();
    let report = verify(&Pack::open(path), &log::policy(false), None, |_| ());
    let took = begun.elapsed();
    let leaves = report.checks[3].counted;
    println!(
        "{leaves} leaves in {:.2} s: {:.0} events/s, {:.2} s of CPU, peak {} MB, broken: {}",
        took.as_secs_f64(),
        leaves as f64 / took.as_secs_f64(),
        cpu_seconds(),
        peak_kb() / 1024,
        report.is_broken()
    );
    for finding in report.findings.iter().take(5) {
        println!("  {finding}");
    }
}

fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}
