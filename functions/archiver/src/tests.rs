//! What a person reads about when it happens: halts, quarantine, heartbeats, receipts, and who publishes for whom.

use std::cell::RefCell;
use std::collections::BTreeSet;

use countersign_app::commit::{NewRequest, With, create, execute};
use countersign_app::log::EventKey;
use countersign_app::memory::{LocalSigner, MemoryArchive, MemoryTable, Op};
use countersign_app::metrics::Swept;
use countersign_app::ports::{Ledger, PortError, Table};
use countersign_app::sample;
use countersign_domain::event::Decision;
use countersign_domain::leaf::Subject;
use countersign_domain::review::Evaluation;
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Bundle, Proof};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::handler::{ArchiverError, Report, handle};
use crate::log::{Halt, Log, LogError};

type TestLog = Log<MemoryTable, MemoryArchive, LocalSigner>;

fn stack() -> TestLog {
    Log {
        table: MemoryTable::default(),
        archive: MemoryArchive::default(),
        signer: LocalSigner::new([7; 32]),
        origin: sample::origin(),
        source: sample::SOURCE.to_owned(),
        most: 99,
        spread: |most| most,
        key: OnceCell::new(),
    }
}

/// Somebody asks for the request number `n`.
async fn ask(table: &MemoryTable, n: u32, evaluation: Evaluation) -> Subject {
    let (id, ask) = (sample::id(n), sample::ask("s3://b/"));
    let new = NewRequest {
        create: sample::create(&id, "deploy", &ask, evaluation),
        ask: &ask,
        agent: &table.agent(&sample::agent("deploy")).await.unwrap(),
        idempotency: sample::idempotency("deploy", &format!("key {n}"), &id),
    };
    create(table, sample::SOURCE, new, sample::at(0)).await.unwrap();
    Subject::Request(id)
}

async fn archive(log: &TestLog, subject: &Subject) -> Result<u64, LogError> {
    log.archive(&BTreeSet::from([subject.clone()]), sample::at(1)).await
}

async fn seal(log: &TestLog, n: u32) -> Result<serde_json::Value, ArchiverError> {
    handle(log, json!({"seal": sample::id(n)}), |_| ()).await
}

/// The published leaves, as types and numbers.
fn published(bucket: &MemoryArchive, size: u64) -> Vec<String> {
    let bundle = Bundle::of(0, size).unwrap();
    let bytes = &bucket.objects()[&format!("{}/{}", sample::origin(), bundle.path())];
    let kind = |leaf: &[u8]| {
        let leaf: serde_json::Value = serde_json::from_slice(leaf).unwrap();
        leaf["type"].as_str().unwrap().to_owned()
    };
    bundle.entries(bytes).unwrap().into_iter().map(kind).collect()
}

#[tokio::test]
async fn a_receipt_proves_the_decision_to_anybody() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    assert_eq!(seal(&log, 1).await.unwrap()["receipt"], json!(null), "nobody has decided");
    let stored = log.table.state(&sample::id(1)).await.unwrap().unwrap();
    let approve = sample::decide(&stored.request, "bob", Decision::Approve, None);
    execute(&log.table, sample::SOURCE, stored, approve, With::default(), sample::at(9)).await.unwrap();
    ask(&log.table, 2, sample::allow()).await;

    for (n, kind) in [(1, "decision.approved"), (2, "policy.evaluated")] {
        let sealed = seal(&log, n).await.unwrap();
        let proof = Proof::parse(sealed["receipt"].as_str().unwrap().as_bytes()).unwrap();
        let events = log.table.events(&Subject::Request(sample::id(n))).await.unwrap();
        let decision = events.iter().find(|event| event.index == Some(proof.index)).unwrap();
        assert!(String::from_utf8_lossy(&decision.bytes).contains(kind), "{kind}");
        let keys = [log.key().await.unwrap().clone()];
        let opened = proof.verify(&leaf_hash(&decision.bytes), log.origin.as_str(), &keys, &[]).unwrap();
        assert_eq!(sealed["index"], json!(proof.index));
        assert_eq!(sealed["size"], json!(opened.checkpoint.size()));
        assert!(proof.extra.is_empty());
    }
    let missing = seal(&log, 3).await;
    assert_eq!(missing, Err(ArchiverError::RequestNotFound));
    assert_eq!(archive(&log, &subject).await, Ok(0), "again");
}

