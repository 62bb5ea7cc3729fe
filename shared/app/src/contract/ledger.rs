//! What the log does with the table: what is pending, and the one transaction by which it grows.

use std::collections::BTreeSet;

use countersign_domain::event::{Event, Fact};
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Head, Leaf, LeafHash, Place, Subject};
use countersign_domain::request::Command;
use countersign_domain::{Code, Status};
use futures::future::join_all;

use super::fixture::{Step, events, frozen, moved, opened};
use crate::log::{Begin, EventKey, Line, LogCommit, LogHead, Pending, RawEvent, Sealed, TRANSACTION, VOIDS};
use crate::ports::{Ledger, PortError, Table};
use crate::sample::{agent, allow, at, consume, deny, id, origin, review, words};
use crate::store::{AgentEffect, Commit, Stored};

/// A head that holds `size` events, the last of them those of `batch`.
fn head(size: u64, batch: Vec<EventKey>, chain: Head) -> LogHead {
    let published = size - batch.len() as u64;
    LogHead { size, root: [u8::try_from(size).unwrap(); 32], published, batch, chain, said: at(1) }
}

fn sealed(subject: &Subject, raw: &RawEvent, index: u64) -> Sealed {
    let key = EventKey { subject: subject.clone(), seq: raw.seq };
    Sealed { key, hash: raw.hash.clone(), index }
}

fn heartbeat(origin: &Origin, after: Head) -> Leaf {
    let subject = Subject::Log(origin.clone());
    let place = Place { source: crate::sample::SOURCE, subject: &subject, rno: None };
    Leaf::make(&place, &after, &Event { time: at(0), fact: Fact::LogHeartbeat {} }).unwrap()
}

/// A commit of nothing, on the stack's first log.
fn bare<'a>(origin: &'a Origin, after: &'a LogHead) -> LogCommit<'a> {
    let (sealed, own) = (Vec::new(), Vec::new());
    LogCommit { origin, line: (origin, Line::default()), recovery: None, before: None, after, sealed, own }
}

/// Seals these pending events of a subject on top of `before`.
async fn grow<T: Ledger>(
    table: &T,
    before: Option<&LogHead>,
    subject: &Subject,
    raws: &[RawEvent],
) -> (LogHead, Result<(), PortError>) {
    let size = before.map_or(0, |before| before.size);
    let sealed: Vec<_> = (size..).zip(raws).map(|(index, raw)| sealed(subject, raw, index)).collect();
    let batch = sealed.iter().map(|sealed| sealed.key.clone()).collect();
    let after = head(size + raws.len() as u64, batch, Head::EMPTY);
    let origin = origin();
    let commit = LogCommit { before, sealed, ..bare(&origin, &after) };
    let done = table.commit_log(commit).await;
    (after, done)
}

