//! What was exported is verified, and what was hidden from it is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_audit::pack::Manifest;
use countersign_audit::report::Severity;
use countersign_audit::select::Filter;
use countersign_audit::{Pack, Pin, Report, TrustPolicy, verify};

use crate::exporting::{exported, first_day, fresh};
use crate::log::{Goes, Log, at, ordinary};

fn packed(log: &Log, name: &str, filter: Filter, pins: Vec<u64>) -> PathBuf {
    let pack = fresh(name).join("pack");
    exported(log, filter, pins, &pack).unwrap().publish(None, &log.policy().parse().unwrap()).unwrap();
    pack
}

fn verified(log: &Log, pack: &Path, pin: Option<u64>) -> Report {
    let policy: TrustPolicy = log.policy().parse().unwrap();
    let pin = pin
        .map(|size| Pin::parse(&fs::read(log.dir.join(format!("checkpoints/{size:020}"))).unwrap()).unwrap());
    verify(&Pack::open(pack), &policy, pin.as_ref(), |_| {})
}

fn broken(report: &Report) -> Vec<String> {
    let broken = report.findings.iter().filter(|finding| finding.severity == Severity::Broken);
    broken.map(ToString::to_string).collect()
}

#[test]
fn a_pack_as_it_was_exported_holds() {
    let log = ordinary(&fresh("verify-log"));
    for (name, filter) in [
        ("verify-all", first_day()),
        ("verify-middle", Filter { from: at(341), to: at(500), ..first_day() }),
        ("verify-control", Filter { control: Some("CC7.2".into()), ..first_day() }),
    ] {
        let pack = packed(&log, name, filter, Vec::new());
        let report = verified(&log, &pack, None);
        assert!(!report.is_broken(), "{name}: {:?}", broken(&report));
    }
}

#[test]
fn a_pin_within_before_and_long_before_the_range_is_compared() {
    let mut log = Log::begin(&fresh("pinned-log"));
    for number in 0..160 {
        log.life(number, 60 + i64::try_from(number).unwrap(), &Goes::Well, "s3://a/");
    }
    log.heartbeat(400);
    let filter = Filter { from: at(180), to: at(185), ..first_day() };
    let sizes: Vec<u64> =
        (1..log.size()).filter(|size| log.dir.join(format!("checkpoints/{size:020}")).exists()).collect();
    let old = *sizes.iter().find(|size| **size > 300).unwrap();
    let pack = packed(&log, "pinned", filter, vec![old]);
    let start = fs::read_to_string(pack.join("query.json")).unwrap();
    let start: serde_json::Value = serde_json::from_str(&start).unwrap();
    assert!(start["start"].as_u64().unwrap() > old);
    let report = verified(&log, &pack, Some(old));
    assert!(!report.is_broken(), "{:?}", broken(&report));
}

#[test]
fn a_row_that_was_hidden_with_its_manifest_made_anew_is_noticed() {
    for table in ["population.jsonl", "population.csv", "requests.csv"] {
        let log = ordinary(&fresh("hide-log"));
        let pack = packed(&log, "hide", first_day(), Vec::new());
        let text = fs::read_to_string(pack.join(table)).unwrap();
        let mut rows: Vec<&str> = text.lines().collect();
        rows.remove(2);
        fs::write(pack.join(table), format!("{}\n", rows.join("\n"))).unwrap();
        fs::write(pack.join("MANIFEST"), Manifest::of(&pack).unwrap().to_string()).unwrap();
        let found = broken(&verified(&log, &pack, None));
        assert!(found.iter().any(|finding| finding.contains(table)), "{table}: {found:?}");
    }
}

#[test]
fn what_ran_without_approval_is_exported_and_then_found() {
    let mut log = Log::begin(&fresh("forged-log"));
    log.life(1, 60, &Goes::Forged, "s3://a/");
    let pack = packed(&log, "forged", first_day(), Vec::new());
    let found = broken(&verified(&log, &pack, None));
    assert!(found.iter().any(|finding| finding.contains("execution.consumed")), "{found:?}");
    let readme = fs::read_to_string(pack.join("README.html")).unwrap();
    assert!(readme.contains("cannot be judged"), "{readme}");
}
