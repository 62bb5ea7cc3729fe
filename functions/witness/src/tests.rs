//! The real handler over a table and a key in memory: what it cosigns, and all that it must not.

use countersign_app::log::Observed;
use countersign_app::memory::{LocalSigner, MemoryObservations, Op};
use countersign_app::ports::{Observations, PortError, Signer};
use countersign_domain::Time;
use countersign_tlog::note::Algorithm;
use countersign_tlog::tree::{TreeError, leaf_hash, prove_consistency, root};
use countersign_tlog::{Checkpoint, Hash, Note, Submission, VerifierKey};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::app::logs;
use crate::handler::handle;
use crate::witness::Witness;

const LOG: &str = "example.com/log";
const NOW: i64 = 1_700_000_000_999;

/// A log whose leaves are told by `seed`, signed by the key of `seed` 0 unless another is given.
struct Log {
    leaves: Vec<Hash>,
    key: [u8; 32],
    name: &'static str,
}

fn log(seed: u8) -> Log {
    Log { leaves: (0..40u8).map(|n| leaf_hash(&[seed, n])).collect(), key: [1; 32], name: LOG }
}

async fn vkey(name: &str, seed: [u8; 32], algorithm: Algorithm) -> VerifierKey {
    let public = LocalSigner::new(seed).public_key().await.unwrap();
    VerifierKey::new(name, algorithm, &public).unwrap()
}

impl Log {
    fn root(&self, size: usize) -> Hash {
        root(&self.leaves[..size])
    }

    async fn checkpoint(&self, size: usize) -> Note {
        let checkpoint = Checkpoint::new(self.name, size as u64, self.root(size)).unwrap();
        let mut note = checkpoint.note().unwrap();
        let signature = LocalSigner::new(self.key).sign(&note.message(None)).await.unwrap();
        let key = vkey(self.name, self.key, Algorithm::Ed25519).await;
        note.sign(&key, None, |_| Ok::<_, countersign_tlog::note::VerifyError>(signature)).unwrap();
        note
    }

    fn proof(&self, old: usize, new: usize) -> Vec<Hash> {
        let node = |level: u8, index: u64| {
            let from = (index as usize) << level;
            Ok::<_, TreeError>(root(&self.leaves[from..from + (1 << level)]))
        };
        prove_consistency(old as u64, new as u64, node).unwrap()
    }

    async fn submission(&self, old: usize, new: usize) -> Submission {
        Submission { old: old as u64, proof: self.proof(old, new), checkpoint: self.checkpoint(new).await }
    }
}

async fn witness() -> Witness<MemoryObservations, LocalSigner> {
    Witness {
        observations: MemoryObservations::default(),
        signer: LocalSigner::new([9; 32]),
        name: "witness.example.com/w".into(),
        logs: vec![(LOG.to_owned(), vkey(LOG, [1; 32], Algorithm::Ed25519).await)],
        key: OnceCell::new(),
    }
}

type Memory = Witness<MemoryObservations, LocalSigner>;

async fn post(witness: &Memory, body: &[u8]) -> (u64, String, String) {
    let event = json!({
        "rawPath": "/add-checkpoint", "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
        "body": encoded(body), "isBase64Encoded": true,
    });
    let answer = handle(witness, event, Time::from_millis(NOW)).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().unwrap(), text(&answer["headers"]["content-type"]), text(&answer["body"]))
}