pub(super) async fn what_is_pending_is_listed_by_subject<T: Table + Ledger>(table: &T) {
    let (first, second) = (Subject::Request(id(1)), Subject::Request(id(2)));
    assert_eq!(table.pending(None, 10).await.unwrap(), Pending::default());
    opened(table, 1, "deploy", review(&[]), at(1)).await;
    opened(table, 2, "deploy", deny(Code::PolicyDenied), at(2)).await;
    let other = agent("other");
    let read = table.agent(&other).await.unwrap();
    let (after, leaves) = frozen(&other, &read, at(3));
    table.commit_agent(&other, &read, &after, leaves, Vec::new()).await.unwrap();
    let other = Subject::Agent(other);

    let check = async |limit: u32, expect: &[&Subject]| {
        let found = table.pending(None, limit).await.unwrap();
        let expect: BTreeSet<Subject> = expect.iter().copied().cloned().collect();
        assert_eq!((found.subjects, found.strays), (expect, vec![]), "at most {limit} events");
    };
    check(100, &[&first, &second, &other]).await;
    // Agents come first, then requests in the order of their ids; a limit counts events.
    check(1, &[&other]).await;
    check(2, &[&other, &first]).await;
    check(4, &[&other, &first, &second]).await;
    // The parts are together all there is, and end.
    let (mut cursor, mut parts) = (None, Vec::new());
    while parts.len() < 10 {
        let part = table.pending(cursor.as_deref(), 1).await.unwrap();
        parts.extend(part.subjects);
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(parts, [&other, &first, &first, &second, &second, &second].map(Clone::clone));
    let raws = table.unsealed(&first).await.unwrap().events;
    grow(table, None, &first, &raws).await.1.unwrap();
    check(100, &[&second, &other]).await;
}

pub(super) async fn events_are_sealed_once_and_in_order<T: Table + Ledger>(table: &T) {
    let subject = Subject::Request(id(1));
    assert_eq!(table.unsealed(&subject).await.unwrap(), Default::default());
    opened(table, 1, "deploy", review(&[]), at(1)).await;
    let found = table.unsealed(&subject).await.unwrap();
    let stored = events(table, &id(1)).await;
    assert_eq!((found.before, found.events.len()), (None, stored.len()));
    for (raw, stored) in found.events.iter().zip(&stored) {
        assert_eq!((raw.seq, &raw.bytes, stored.index), (stored.seq, &stored.bytes, None));
        assert_eq!(raw.hash, Some(LeafHash::of(&raw.bytes).into()));
    }
    let (one, done) = grow(table, None, &subject, &found.events[..1]).await;
    done.unwrap();
    let rest = table.unsealed(&subject).await.unwrap();
    assert_eq!((rest.before.as_ref(), &rest.events[..]), (Some(&found.events[0]), &found.events[1..]));
    let (two, done) = grow(table, Some(&one), &subject, &rest.events).await;
    done.unwrap();

    // A later event is pending although the earlier ones are not.
    let stored = table.state(&id(1)).await.unwrap().unwrap();
    let withdraw = Command::Withdraw { agent: agent("deploy"), reason: None };
    let after = moved(table, &stored, withdraw, AgentEffect::Ended { rejected: false }, at(9)).await;
    assert_eq!(after.request.status, Status::Withdrawn);
    let last = table.unsealed(&subject).await.unwrap();
    assert_eq!((last.before.as_ref(), last.events.len()), (found.events.last(), 1));
    let places: Vec<_> = events(table, &id(1)).await.into_iter().map(|event| event.index).collect();
    assert_eq!(places, [Some(0), Some(1), None]);
    assert_eq!(table.log_head(&origin()).await.unwrap(), Some(two));

    let keys: Vec<_> = [3, 1, 2].map(|seq| EventKey { subject: subject.clone(), seq }).into_iter().collect();
    let bytes = |raw: &RawEvent| raw.bytes.clone();
    let expect = [&last.events[0], &found.events[0], &found.events[1]].map(bytes);
    assert_eq!(table.leaves(&keys).await.unwrap(), expect);
    assert_eq!(table.leaves(&[]).await.unwrap(), Vec::<Vec<u8>>::new());
    let missing = EventKey { subject, seq: 9 };
    assert!(table.leaves(&[missing]).await.is_err());
}

pub(super) async fn a_log_grows_on_what_was_read<T: Table + Ledger>(table: &T) {
    let (subject, origin) = (Subject::Request(id(1)), origin());
    opened(table, 1, "deploy", review(&[]), at(1)).await;
    let raws = table.unsealed(&subject).await.unwrap().events;
    assert_eq!(table.log_head(&origin).await.unwrap(), None);
    let genesis = heartbeat(&origin, Head::EMPTY);
    let log = Subject::Log(origin.clone());
    let own = EventKey { subject: log.clone(), seq: 1 };
    let first = head(2, vec![own, sealed(&subject, &raws[0], 1).key], genesis.head());
    let commit = |before, after| LogCommit { before, ..bare(&origin, after) };
    let begin = LogCommit {
        sealed: vec![sealed(&subject, &raws[0], 1)],
        own: vec![(genesis.clone(), 0)],
        ..commit(None, &first)
    };
    table.commit_log(begin.clone()).await.unwrap();
    assert_eq!(table.log_head(&origin).await.unwrap().as_ref(), Some(&first));
    let own = table.events(&log).await.unwrap();
    assert_eq!((own.len(), own[0].index, &own[0].bytes), (1, Some(0), &genesis.bytes));
    assert!(
        !table.pending(None, 10).await.unwrap().subjects.contains(&log),
        "the log's own events are in it"
    );

    let next = head(3, vec![sealed(&subject, &raws[1], 2).key], genesis.head());
    let good = LogCommit { sealed: vec![sealed(&subject, &raws[1], 2)], ..commit(Some(&first), &next) };
    let check = async |what: &str, bad: LogCommit<'_>| {
        assert_eq!(table.commit_log(bad).await, Err(PortError::Conflict), "{what}");
        assert_eq!(
            table.log_head(&origin).await.unwrap().as_ref(),
            Some(&first),
            "{what}: something was written"
        );
        assert_eq!(
            table.unsealed(&subject).await.unwrap().events,
            raws[1..],
            "{what}: something was written"
        );
        assert_eq!(table.events(&log).await.unwrap().len(), 1, "{what}: something was written");
    };
    check("a log that has begun", begin).await;
    let other = LogHead { size: 1, ..first.clone() };
    check("another size", LogCommit { before: Some(&other), ..good.clone() }).await;
    let other = LogHead { root: [9; 32], ..first.clone() };
    check("another root", LogCommit { before: Some(&other), ..good.clone() }).await;
    let mut again = good.clone();
    again.sealed.push(sealed(&subject, &raws[0], 3));
    check("an event that is in the log", again).await;
    let mut changed = good.clone();
    changed.sealed[0].hash = Some(LeafHash([9; 32]).into());
    check("an event of another hash", changed).await;
    let mut missing = good.clone();
    missing.sealed[0].key.seq = 9;
    check("an event that is not there", missing).await;
    let mut own = good.clone();
    own.own.push((genesis.clone(), 3));
    check("an own event that is there", own).await;

    table.published(&origin, &LogHead { size: 9, ..first.clone() }).await.unwrap();
    assert_eq!(table.log_head(&origin).await.unwrap().map(|head| head.published), Some(0), "another head");
    table.published(&origin, &first).await.unwrap();
    assert_eq!(table.log_head(&origin).await.unwrap().map(|head| head.published), Some(2));
    table.commit_log(good).await.unwrap();
    table.published(&origin, &first).await.unwrap();
    assert_eq!(table.log_head(&origin).await.unwrap(), Some(next), "the head has moved on");
}

