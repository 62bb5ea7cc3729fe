//! Writers at the same time: exactly one wins, whatever the order.

use countersign_domain::event::Decision;
use countersign_domain::leaf::{Head, Leaf};
use countersign_domain::request::{Command, NewRevision};
use countersign_domain::{Digest, RequestId};
use futures::future::join_all;
use futures::join;

use super::fixture::{Step, ask, events, frozen, name, opened, state};
use crate::ports::{PortError, Table};
use crate::sample::{agent, at, channel, decide, id, idempotency, review, review_with, words};
use crate::store::{AgentRecord, CardRecord, Commit};

const WRITERS: u32 = 8;

/// Exactly one came through; the others were told one of `losers`.
fn one_won<R: std::fmt::Debug>(results: &[Result<R, PortError>], losers: &[PortError]) {
    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = results.iter().filter_map(|result| result.as_ref().err());
    assert_eq!(won, 1, "{results:?}");
    assert!(lost.clone().all(|error| losers.contains(error)), "{results:?}");
}

async fn chain_is_whole<T: Table>(table: &T, id: &RequestId) {
    let stored = state(table, id).await;
    let mut head = Head::EMPTY;
    for event in events(table, id).await {
        let read = Leaf::parse(&event.bytes).unwrap();
        assert_eq!((read.seq, read.prev), (head.seq + 1, head.hash), "event {}", event.seq);
        head = Head { seq: read.seq, hash: countersign_domain::leaf::LeafHash::of(&event.bytes) };
    }
    assert_eq!(stored.head, head);
}

pub(super) async fn one_of_many_writers_wins<T: Table>(table: &T) {
    let quorum = review_with(&[], |gate, _| gate.quorum = 200);
    let mut before = opened(table, 1, "deploy", quorum, at(0)).await;
    for round in 0..3_u32 {
        let vote = |n: u32| {
            let command = decide(&before.request, &format!("p{round}-{n}"), Decision::Approve, None);
            Step::then(&before, command, at(round))
        };
        let steps: Vec<_> = (0..WRITERS).map(vote).collect();
        let results = join_all(steps.iter().map(|step| table.commit(step.on(Some(&before))))).await;
        one_won(&results, &[PortError::Conflict]);
        let after = state(table, &id(1)).await;
        assert_eq!(after.version(), before.version() + 1);
        before = after;
    }
    chain_is_whole(table, &id(1)).await;
}

pub(super) async fn one_of_many_openers_wins<T: Table>(table: &T) {
    // With one key.
    let (read, of) = (AgentRecord::default(), name("deploy"));
    let made = |n: u32| {
        (Step::first(n, "deploy", 1, review(&[]), at(0)), ask(n), idempotency("deploy", "key", &id(n)))
    };
    let made: Vec<_> = (1..=WRITERS).map(made).collect();
    let commits = made.iter().map(|(step, ask, record)| {
        table.commit(Commit { idempotency: Some(record.clone()), ..step.opening(ask, &read, &of) })
    });
    one_won(&join_all(commits).await, &[PortError::KeyTaken, PortError::Conflict]);
    let record = table.idempotency(&agent("deploy"), "key").await.unwrap().unwrap();
    assert!(table.state(&record.request).await.unwrap().is_some(), "the key names the request that was made");
    assert_eq!(table.agent(&agent("deploy")).await.unwrap().live, 1);

    // With keys of their own, on the same record.
    let read = table.agent(&agent("deploy")).await.unwrap();
    let made = |n: u32| (Step::first(n, "deploy", 2, review(&[]), at(1)), ask(n));
    let made: Vec<_> = (21..=20 + WRITERS).map(made).collect();
    let commits = made.iter().map(|(step, ask)| table.commit(step.opening(ask, &read, &of)));
    one_won(&join_all(commits).await, &[PortError::AgentChanged, PortError::Conflict]);
    let after = table.agent(&agent("deploy")).await.unwrap();
    assert_eq!((after.rno, after.live, after.version), (2, 2, 2));

    // One chat callback, delivered twice at a time.
    let first = state(table, &record.request).await;
    let press = Some((Digest::of(b"press"), at(600)));
    let question = words("Why?");
    let step =
        Step::then(&first, decide(&first.request, "alice", Decision::RequestInfo, Some(&question)), at(2));
    let commit = || Commit { once: press.clone(), ..step.on(Some(&first)) };
    let (one, two) = join!(table.commit(commit()), table.commit(commit()));
    one_won(&[one, two], &[PortError::SeenBefore, PortError::Conflict]);
}

