//! A log that cannot go on, and the one that two people begin after it.

use std::collections::BTreeSet;

use countersign_app::commit::{CommitError, With, execute};
use countersign_app::memory::Op;
use countersign_app::ports::{Ledger, PortError, Table};
use countersign_app::sample;
use countersign_domain::event::{Decision, Event, Fact};
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::log::Odds;
use countersign_domain::request::Command;
use countersign_domain::{Code, Status};
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Checkpoint, Note, Proof};
use serde_json::{Value, json};

use crate::handler::{ArchiverError, handle};
use crate::log::{Halt, LogError};
use crate::tests::{TestLog, archive, ask, published, seal, stack};

async fn call(log: &TestLog, event: Value) -> Result<Value, ArchiverError> {
    handle(log, event, |_| ()).await
}

/// Two people want the log to go on; the first said so at this second.
fn recover(by: [&str; 2], asked: u32) -> Value {
    let reason = sample::words("The table was restored.");
    json!({"record": {"recovered": {"by": by.map(sample::actor), "reason": reason, "asked": sample::at(asked)}}})
}

/// The fact in the `extra` of an answer's receipt, which verifies with the key of the log that it names.
async fn said(log: &TestLog, answer: &Value) -> (Proof, Event) {
    let proof = Proof::parse(answer["receipt"].as_str().unwrap().as_bytes()).unwrap();
    let current = log.current().await.unwrap();
    assert_eq!(answer["origin"], json!(current.origin));
    let keys = [current.key().await.unwrap()];
    let opened = proof.verify(&leaf_hash(&proof.extra), current.origin.as_str(), &keys, &[]).unwrap();
    assert_eq!((&answer["index"], &answer["size"]), (&json!(proof.index), &json!(opened.checkpoint.size())));
    let event = Leaf::parse(&proof.extra).unwrap().event;
    (proof, event)
}

fn later(n: u32) -> Origin {
    format!("{}/{n}", sample::origin()).parse().unwrap()
}

async fn approved(log: &TestLog, n: u32) -> Subject {
    let subject = ask(&log.table, n, sample::review(&[])).await;
    let stored = log.table.state(&sample::id(n)).await.unwrap().unwrap();
    let approve = sample::decide(&stored.request, "bob", Decision::Approve, None);
    execute(&log.table, sample::SOURCE, stored, approve, With::default(), sample::at(9)).await.unwrap();
    subject
}

/// The role takes the right to run, with the marks as Intake reads them.
async fn consume(log: &TestLog, n: u32) -> Result<Status, CommitError> {
    let stored = log.table.state(&sample::id(n)).await.unwrap().unwrap();
    let Command::Consume(mut consume) = sample::consume(&stored.request, "deploy") else {
        panic!("a consume")
    };
    consume.recovered = log.table.recovered().await.unwrap();
    let command = Command::Consume(consume);
    let done = execute(&log.table, sample::SOURCE, stored, command, With::default(), sample::at(20)).await;
    done.map(|stored| stored.request.status)
}

#[tokio::test]
async fn an_export_is_an_event_of_the_log_with_a_receipt() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &subject).await.unwrap();
    let actor = json!(sample::actor("sam"));
    let mut data = json!({
        "start": 0, "end": 3, "from": sample::at(0), "to": sample::at(9), "control": "CC8.1",
        "manifest": countersign_domain::Digest::of(b"MANIFEST"),
    });
    data.as_object_mut().unwrap().extend(actor.as_object().unwrap().clone());
    let answer = call(&log, json!({"record": {"exported": data}})).await.unwrap();
    let (proof, event) = said(&log, &answer).await;
    assert_eq!((proof.index, event.fact.kind()), (3, "log.exported"));
    assert_eq!(published(&log.archive, &log.base, 4)[3], "log.exported");

    data["end"] = json!("all");
    for bad in [json!({"exported": data}), json!({"exported": {}}), json!({"heartbeat": {}}), json!(1)] {
        assert_eq!(call(&log, json!({"record": bad})).await, Err(ArchiverError::InvalidInput));
    }
    // A log that has not begun begins with it.
    let fresh = stack();
    data["end"] = json!(3);
    let answer = call(&fresh, json!({"record": {"exported": data}})).await.unwrap();
    assert_eq!(said(&fresh, &answer).await.0.index, 1);
}