#[tokio::test]
async fn a_bad_event_goes_in_as_its_hash_and_stops_nobody() {
    let check = async |flaw: &str, change: fn(&mut Vec<u8>, &mut Option<String>)| {
        let log = stack();
        let subject = ask(&log.table, 1, sample::review(&[])).await;
        log.table.tamper(&EventKey { subject: subject.clone(), seq: 2 }, change);
        ask(&log.table, 2, sample::review(&[])).await;
        let rang = BTreeSet::from([subject, Subject::Request(sample::id(2))]);
        assert_eq!(log.archive(&rang, sample::at(1)).await, Ok(4), "{flaw}");
        let expect =
            ["log.genesis", "request.created", "log.quarantined", "request.created", "policy.evaluated"];
        assert_eq!(published(&log.archive, 5), expect, "{flaw}");
        let own = log.table.events(&Subject::Log(sample::origin())).await.unwrap();
        assert!(
            String::from_utf8_lossy(&own[1].bytes).contains(&format!("\"because\":\"{flaw}\"")),
            "{flaw}"
        );
    };
    fn with_hash(bytes: Vec<u8>) -> (Vec<u8>, Option<String>) {
        let hash = countersign_domain::leaf::LeafHash::of(&bytes);
        (bytes, Some(hash.into()))
    }
    check("hash", |bytes, _| bytes.push(b' ')).await;
    check("hash", |_, hash| *hash = None).await;
    check("malformed", |bytes, hash| (*bytes, *hash) = with_hash(b"{}".to_vec())).await;
    check("misplaced", |bytes, hash| {
        (*bytes, *hash) = with_hash(
            String::from_utf8_lossy(bytes).replace(".2\"", ".3\"").replace("\"seq\":2", "\"seq\":3").into(),
        );
    })
    .await;
    check("chain", |bytes, hash| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let at = text.find("\"prev\":\"").unwrap() + 8;
        (*bytes, *hash) = with_hash([&text[..at], &"0".repeat(64), &text[at + 64..]].concat().into());
    })
    .await;
}

#[tokio::test]
async fn a_restored_table_halts_the_log() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &subject).await.unwrap();
    let old = log.table.log_head(&log.origin).await.unwrap();
    let other = ask(&log.table, 2, sample::review(&[])).await;
    archive(&log, &other).await.unwrap();
    for (head, known) in [(old, 3), (None, 0)] {
        log.table.restore_head(&log.origin, head);
        let halt = Halt::Restored { signed: 5, known };
        assert_eq!(archive(&log, &subject).await, Err(LogError::Halted(halt.clone())));
        assert_eq!(seal(&log, 1).await, Err(ArchiverError::LogHalted(halt)));
    }
}