pub(super) async fn a_transaction_takes_a_hundred_items<T: Table + Ledger>(table: &T) {
    let origin = origin();
    let mut leaves = Vec::new();
    let mut chain = Head::EMPTY;
    for _ in 0..TRANSACTION {
        leaves.push(heartbeat(&origin, chain));
        chain = leaves.last().unwrap().head();
    }
    let grow = async |count: usize| {
        let subject = Subject::Log(origin.clone());
        let batch: Vec<_> =
            leaves[..count].iter().map(|leaf| EventKey { subject: subject.clone(), seq: leaf.seq }).collect();
        let after = head(count as u64, batch.clone(), chain);
        let own = leaves[..count].iter().cloned().zip(0..).collect();
        let commit = LogCommit { own, ..bare(&origin, &after) };
        table.commit_log(commit).await?;
        table.leaves(&batch).await
    };
    assert!(
        matches!(grow(TRANSACTION - 1).await, Err(PortError::Unavailable(_))),
        "with the head and the line it is one more"
    );
    let bytes: Vec<_> = leaves[..TRANSACTION - 2].iter().map(|leaf| leaf.bytes.clone()).collect();
    assert_eq!(grow(TRANSACTION - 2).await, Ok(bytes));
}

/// After it there is another log; what was asked before is void, what was not published is pending again.
pub(super) async fn a_recovery_moves_the_line_and_voids<T: Table + Ledger>(table: &T) {
    let (base, next) = (origin(), format!("{}/1", origin()).parse::<Origin>().unwrap());
    let (subject, reason) = (Subject::Request(id(1)), words("The table was restored."));
    let approved = opened(table, 1, "deploy", allow(), at(10)).await;
    let raws = table.unsealed(&subject).await.unwrap().events;
    assert_eq!(table.line(&base).await, Ok(Line::default()));
    assert_eq!(table.recovered().await, Ok(None));
    let (old, done) = grow(table, None, &subject, &raws).await;
    done.unwrap();
    let places = async || -> Vec<_> {
        events(table, &id(1)).await.into_iter().map(|event| (event.index, event.log)).collect()
    };
    assert_eq!(places().await, [(Some(0), 0), (Some(1), 0)]);

    let genesis = heartbeat(&next, Head::EMPTY);
    let log = Subject::Log(next.clone());
    let first = head(1, vec![EventKey { subject: log.clone(), seq: 1 }], genesis.head());
    let line = Line { n: 1, recovered: Some(at(10)) };
    let begin = |read| LogCommit {
        line: (&base, read),
        recovery: Some(Begin { line, reason: (1, &reason), again: old.batch.clone() }),
        own: vec![(genesis.clone(), 0)],
        ..bare(&next, &first)
    };
    let stale = Line { n: 7, recovered: None };
    assert_eq!(table.commit_log(begin(stale)).await, Err(PortError::Conflict), "another line");
    assert_eq!((table.line(&base).await, table.recovered().await), (Ok(Line::default()), Ok(None)));
    table.commit_log(begin(Line::default())).await.unwrap();
    assert_eq!(table.commit_log(begin(Line::default())).await, Err(PortError::Conflict), "it moved");
    assert_eq!((table.line(&base).await, table.recovered().await), (Ok(line), Ok(Some(at(10)))));
    assert_eq!(table.log_head(&next).await.unwrap().as_ref(), Some(&first));
    assert_eq!(places().await, [(None, 0), (None, 0)]);
    assert_eq!(table.unsealed(&subject).await.unwrap().events, raws);

    // The log before it takes nothing in, the new one does.
    let (_, late) = grow(table, Some(&old), &subject, &raws).await;
    assert_eq!(late, Err(PortError::Conflict));
    let batch = vec![sealed(&subject, &raws[0], 1)];
    let after = head(2, vec![batch[0].key.clone()], genesis.head());
    let commit =
        LogCommit { line: (&base, line), sealed: batch, before: Some(&first), ..bare(&next, &after) };
    table.commit_log(commit).await.unwrap();
    assert_eq!(places().await, [(Some(1), 1), (None, 0)]);

    // What was asked before is consumed no more, by whatever record of the agent's.
    let check = async |stored: &Stored, expect: Result<(), PortError>| {
        let step = Step::then(stored, consume(&stored.request, "deploy"), at(20));
        let agent = AgentEffect::Consumed { unmarked: vec![agent("deploy")] };
        assert_eq!(table.commit(Commit { agent, ..step.on(Some(stored)) }).await, expect);
    };
    check(&approved, Err(PortError::AgentChanged)).await;
    for n in 2..2 + VOIDS {
        let stored = opened(table, n, "deploy", allow(), at(10)).await;
        check(&stored, Err(PortError::AgentChanged)).await;
    }
    let later = opened(table, 20, "deploy", allow(), at(11)).await;
    check(&later, Ok(())).await;
}

pub(super) async fn one_of_many_archivers_wins<T: Table + Ledger>(table: &T) {
    let subject = Subject::Request(id(1));
    opened(table, 1, "deploy", review(&[]), at(1)).await;
    let raws = table.unsealed(&subject).await.unwrap().events;
    let all = join_all((0..6).map(|_| grow(table, None, &subject, &raws))).await;
    let won = all.iter().filter(|(_, done)| done.is_ok()).count();
    assert_eq!(won, 1, "{all:?}");
    assert!(all.iter().all(|(_, done)| matches!(done, Ok(()) | Err(PortError::Conflict))), "{all:?}");
}