#[tokio::test]
async fn after_a_restore_nothing_is_released_and_after_a_recovery_the_log_goes_on() {
    let log = stack();
    let first = approved(&log, 1).await;
    archive(&log, &first).await.unwrap();
    let kept = call(&log, json!({"seal": sample::id(1)})).await.unwrap();
    let old_head = log.table.log_head(&log.base).await.unwrap();
    let second = approved(&log, 2).await;
    archive(&log, &second).await.unwrap();
    let shown = log.archive.versions(&format!("{}/checkpoint", log.base)).pop().flatten().unwrap();
    let newest = Note::parse(&shown).unwrap();

    // The table is one of before: nothing is sealed, so nothing is released, whatever is asked.
    log.table.restore_head(&log.base, old_head);
    let third = approved(&log, 3).await;
    let halt = Halt::Restored { signed: 9, known: 5 };
    for n in 1..=3 {
        assert_eq!(seal(&log, n).await, Err(ArchiverError::LogHalted(halt.clone())));
    }
    assert_eq!(archive(&log, &third).await, Err(LogError::Halted(halt)));

    // One person twice is not two.
    assert_eq!(call(&log, recover(["root", "root"], 0)).await, Err(ArchiverError::InvalidInput));
    let answer = call(&log, recover(["root", "alice"], 0)).await.unwrap();
    let (proof, event) = said(&log, &answer).await;
    let Fact::LogRecovered { recovery, void_before } = event.fact else { panic!("{event:?}") };
    assert_eq!((proof.index, answer["origin"].as_str()), (1, Some(later(2).as_str())));
    assert_eq!((&recovery.origin, recovery.size, recovery.halt), (&log.base, 9, Some(Odds::Restored)));
    let text: Checkpoint = newest.text().parse().unwrap();
    assert_eq!((text.size(), *text.root()), (9, recovery.root.0));
    assert_eq!(recovery.by, ["root", "alice"].map(sample::actor));
    let reason = sample::words("The table was restored.");
    assert_eq!(recovery.reason, reason.hash());
    assert_eq!(log.table.log_text(&later(2), 2), Some(reason));
    let own = log.table.events(&Subject::Log(later(2))).await.unwrap();
    let genesis = Leaf::parse(&own[0].bytes).unwrap().event.fact;
    assert!(matches!(genesis, Fact::LogGenesis { after: Some(after), .. } if after == recovery));

    // What was asked before is void; what is asked after it is not.
    assert_eq!(log.table.recovered().await.unwrap(), Some(void_before));
    for n in 1..=3 {
        let refused = consume(&log, n).await.unwrap_err();
        let CommitError::Refused { refusal, .. } = refused else { panic!("{refused}") };
        assert_eq!(refusal.code(), Code::NotActionable);
    }
    assert_eq!(log.archive(&BTreeSet::from([third]), sample::at(30)).await, Ok(4));
    assert_eq!(
        published(&log.archive, &later(2), 6),
        [
            "log.genesis",
            "log.recovered",
            "request.created",
            "policy.evaluated",
            "vote.cast",
            "decision.approved"
        ]
    );
    // The one before it verifies as ever, and so do its receipts.
    let again = seal(&log, 1).await.unwrap();
    let keys = [log.at(Default::default()).unwrap().key().await.unwrap()];
    let event = log.table.events(&first).await.unwrap().pop().unwrap();
    for answer in [kept, again] {
        let proof = Proof::parse(answer["receipt"].as_str().unwrap().as_bytes()).unwrap();
        proof.verify(&leaf_hash(&event.bytes), log.base.as_str(), &keys, &[]).unwrap();
    }
    // Whoever lost the answer is told the same again.
    let once_more = call(&log, recover(["root", "alice"], 0)).await.unwrap();
    assert_eq!((&once_more["origin"], &once_more["index"]), (&answer["origin"], &answer["index"]));
    assert_eq!(said(&log, &once_more).await.0.extra, proof.extra);
}

/// A table of before a recovery does not know of it, and would go on with the log before.
#[tokio::test]
async fn a_table_of_before_a_recovery_halts() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &subject).await.unwrap();
    call(&log, recover(["root", "alice"], 0)).await.unwrap();
    log.table.restore_line(&log.base, Default::default());
    let other = ask(&log.table, 2, sample::review(&[])).await;
    let halt = LogError::Halted(Halt::Superseded(later(2)));
    assert_eq!(archive(&log, &other).await, Err(halt.clone()));
    assert_eq!(log.beat(sample::at(99_999)).await, Err(halt));
    // The next one goes on from the newest that was published, and takes no name twice.
    let answer = call(&log, recover(["root", "alice"], 1)).await.unwrap();
    let (_, event) = said(&log, &answer).await;
    assert_eq!(answer["origin"], json!(later(3)));
    let Fact::LogRecovered { recovery, .. } = event.fact else { panic!("{event:?}") };
    assert_eq!((recovery.origin, recovery.size, recovery.halt), (later(2), 2, Some(Odds::Restored)));
    assert_eq!(archive(&log, &other).await, Ok(2));
}

/// Taken in, and never published: in no log, if nobody took them in again.
#[tokio::test]
async fn what_a_fork_kept_from_being_published_is_in_the_next_log() {
    let log = stack();
    let first = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &first).await.unwrap();
    log.archive.overwrite(&format!("{}/tile/0/000.p/5", log.base), "rubbish");
    let second = ask(&log.table, 2, sample::review(&[])).await;
    archive(&log, &second).await.unwrap_err();
    assert!(log.table.unsealed(&second).await.unwrap().events.is_empty());
    let answer = call(&log, recover(["root", "alice"], 0)).await.unwrap();
    let (_, event) = said(&log, &answer).await;
    let Fact::LogRecovered { recovery, .. } = event.fact else { panic!("{event:?}") };
    assert_eq!((recovery.size, recovery.halt), (3, Some(Odds::Fork)));
    let archived = call(&log, json!({"sweep": true})).await;
    assert_eq!(archived, Ok(json!({"archived": 2})));
    assert_eq!(published(&log.archive, &later(2), 4)[2..], ["request.created", "policy.evaluated"]);
    let places: Vec<_> =
        log.table.events(&first).await.unwrap().into_iter().map(|event| (event.index, event.log)).collect();
    assert_eq!(places, [(Some(1), 0), (Some(2), 0)], "what is in the log before keeps its place");
}

#[tokio::test]
async fn a_recovery_that_dies_half_way_is_finished_by_the_next() {
    let log = stack();
    let subject = ask(&log.table, 1, sample::review(&[])).await;
    archive(&log, &subject).await.unwrap();
    log.table.restore_head(&log.base, None);
    let down = || PortError::Unavailable("down".into());
    log.signer.faults.fail_next(Op::Sign, down());
    let failed = call(&log, recover(["root", "alice"], 0)).await;
    assert_eq!(failed, Err(ArchiverError::ArchiveUnavailable(LogError::Key(down()))));
    let answer = call(&log, recover(["root", "alice"], 0)).await.unwrap();
    assert_eq!(answer["origin"], json!(later(2)), "not a third one");
    said(&log, &answer).await;
}
