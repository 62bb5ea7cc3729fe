//! Whatever the bytes: every parser answers, and a pack of changed files is told of, never a panic.

use std::fs;

use countersign_audit::leaf::LeafView;
use countersign_audit::pack::{Manifest, Query};
use countersign_audit::record::{Record, who};
use countersign_audit::report::Place;
use countersign_audit::{Pin, TrustPolicy};
use proptest::prelude::*;

use crate::kit::{base, changed, text, verified};
use crate::log::{Export, keys, policy};

/// A valid text with some bytes changed, cut or added.
fn mutated(text: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut bytes = text.clone();
        for (at, byte, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

fn parse_all(bytes: &[u8]) {
    if let Ok(policy) = TrustPolicy::parse(bytes) {
        assert!(!policy.logs().is_empty());
    }
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.to_string().as_bytes(), bytes);
    }
    if let Err(error) = Manifest::parse(bytes) {
        assert!(error.offset <= bytes.len() && error.line > 0);
    }
    drop(serde_json::from_slice::<Query>(bytes));
    drop(Pin::parse(bytes));
    if let Ok(leaf) = LeafView::read(bytes) {
        drop(leaf.event());
        leaf.is_evidence_for("CC8.1");
        let mut row = Vec::new();
        countersign_audit::rows::population(&mut row, 0, &[0; 32], &leaf);
        if let Ok(record) = Record::of(0, [0; 32], true, &leaf) {
            assert_eq!(record.id(), leaf.id);
        }
    }
    drop(std::str::from_utf8(bytes).map(who));
}

fn valid(n: usize) -> Vec<u8> {
    let keys = keys();
    let policy = format!(
        "# mine\nlog {} https://x\nwitness w {}\nwitness v {}\ngroup g any w v\ngroup h 2 g w\nquorum h\n",
        keys.log, keys.witness, keys.witness
    );
    let manifest = format!("{} 12 a/b\n{} 0 c\n", "ab".repeat(32), "01".repeat(32));
    match n % 12 {
        0 => policy.into_bytes(),
        1 => manifest.into_bytes(),
        2 => base().checkpoints[&740].to_string().into_bytes(),
        _ => base().leaves[n % base().leaves.len()].clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        parse_all(&bytes);
    }

    #[test]
    fn what_is_nearly_valid_is_answered(bytes in (0..900usize).prop_flat_map(|n| mutated(valid(n)))) {
        parse_all(&bytes);
    }
}

#[test]
fn a_leaf_is_read_as_the_domain_reads_it() {
    for leaf in &base().leaves {
        let (view, read) =
            (LeafView::read(leaf).unwrap(), countersign_domain::leaf::Leaf::parse(leaf).unwrap());
        assert_eq!(view.event().unwrap(), read.event);
        assert_eq!(
            (view.id, view.seq, view.prev, view.rno),
            (read.id.as_str(), read.seq, read.prev, read.rno)
        );
    }
}

#[test]
fn a_pack_of_broken_files_is_told_of() {
    let dir = Export::all(base()).write(base());
    let paths = countersign_audit::pack::files(&dir.0).unwrap();
    for (n, path) in paths.iter().enumerate() {
        let place = dir.0.join(path);
        let whole = fs::read(&place).unwrap();
        let at = (n * 7919 + 13) % whole.len();
        let flipped: Vec<u8> =
            whole.iter().enumerate().map(|(i, b)| if i == at { b ^ 0x15 } else { *b }).collect();
        for bytes in [&whole[..0], &whole[..at], &flipped] {
            fs::write(&place, bytes).unwrap();
            let report = verified(&dir, &policy(false), None);
            let of = |place: &Place| matches!(place, Place::File { path: named, .. } if named == path);
            let proof = path == "MANIFEST" || path == "MANIFEST.tlog-proof";
            let named = report.findings.iter().any(|f| of(&f.place) || proof && f.check == 1);
            assert!(report.is_broken() && named, "{path}\n{}", text(&report));
        }
        fs::write(&place, &whole).unwrap();
    }
    let gone = changed(base(), |dir| fs::remove_dir_all(dir.0.join("log/tile")).unwrap());
    assert!(verified(&gone, &policy(false), None).is_broken());
    fs::remove_dir_all(&gone.0).unwrap();
    assert!(verified(&gone, &policy(false), None).is_broken());
}

#[test]
fn a_policy_is_refused_with_its_line() {
    let keys = keys();
    let (log, witness) = (format!("log {}", keys.log), format!("witness w {}", keys.witness));
    let check = |lines: &[&str], line: usize, words: &str| {
        let error = lines.join("\n").parse::<TrustPolicy>().unwrap_err();
        assert!(error.line == line && error.to_string().contains(words), "{lines:?}: {error}");
    };
    check(&[], 1, "names no log");
    check(&[&log], 1, "no quorum");
    check(&[&log, "quorum w"], 2, "not defined above");
    check(&[&log, &witness, &witness], 3, "is defined above");
    check(&[&log, "quorum none", "quorum none"], 3, "second quorum");
    check(&[&log, &witness, "group g 2 w", "quorum g"], 3, "members, any or all");
    check(&[&log, &witness, "group g any w w", "quorum g"], 3, "members, any or all");
    check(&[&log, &witness, "group g 0 w", "quorum g"], 3, "members, any or all");
    check(&[&log, "group g any g", "quorum g"], 2, "not defined above");
    check(&[&format!("log {}", keys.witness)], 1, "a log signs as Ed25519");
    check(&["log x"], 1, "verifier key");
    check(&["", "# x", "logs"], 3, "begins with none of");
    check(&["quorum"], 1, "too few or too many");
    assert!(
        format!("{log}\n{witness}\ngroup g all w\nquorum g")
            .parse::<TrustPolicy>()
            .unwrap()
            .asks_for_witnesses()
    );
}