fn encoded(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

async fn send(witness: &Memory, submission: &Submission) -> (u64, String) {
    let (status, content_type, body) = post(witness, submission.to_string().as_bytes()).await;
    assert_eq!(content_type == "text/x.tlog.size", status == 409, "{status} {content_type}");
    (status, body)
}

/// Refused with this status, and the witness knows what it knew.
async fn refused(witness: &Memory, submission: &Submission, status: u64, body: &str) {
    let before = witness.observations.observed(LOG).await;
    let (found, text) = send(witness, submission).await;
    assert_eq!(found, status, "{text}");
    assert!(text.contains(body) && !text.contains('—'), "{text}");
    assert_eq!(witness.observations.observed(LOG).await, before);
}

async fn cosigned(witness: &Memory, submission: &Submission) {
    let (status, line) = send(witness, submission).await;
    assert_eq!(status, 200, "{line}");
    let note = Note::parse(format!("{}{line}", submission.checkpoint).as_bytes()).unwrap();
    let log = [vkey(LOG, [1; 32], Algorithm::Ed25519).await];
    let keys = [vkey("witness.example.com/w", [9; 32], Algorithm::Cosignature).await];
    let opened = Checkpoint::open(&note, LOG, &log, &keys).unwrap();
    assert_eq!(opened.witnesses.iter().map(|by| by.time).collect::<Vec<_>>(), [Some(1_700_000_000)]);
    let observed = Observed { size: opened.checkpoint.size(), root: *opened.checkpoint.root() };
    assert_eq!(witness.observations.observed(LOG).await, Ok(Some(observed)), "remembered before it is told");
}

#[tokio::test]
async fn a_log_that_grows_is_cosigned_step_by_step() {
    let (witness, log) = (witness().await, log(0));
    for (old, new) in [(0, 1), (1, 1), (1, 2), (2, 7), (7, 7), (7, 8), (8, 40), (40, 40)] {
        cosigned(&witness, &log.submission(old, new).await).await;
    }
}

#[tokio::test]
async fn a_rollback_a_fork_and_a_replay_are_not_cosigned() {
    let (witness, log, fork) = (witness().await, log(0), log(1));
    cosigned(&witness, &log.submission(0, 8).await).await;
    cosigned(&witness, &log.submission(8, 12).await).await;
    for (old, new) in [(0, 8), (8, 12), (5, 6), (0, 12), (8, 40)] {
        refused(&witness, &log.submission(old, new).await, 409, "12\n").await;
    }
    // Another tree by the real key: of the same size, and of a larger with its own good proof.
    refused(&witness, &fork.submission(12, 12).await, 409, "12\n").await;
    refused(&witness, &fork.submission(12, 20).await, 422, "").await;
    refused(&witness, &fork.submission(0, 20).await, 409, "12\n").await;
    cosigned(&witness, &log.submission(12, 20).await).await;
}

#[tokio::test]
async fn a_wrong_proof_is_not_cosigned() {
    let (witness, log) = (witness().await, log(0));
    let mut good = log.submission(0, 7).await;
    good.proof = vec![[0; 32]];
    refused(&witness, &good, 422, "").await;
    cosigned(&witness, &log.submission(0, 7).await).await;
    let good = log.submission(7, 20).await;
    for place in 0..good.proof.len() {
        let mut bad = good.clone();
        bad.proof[place][0] ^= 1;
        refused(&witness, &bad, 422, "").await;
        bad.proof.remove(place);
        refused(&witness, &bad, 422, "").await;
    }
    let longer = Submission { proof: [good.proof.clone(), vec![[0; 32]]].concat(), ..good.clone() };
    refused(&witness, &longer, 422, "").await;
    let backwards = Submission { old: 21, ..good.clone() };
    refused(&witness, &backwards, 400, "larger").await;
    let same = Submission { proof: vec![[0; 32]], ..log.submission(7, 7).await };
    refused(&witness, &same, 422, "").await;
    cosigned(&witness, &good).await;
}

#[tokio::test]
async fn only_the_logs_own_key_counts_and_only_known_logs() {
    let (witness, mine) = (witness().await, log(0));
    let foreign = Log { name: "example.com/other", ..log(0) };
    refused(&witness, &foreign.submission(0, 7).await, 404, "not known").await;
    let thief = Log { key: [2; 32], ..log(0) };
    refused(&witness, &thief.submission(0, 7).await, 403, "not signed").await;
    let mut altered = mine.submission(0, 7).await;
    let signatures = std::mem::replace(&mut altered.checkpoint, mine.checkpoint(8).await).signatures;
    altered.checkpoint.signatures = signatures;
    refused(&witness, &altered, 403, "not signed").await;
    // A signature by somebody else beside it is ignored.
    let mut both = mine.submission(0, 7).await;
    both.checkpoint.signatures.insert(0, thief.checkpoint(7).await.signatures.remove(0));
    cosigned(&witness, &both).await;
}

#[tokio::test]
async fn of_two_at_once_one_is_cosigned() {
    for (one, other) in [((7, 9), (7, 12)), ((7, 12), (7, 9)), ((7, 7), (7, 9)), ((7, 9), (7, 9))] {
        let (witness, log) = (witness().await, log(0));
        cosigned(&witness, &log.submission(0, 7).await).await;
        let (one, other) = (log.submission(one.0, one.1).await, log.submission(other.0, other.1).await);
        let mut held = witness.observations.faults.hold_next(Op::Observe);
        let late = send(&witness, &one);
        let fast = async {
            held.reached().await;
            cosigned(&witness, &other).await;
            held.release();
        };
        let ((status, body), ()) = tokio::join!(late, fast);
        let size = witness.observations.observed(LOG).await.unwrap().unwrap().size;
        assert_eq!((status, body), (409, format!("{size}\n")), "the other was cosigned meanwhile");
    }
}

#[tokio::test]
async fn what_was_remembered_and_not_signed_is_signed_when_asked_again() {
    let (witness, log) = (witness().await, log(0));
    let down = || PortError::Unavailable("down".into());
    witness.signer.faults.fail_next(Op::Sign, down());
    assert_eq!(send(&witness, &log.submission(0, 7).await).await.0, 503);
    refused(&witness, &log.submission(0, 7).await, 409, "7\n").await;
    cosigned(&witness, &log.submission(7, 7).await).await;
    for op in [Op::Observed, Op::Observe] {
        witness.observations.faults.fail_next(op, down());
        assert_eq!(send(&witness, &log.submission(7, 9).await).await.0, 503);
    }
}

#[tokio::test]
async fn there_is_one_path_and_the_key_is_told_to_who_may_invoke() {
    let witness = witness().await;
    for (method, path) in [("GET", "/add-checkpoint"), ("POST", "/"), ("POST", "/add-checkpoint/x")] {
        let event = json!({"rawPath": path, "requestContext": {"http": {"method": method}}});
        assert_eq!(
            handle(&witness, event, Time::from_millis(NOW)).await["statusCode"],
            404,
            "{method} {path}"
        );
    }
    let key = vkey("witness.example.com/w", [9; 32], Algorithm::Cosignature).await.to_string();
    assert_eq!(handle(&witness, json!({"vkey": true}), Time::from_millis(NOW)).await, json!({"vkey": key}));
}

#[tokio::test]
async fn the_list_of_logs_is_strict() {
    let (one, other) =
        (vkey(LOG, [1; 32], Algorithm::Ed25519).await, vkey("k", [2; 32], Algorithm::Ed25519).await);
    let read = logs(&format!("{LOG} {one}, {LOG} {other}")).unwrap();
    assert_eq!(read, [(LOG.to_owned(), one.clone()), (LOG.to_owned(), other)]);
    for bad in [String::new(), one.to_string(), format!("{LOG} {one}x"), format!("{LOG} {one},")] {
        assert!(logs(&bad).is_err(), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_body_makes_it_panic_or_sign(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0..1000usize, with in any::<u8>(), cut in 0..1000usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let witness = witness().await;
            assert_eq!(post(&witness, &bytes).await.0, 400);
            let good = log(0).submission(0, 7).await.to_string().into_bytes();
            let mut bent = good.clone();
            let at = at % bent.len();
            bent[at] = with;
            let cut = good[..cut % good.len()].to_vec();
            for body in [bent, cut] {
                let (status, ..) = post(&witness, &body).await;
                assert!(body == good || matches!(status, 400 | 403 | 404 | 409 | 422), "{status}");
            }
        });
    }
}