/// An ask sees a freeze that was faster; a freeze does not mind asks.
pub(super) async fn asks_do_not_stop_a_freeze<T: Table>(table: &T) {
    let (deploy, of) = (agent("deploy"), name("deploy"));
    opened(table, 1, "deploy", review(&[]), at(0)).await;
    let read = table.agent(&deploy).await.unwrap();
    let made = |n: u32| (Step::first(n, "deploy", 2, review(&[]), at(1)), ask(n));
    let made: Vec<_> = (2..=1 + WRITERS).map(made).collect();
    let asks = join_all(made.iter().map(|(step, ask)| table.commit(step.opening(ask, &read, &of))));
    let (after, leaves) = frozen(&deploy, &read, at(2));
    let (asks, freeze) = join!(asks, table.commit_agent(&deploy, &read, &after, leaves.clone(), Vec::new()));
    // A service that does one transaction at a time on a record may turn either away; then it is tried again.
    if freeze != Ok(()) {
        assert_eq!(freeze, Err(PortError::Conflict));
        table.commit_agent(&deploy, &read, &after, leaves, Vec::new()).await.unwrap();
    }
    let taken = asks.iter().filter(|ask| ask.is_ok()).count() as u64;
    let losers = [PortError::AgentChanged, PortError::Conflict];
    assert!(asks.iter().filter_map(|ask| ask.as_ref().err()).all(|e| losers.contains(e)), "{asks:?}");
    assert!(taken <= 1, "{asks:?}");
    let now = table.agent(&deploy).await.unwrap();
    assert_eq!((now.rno, now.version, now.agent.frozen), (1 + taken, 2 + taken, true));
}

pub(super) async fn one_of_many_claimants_wins<T: Table>(table: &T) {
    opened(table, 1, "deploy", review(&["sns"]), at(0)).await;
    let (request, new) = (id(1), CardRecord::new(channel("sns"), 1));
    let claims = (0..WRITERS).map(|_| table.claim_card(&request, &new, at(0), at(5)));
    let won: Vec<_> = join_all(claims).await.into_iter().filter_map(|claim| claim.unwrap()).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    // It was never released: when it has run out, one of many takes it over.
    let claims = (0..WRITERS).map(|_| table.claim_card(&request, &won[0], at(5), at(10)));
    let next: Vec<_> = join_all(claims).await.into_iter().filter_map(|claim| claim.unwrap()).collect();
    assert_eq!(next.iter().map(|card| card.version).collect::<Vec<_>>(), [2]);
}

/// Whoever reads all of a request while it is revised sees an ask and the state it belongs to.
pub(super) async fn an_ask_is_that_of_its_state<T: Table>(table: &T) {
    const REVISIONS: u32 = 10;
    opened(table, 1, "deploy", review(&[]), at(0)).await;
    let done = std::sync::atomic::AtomicBool::new(false);
    let write = async {
        for n in 2..=REVISIONS {
            let (question, answer, ask) = (words("Why?"), words("So."), ask(n));
            let first = state(table, &id(1)).await;
            let command = decide(&first.request, "alice", Decision::RequestInfo, Some(&question));
            table.commit(Step::then(&first, command, at(n)).on(Some(&first))).await.unwrap();
            let second = state(table, &id(1)).await;
            let revision = NewRevision {
                digest: ask.action.digest(&agent("deploy"), &ask.nonce),
                justification: None,
                evaluation: review(&[]),
                recorded: Default::default(),
            };
            let revision = Some(Box::new(revision));
            let command = Command::Respond { agent: agent("deploy"), answer: answer.hash(), revision };
            let step = Step::then(&second, command, at(n));
            table.commit(Commit { ask: Some((n, &ask)), ..step.on(Some(&second)) }).await.unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let read = async || {
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let whole = table.whole(&id(1)).await.unwrap().unwrap();
            let (request, ask) = (&whole.stored.request, whole.ask);
            let digest = ask.map(|ask| ask.action.digest(&request.agent, &ask.nonce));
            assert_eq!(digest.as_ref(), Some(&request.digest), "revision {}", request.revision);
        }
    };
    join!(write, join_all((0..WRITERS).map(|_| read())), read_also(table, &done));
    assert_eq!(state(table, &id(1)).await.request.revision, REVISIONS);
    chain_is_whole(table, &id(1)).await;
}

/// The state alone never goes back.
async fn read_also<T: Table>(table: &T, done: &std::sync::atomic::AtomicBool) {
    let mut version = 0;
    while !done.load(std::sync::atomic::Ordering::Relaxed) {
        let now = state(table, &id(1)).await.version();
        assert!(now >= version, "version {now} after {version}");
        version = now;
    }
}
