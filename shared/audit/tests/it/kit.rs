//! Telling a pack's wrongs: each test changes one thing, and says which check must name what.

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use countersign_audit::report::{Place, Severity};
use countersign_audit::{Pack, Pin, Report, TrustPolicy, verify};
use countersign_domain::canonical::jcs;
use countersign_domain::leaf::LeafHash;
use serde_json::{Value, json};

use crate::log::{Dir, Export, Log, keys, manifest, policy};
use crate::world::World;

/// A log of more than 600 leaves, published 37 at a time.
pub fn base() -> &'static Log {
    static BASE: OnceLock<Log> = OnceLock::new();
    BASE.get_or_init(|| publish(&World::live(150, 4, 20_000).leaves))
}

pub fn publish(leaves: &[Vec<u8>]) -> Log {
    Log::publish(leaves, 37, &keys())
}

pub fn values(log: &Log) -> Vec<Value> {
    log.leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect()
}

/// The leaves as an insider would make them who knows all rules: numbered and chained anew.
pub fn rechained(mut values: Vec<Value>) -> Vec<Vec<u8>> {
    let mut heads: HashMap<String, (u64, String)> = HashMap::new();
    let leaves = values.iter_mut().map(|leaf| {
        let subject = leaf["subject"].as_str().unwrap().to_owned();
        let (seq, prev) = heads.get(&subject).cloned().unwrap_or((0, "0".repeat(64)));
        leaf["seq"] = json!(seq + 1);
        leaf["id"] = json!(format!("{subject}.{}", seq + 1));
        leaf["prev"] = json!(prev);
        let bytes = jcs(leaf);
        heads.insert(subject, (seq + 1, LeafHash::of(&bytes).into()));
        bytes
    });
    leaves.collect()
}

/// The first leaf of this type from `from` on.
pub fn first(values: &[Value], kind: &str, from: usize) -> usize {
    from + values[from..].iter().position(|leaf| leaf["type"] == kind).unwrap()
}

pub fn text(report: &Report) -> String {
    let checks = report.checks.iter().map(|check| format!("{check}\n"));
    checks.chain(report.findings.iter().map(|finding| format!("{finding}\n"))).collect()
}

pub fn verified(dir: &Dir, policy: &TrustPolicy, pin: Option<&Pin>) -> Report {
    verify(&Pack::open(&dir.0), policy, pin, |_| ())
}

/// The report says that it holds.
pub fn holds(dir: &Dir, pin: Option<&Pin>) -> Report {
    let report = verified(dir, &policy(false), pin);
    assert!(!report.is_broken(), "{}", text(&report));
    report
}

/// The check finds it broken, and names the place.
pub fn names(report: &Report, check: usize, place: &str) {
    let found = |severity| {
        report.findings.iter().any(|finding| {
            finding.check == check
                && finding.severity == severity
                && finding.place.to_string().contains(place)
        })
    };
    assert!(report.is_broken() && found(Severity::Broken), "no [{check}] {place}\n{}", text(report));
}

/// It is an exception, and nothing is broken.
pub fn excepts(report: &Report, check: usize, words: &str) {
    let found = report.findings.iter().any(|finding| {
        finding.check == check
            && finding.severity == Severity::Exception
            && finding.to_string().contains(words)
    });
    assert!(!report.is_broken() && found, "no exception [{check}] {words}\n{}", text(report));
}

pub fn leaf(index: usize) -> String {
    Place::Leaf { index: index as u64, event: "x".into() }.to_string().replace("x)", "")
}

/// A pack of the log, changed by somebody who writes the manifest anew.
pub fn changed(log: &Log, change: impl FnOnce(&Dir)) -> Dir {
    let dir = Export { recorded: false, ..Export::all(log) }.write(log);
    change(&dir);
    manifest(&dir.0);
    dir
}

pub fn flip(dir: &Dir, path: &str, at: usize) {
    let place = dir.0.join(path);
    let mut bytes = fs::read(&place).unwrap();
    bytes[at] ^= 1;
    fs::write(place, bytes).unwrap();
}

/// Re-signed by the real key: what the pack alone shows, and that a pin and a witness show it in any case.
pub fn rewritten(leaves: &[Vec<u8>], alone: Option<(usize, String)>) {
    let old = base();
    let new = publish(leaves);
    let dir = Export::all(&new).write(&new);
    if let Some((check, place)) = alone {
        names(&verified(&dir, &policy(false), None), check, &place);
    }
    let size = old.checkpoints.keys().rev().find(|size| **size < new.size()).copied().unwrap();
    names(&verified(&dir, &policy(false), Some(&old.pin(size))), 5, "the pack");
    // The witness saw the old log and signs no other.
    let witnessed = Dir::new();
    Export { recorded: false, ..Export::all(&new) }.write_to(&new, &witnessed.0);
    names(&verified(&witnessed, &policy(true), None), 3, "log/checkpoint");
    let cosigned = crate::log::cosign(&old.checkpoints[&size], &keys()).to_string();
    let path = countersign_audit::pack::witness_at(size);
    fs::create_dir_all(witnessed.0.join("log/witness")).unwrap();
    fs::write(witnessed.0.join(&path), cosigned).unwrap();
    manifest(&witnessed.0);
    names(&verified(&witnessed, &policy(true), None), 3, &path);
}