#[tokio::test]
async fn a_sweep_is_counted_and_a_halt_is_told() {
    let log = stack();
    let call = async |event: serde_json::Value| {
        let told = RefCell::new(Vec::new());
        let answer = handle(&log, event, |report| told.borrow_mut().push(report)).await;
        (answer, told.into_inner())
    };
    let swept = |looked, failures| Report::Swept(Swept { looked, failures });
    ask(&log.table, 1, sample::review(&[])).await;
    let sweep = json!({"sweep": true});
    assert_eq!(call(sweep.clone()).await, (Ok(json!({"archived": 2})), vec![swept(1, 0)]));

    ask(&log.table, 2, sample::review(&[])).await;
    let down = || PortError::Unavailable("down".into());
    log.signer.faults.fail_next(Op::Sign, down());
    let failed = Err(ArchiverError::ArchiveUnavailable(LogError::Key(down())));
    assert_eq!(call(sweep.clone()).await, (failed, vec![swept(1, 1)]));

    log.table.restore_head(&log.origin, None);
    let halted = || Err(ArchiverError::LogHalted(Halt::Restored { signed: 5, known: 0 }));
    assert_eq!(call(sweep).await, (halted(), vec![swept(0, 1), Report::Halted]));
    assert_eq!(call(json!({"seal": sample::id(1)})).await, (halted(), vec![Report::Halted]));
    let keys = json!({"pk": {"S": format!("REQ#{}", sample::id(1))}, "sk": {"S": "EVT#0001"}});
    let rang = json!({"Records": [{"dynamodb": {"SequenceNumber": "7", "Keys": keys}}]});
    let again = json!({"batchItemFailures": [{"itemIdentifier": "7"}]});
    assert_eq!(call(rang).await, (Ok(again), vec![Report::Halted]));
}

#[tokio::test]
async fn other_bytes_in_the_bucket_halt_the_log_and_hidden_ones_do_not() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &subject).await.unwrap();
    let path = |name: &str| format!("{}/{name}", sample::origin());
    // An object that was hidden and written again is read as it was.
    for name in ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoints/00000000000000000003", "checkpoint"] {
        log.archive.hide(&path(name));
        log.archive.overwrite(&path(name), "rubbish");
    }
    let other = ask(&log.table, 2, sample::review(&[])).await;
    assert_eq!(archive(&log, &other).await, Ok(2));
    // What nobody wrote before is a fork.
    log.archive.overwrite(&path("tile/0/000.p/7"), "rubbish");
    let third = ask(&log.table, 3, sample::review(&[])).await;
    let fork = LogError::Halted(Halt::Fork("tile/0/000.p/7".into()));
    assert_eq!(archive(&log, &third).await, Err(fork.clone()));
    assert_eq!(archive(&log, &third).await, Err(fork), "it does not heal by itself");
    assert_eq!(log.table.log_head(&log.origin).await.unwrap().map(|head| head.published), Some(5));
}

#[tokio::test]
async fn a_quiet_log_has_a_heartbeat_an_hour() {
    let log = stack();
    let beats = [(0, 1), (3599, 1), (3600, 2), (3601, 2), (7200, 3)];
    for (seconds, size) in beats {
        log.beat(sample::at(seconds)).await.unwrap();
        assert_eq!(log.ready(false).await.unwrap().map(|head| head.size), Some(size), "after {seconds} s");
    }
    assert_eq!(published(&log.archive, 3), ["log.genesis", "log.heartbeat", "log.heartbeat"]);
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    log.archive(&BTreeSet::from([subject]), sample::at(9000)).await.unwrap();
    log.beat(sample::at(10_800)).await.unwrap();
    assert_eq!(log.ready(false).await.unwrap().map(|head| head.size), Some(5), "something was logged");
}

#[tokio::test(start_paused = true)]
async fn who_lost_a_race_publishes_only_for_a_winner_who_stands_still() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    let down = || PortError::Unavailable("down".into());
    log.signer.faults.fail_next(Op::Sign, down());
    assert_eq!(archive(&log, &subject).await, Err(LogError::Key(down())));
    let began = tokio::time::Instant::now();
    assert_eq!(log.ready(true).await.unwrap().map(|head| head.published), Some(3));
    assert!(began.elapsed().as_millis() >= 2000, "{:?}", began.elapsed());

    let other = ask(&log.table, 2, sample::review(&[])).await;
    log.signer.faults.fail_next(Op::Sign, down());
    archive(&log, &other).await.unwrap_err();
    let began = tokio::time::Instant::now();
    assert_eq!(log.ready(false).await.unwrap().map(|head| head.published), Some(5));
    assert_eq!(began.elapsed().as_millis(), 0, "who comes new waits for nobody");
}
