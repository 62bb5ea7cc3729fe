//! The protocol's code under schedules nobody would think of: doorbells that come twice, late or never, archivers that
//! meet at every call, die at any, get no answer, and look into an index that is stale.
//!
//! A schedule is its seed. What it finds is found again by that seed alone.

mod check;
mod schedule;
mod world;

use world::Mutant;

/// Each of these seeds is a schedule.
fn run(seeds: std::ops::Range<u64>, mutant: Option<Mutant>) -> Vec<(u64, String)> {
    let fail = |seed| schedule::run(seed, mutant).err().map(|error| (seed, error));
    seeds.filter_map(fail).collect()
}

/// `SCHEDULES=20000 cargo test -p archiver fuzz` for more.
#[test]
fn the_log_stays_whole_under_every_schedule() {
    let wanted = std::env::var("SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let half = wanted / 2;
    let other = std::thread::spawn(move || run(half..wanted, None));
    let mut failed = run(0..half, None);
    failed.extend(other.join().unwrap());
    assert!(failed.is_empty(), "{} of {wanted}, first {:?}", failed.len(), failed.first());
}

/// What the schedules do is worth nothing if they do not do it.
#[test]
fn the_schedules_crash_race_and_lose() {
    let mut total = schedule::Did::default();
    for seed in 0..200 {
        total += schedule::run(seed, None).unwrap();
    }
    let schedule::Did { commits, lost, crashes, took_over, events, unanswered } = total;
    let all = [commits, lost, crashes, took_over, events, unanswered];
    assert!(all.iter().all(|count| *count >= 30), "{total:?}");
}

#[test]
fn each_mutant_dies() {
    for mutant in Mutant::ALL {
        let killed = (0..400).find_map(|seed| schedule::run(seed, Some(mutant)).err());
        assert!(killed.is_some(), "{mutant:?} lives");
    }
}
