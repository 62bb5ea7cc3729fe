//! What a person reads about when it happens: halts, quarantine, heartbeats, receipts, and who publishes for whom.

use std::cell::RefCell;
use std::collections::BTreeSet;

use countersign_app::commit::{NewRequest, With, create, execute};
use countersign_app::log::{BESIDE, EventKey, Keep, LogHead, Stray, TRANSACTION};
use countersign_app::memory::{LocalSigner, MemoryArchive, MemoryTable, Op};
use countersign_app::metrics::Swept;
use countersign_app::ports::{Ledger, PortError, Table};
use countersign_app::sample;
use countersign_domain::event::{Decision, Event, Fact};
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::review::Evaluation;
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Bundle, Proof};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::handler::{ArchiverError, Report, handle};
use crate::log::{Halt, LogError, Logs};

pub type TestLog = Logs<MemoryTable, MemoryArchive, LocalSigner>;

pub fn stack() -> TestLog {
    Logs {
        table: MemoryTable::default(),
        archive: MemoryArchive::default(),
        signer: LocalSigner::new([7; 32]),
        base: sample::origin(),
        source: sample::SOURCE.to_owned(),
        most: TRANSACTION - BESIDE,
        spread: |most| most,
        key: OnceCell::new(),
    }
}

/// Somebody asks for the request number `n`.
pub async fn ask(table: &MemoryTable, n: u32, evaluation: Evaluation) -> Subject {
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

pub async fn archive(log: &TestLog, subject: &Subject) -> Result<u64, LogError> {
    log.archive(&BTreeSet::from([subject.clone()]), sample::at(1)).await
}

pub async fn seal(log: &TestLog, n: u32) -> Result<serde_json::Value, ArchiverError> {
    handle(log, json!({"seal": sample::id(n)}), |_| ()).await
}

/// The published leaves, as types and numbers.
pub fn published(bucket: &MemoryArchive, origin: &Origin, size: u64) -> Vec<String> {
    let bundle = Bundle::of(0, size).unwrap();
    let bytes = &bucket.objects()[&format!("{origin}/{}", bundle.path())];
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
        let keys = [log.current().await.unwrap().key().await.unwrap()];
        let opened = proof.verify(&leaf_hash(&decision.bytes), log.base.as_str(), &keys, &[]).unwrap();
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
        assert_eq!(published(&log.archive, &log.base, 5), expect, "{flaw}");
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
    let old = log.table.log_head(&log.base).await.unwrap();
    let other = ask(&log.table, 2, sample::review(&[])).await;
    archive(&log, &other).await.unwrap();
    for (head, known) in [(old, 3), (None, 0)] {
        log.table.restore_head(&log.base, head);
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

    log.table.restore_head(&log.base, None);
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
    assert_eq!(log.table.log_head(&log.base).await.unwrap().map(|head| head.published), Some(5));
}

#[tokio::test]
async fn a_log_has_a_heartbeat_an_hour_also_when_it_is_busy() {
    let log = stack();
    let beats = [(0, 1), (3599, 1), (3600, 2), (3601, 2), (7200, 3)];
    for (seconds, size) in beats {
        log.beat(sample::at(seconds)).await.unwrap();
        assert_eq!(
            log.current().await.unwrap().ready().await.unwrap().map(|head| head.size),
            Some(size),
            "after {seconds} s"
        );
    }
    assert_eq!(published(&log.archive, &log.base, 3), ["log.genesis", "log.heartbeat", "log.heartbeat"]);
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    log.archive(&BTreeSet::from([subject]), sample::at(9000)).await.unwrap();
    log.beat(sample::at(10_800)).await.unwrap();
    assert_eq!(
        log.current().await.unwrap().ready().await.unwrap().map(|head| head.size),
        Some(6),
        "what others did is no sign of when the log took it in"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_publishes_for_another_who_does_not_stand_still() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    let down = || PortError::Unavailable("down".into());
    log.signer.faults.fail_next(Op::Sign, down());
    assert_eq!(archive(&log, &subject).await, Err(LogError::Key(down())));
    let began = tokio::time::Instant::now();
    assert_eq!(log.current().await.unwrap().ready().await.unwrap().map(|head| head.published), Some(3));
    assert!(began.elapsed().as_millis() >= 2000, "{:?}", began.elapsed());

    let other = ask(&log.table, 2, sample::review(&[])).await;
    let mut held = log.signer.faults.hold_next(Op::Sign);
    let release = async {
        held.reached().await;
        let waiting = async { log.current().await.unwrap().ready().await };
        let (head, ()) = tokio::join!(waiting, async {
            tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
            held.release();
        });
        assert_eq!(head.unwrap().map(|head| head.published), Some(5));
    };
    let (archived, ()) = tokio::join!(archive(&log, &other), release);
    archived.unwrap();
    assert_eq!(log.signer.faults.calls(Op::Sign), 3, "one for each, and the one that failed");
}

/// Whoever can write the table has not the key.
#[tokio::test(start_paused = true)]
async fn a_head_that_was_edited_makes_the_key_sign_no_fork() {
    let log = stack();
    let (first, second) =
        (ask(&log.table, 1, sample::review(&[])).await, ask(&log.table, 2, sample::review(&[])).await);
    archive(&log, &first).await.unwrap();
    archive(&log, &second).await.unwrap();
    let head = log.table.log_head(&log.base).await.unwrap().unwrap();
    // In place of the second's two leaves, its second one and both again.
    let key = |seq| EventKey { subject: second.clone(), seq };
    let batch = vec![key(2), key(1), key(2)];
    let mut edge = log.current().await.unwrap().edge(3).await.unwrap();
    edge.append(&log.table.leaves(&batch).await.unwrap()).unwrap();
    let signed = log.signer.faults.calls(Op::Sign);
    for published in [3, 5] {
        let (root, batch) = (edge.root(), batch.clone());
        let edited = LogHead { size: 6, root, published, batch, ..head.clone() };
        log.table.restore_head(&log.base, Some(edited));
        let said = log.current().await.unwrap().ready().await;
        assert!(matches!(said, Err(LogError::Halted(Halt::Table(_)))), "{published}: {said:?}");
        assert_eq!(log.signer.faults.calls(Op::Sign), signed, "{published}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_overtaken_takes_along_what_else_waits() {
    let log = stack();
    let first = ask(&log.table, 1, sample::review(&[])).await;
    let second = ask(&log.table, 2, sample::review(&[])).await;
    let third = ask(&log.table, 3, sample::review(&[])).await;
    let mut held = log.table.faults.hold_next(Op::CommitLog);
    let overtake = async {
        held.reached().await;
        archive(&log, &second).await.unwrap();
        held.release();
    };
    let (taken, ()) = tokio::join!(archive(&log, &first), overtake);
    assert_eq!(taken, Ok(4), "its own two and those of the third");
    assert_eq!(archive(&log, &third).await, Ok(0));
}

#[tokio::test]
async fn a_subject_that_cannot_be_archived_hides_no_other() {
    // It comes first: in one commit with the others, and with more events than a sweep looks at in one go.
    for events in [30, 450] {
        hides_no_other(events).await;
    }
}

async fn hides_no_other(events: u32) {
    let log = stack();
    let stuck = Subject::Agent(sample::agent("deploy"));
    let mut head = Head::EMPTY;
    for seq in 1..=events {
        let place = Place { source: sample::SOURCE, subject: &stuck, rno: None };
        let event = Event { time: sample::at(seq), fact: Fact::Escalated { level: 1 } };
        let leaf = Leaf::make(&place, &head, &event).unwrap();
        head = leaf.head();
        log.table.append(&stuck, &leaf);
    }
    log.table.stick(&stuck);
    let stray = Stray { subject: stuck.clone(), key: "EVT#junk".into() };
    log.table.stray(stray, "junk");
    for n in 1..=3 {
        ask(&log.table, n, sample::review(&[])).await;
    }
    let told = RefCell::new(Vec::new());
    let swept = handle(&log, json!({"sweep": true}), |report| told.borrow_mut().push(report)).await;
    assert!(matches!(swept, Err(ArchiverError::StorageUnavailable(_))), "{swept:?}");
    assert_eq!(told.into_inner(), [Report::Swept(Swept { looked: 5, failures: 1 })]);
    for n in 1..=3 {
        let events = log.table.events(&Subject::Request(sample::id(n))).await.unwrap();
        assert!(events.iter().all(|event| event.index.is_some()), "request {n}");
    }
    // What is no event is in the log as its hash, and fails no later sweep.
    let own = || async { log.table.events(&Subject::Log(sample::origin())).await.unwrap().len() };
    assert_eq!(own().await, 2);
    assert_eq!(published(&log.archive, &log.base, 8)[1], "log.quarantined");
    handle(&log, json!({"sweep": true}), |_| ()).await.unwrap_err();
    assert_eq!(own().await, 2);
}

/// A partial file of level 0 is full within days. Any other may be the right edge for months, and is kept.
#[tokio::test]
async fn only_partial_files_of_level_0_are_kept_for_weeks() {
    let log = stack();
    let agent = Subject::Agent(sample::agent("deploy"));
    let mut head = Head::EMPTY;
    for seq in 1..=300 {
        let place = Place { source: sample::SOURCE, subject: &agent, rno: None };
        let event = Event { time: sample::at(seq), fact: Fact::Escalated { level: 1 } };
        let leaf = Leaf::make(&place, &head, &event).unwrap();
        head = leaf.head();
        log.table.append(&agent, &leaf);
    }
    archive(&log, &agent).await.unwrap();
    let kept = log.archive.kept();
    let mut counts = [0; 4];
    for (key, keep) in kept {
        let name = key.strip_prefix(log.base.as_str()).unwrap();
        let partial = name.contains(".p/");
        let (kind, expect) = match name {
            _ if name.starts_with("/tile/entries/") && partial => (0, Keep::Weeks),
            _ if name.starts_with("/tile/0/") && partial => (1, Keep::Weeks),
            _ if name.starts_with("/tile/1/") && partial => (2, Keep::Always),
            _ => (3, Keep::Always),
        };
        counts[kind] += 1;
        assert_eq!(keep, expect, "{name}");
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}
