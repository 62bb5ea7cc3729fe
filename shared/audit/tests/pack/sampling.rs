//! Which requests are drawn, what their pages say, and that their proofs hold.

use std::fs;
use std::path::PathBuf;

use countersign_audit::policy::TrustPolicy;
use countersign_audit::sample::{Sample, sample};
use countersign_audit::shelf::Shelf;
use countersign_domain::RequestId;
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Proof, VerifierKey};
use sha2::{Digest as _, Sha256};

use crate::exporting::{exported, first_day, fresh};
use crate::log::{Goes, Log, ORIGIN, ordinary, request};

fn drawn(log: &Log, name: &str, n: usize, seed: &str) -> (PathBuf, Sample) {
    let pack = fresh(name).join("pack");
    exported(log, first_day(), Vec::new(), &pack)
        .unwrap()
        .publish(None, &log.policy().parse().unwrap())
        .unwrap();
    let policy: TrustPolicy = log.policy().parse().unwrap();
    let shelf = Shelf::open(&pack, &policy).unwrap();
    let out = pack.join("samples");
    let sample = sample(&shelf, &policy, n, seed, &out).unwrap();
    (out, sample)
}

#[test]
fn the_seed_alone_says_what_is_drawn() {
    let mut log = Log::begin(&fresh("draw-log"));
    for number in 0..20 {
        let goes = if number % 4 == 3 { Goes::Rejected } else { Goes::Well };
        log.life(number, 60 + 10 * i64::try_from(number).unwrap(), &goes, "s3://a/");
    }
    let (_, one) = drawn(&log, "draw-1", 5, "a seed");
    let (_, again) = drawn(&log, "draw-2", 5, "a seed");
    let (_, more) = drawn(&log, "draw-3", 99, "a seed");
    let (_, other) = drawn(&log, "draw-4", 5, "another seed");
    assert_eq!((one.population, one.drawn.len(), more.drawn.len()), (15, 5, 15));
    assert_eq!(one, again);
    assert_eq!(one.drawn, more.drawn[..5]);
    assert_ne!(one.drawn, other.drawn);
    // By hand, as the rule says.
    let ran = (0..20).filter(|number| number % 4 != 3).map(request);
    let mut by_hand: Vec<(Vec<u8>, RequestId)> =
        ran.map(|id| (Sha256::digest(format!("a seed\n{id}")).to_vec(), id)).collect();
    by_hand.sort();
    assert_eq!(by_hand.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), more.drawn);
}

#[test]
fn each_sample_has_a_page_and_a_proof_that_stands_alone() {
    let log = ordinary(&fresh("page-log"));
    let (out, sample) = drawn(&log, "page", 25, "seed");
    assert_eq!((sample.population, sample.drawn.len()), (3, 3));
    let keys: [VerifierKey; 1] = [log.vkey().parse().unwrap()];
    for id in &sample.drawn {
        let page = fs::read_to_string(out.join(format!("{id}.html"))).unwrap();
        assert!(page.contains("Every event above was found under the signed root below."));
        assert!(!page.contains("NOT"), "{page}");
        let proof = Proof::parse(&fs::read(out.join(format!("{id}.tlog-proof"))).unwrap()).unwrap();
        proof.verify(&leaf_hash(&proof.extra), ORIGIN, &keys, &[]).unwrap();
        assert!(String::from_utf8(proof.extra).unwrap().contains(id.as_str()));
    }
}

#[test]
fn a_page_says_who_decided_and_how_they_were_known_and_runs_nothing() {
    let log = ordinary(&fresh("says-log"));
    let (out, _) = drawn(&log, "says", 25, "<b>seed</b>");
    let page = fs::read_to_string(out.join(format!("{}.html", request(4)))).unwrap();
    for part in [
        "Slack, workspace T0SPACE",
        "token of https://idp.example, signed in 2026-07-01T05:40:00.000Z",
        "gil (owner)",
        "self_approval_denied",
        "the same as the approved one",
        "s3://payroll/&lt;img src=x onerror=alert(1)&gt;⟦U+202E⟧gpj",
        "&lt;b&gt;seed&lt;/b&gt;",
        "execution.succeeded",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for markup in ["<img", "<script", "<b>", "<a ", "<link", "<iframe"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn entries_that_were_changed_are_not_drawn_from() {
    let log = ordinary(&fresh("changed-log"));
    let pack = fresh("changed").join("pack");
    exported(&log, first_day(), Vec::new(), &pack)
        .unwrap()
        .publish(None, &log.policy().parse().unwrap())
        .unwrap();
    let policy: TrustPolicy = log.policy().parse().unwrap();
    let shelf = Shelf::open(&pack, &policy).unwrap();
    let bundle = pack.join("log").join(countersign_tlog::Bundle::of(0, shelf.range.end).unwrap().path());
    let text = fs::read(&bundle).unwrap();
    let text = String::from_utf8_lossy(&text).replace("\"ann\"", "\"ben\"").into_bytes();
    fs::write(&bundle, text).unwrap();
    let error = sample(&shelf, &policy, 3, "seed", &pack.join("samples")).unwrap_err().to_string();
    // The file is no longer text where lengths stand: either way it is refused.
    assert!(error.contains("do not lead to the root") || error.contains("tile/entries"), "{error}");
    assert!(!pack.join("samples").exists());
    let stranger: TrustPolicy = Log::with_key(&fresh("stranger"), 9).policy().parse().unwrap();
    assert!(Shelf::open(&pack, &stranger).unwrap_err().to_string().contains("not to be trusted"));
}
