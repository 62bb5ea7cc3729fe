//! Reading back, and every condition of a transaction.

use countersign_domain::event::Decision;
use countersign_domain::ids::RequestId;
use countersign_domain::leaf::{Head, Leaf, LeafHash, Subject};
use countersign_domain::{Digest, Time};

use super::fixture::{Step, ask, events, name, opened, state};
use crate::ports::{PortError, Table};
use crate::sample::{actor, agent, at, decide, id, idempotency, review, words};
use crate::store::{
    AgentEffect, AgentRecord, Commit, Idempotency, Proposal, Removal, Stored, StoredEvent, Whole,
    WorkflowMark,
};
use countersign_domain::request::Command;

pub(super) async fn nothing_is_there_to_begin_with<T: Table>(table: &T) {
    let (id, agent) = (id(1), agent("deploy"));
    assert_eq!(table.state(&id).await.unwrap(), None);
    assert_eq!(table.whole(&id).await.unwrap(), None);
    assert_eq!(events(table, &id).await, []);
    assert_eq!(table.events(&Subject::Agent(agent.clone())).await.unwrap(), []);
    assert_eq!(table.agent(&agent).await.unwrap(), AgentRecord::default());
    assert_eq!(table.idempotency(&agent, "key").await.unwrap(), None);
    assert!(!table.cooling(&Digest::of(b"ask"), at(0)).await.unwrap());
    assert!(!table.seen(&Digest::of(b"press")).await.unwrap());
    let nowhere = Step::first(1, "deploy", 1, review(&[]), at(0)).after;
    assert!(!table.set_view(&nowhere, Some(at(0)), WorkflowMark::default()).await.unwrap());
    assert_eq!(table.due(at(1_000_000), None, 10).await.unwrap().items, []);
    assert_eq!(table.live(None, None, 10).await.unwrap().requests, []);
    assert_eq!(table.of_agent(&agent, None, None, 10).await.unwrap().requests, []);
    assert_eq!(events(table, &id).await, [], "marking what is not there makes nothing");
}

pub(super) async fn a_commit_is_read_back_as_it_was_written<T: Table>(table: &T) {
    let (read, ask, name) = (AgentRecord::default(), ask(1), name("deploy"));
    let mut step = Step::first(1, "deploy", 1, review(&["slack:C0ONE", "sns"]), at(0));
    step.after.due = Some(Time::from_millis(at(30).millis() + 1));
    step.after.workflow =
        WorkflowMark { n: 2, seen: Some(Time::from_millis(at(5).millis() + 7)), looks: 3, resumed: true };
    let commit = step.opening(&ask, &read, &name);
    let record = idempotency("deploy", "key-1", &id(1));
    table.commit(Commit { idempotency: Some(record.clone()), ..commit }).await.unwrap();

    let first = Stored { due: Some(at(31)), ..step.after.clone() };
    assert_eq!(table.state(&id(1)).await.unwrap().as_ref(), Some(&first), "due is rounded up");
    let whole = table.whole(&id(1)).await.unwrap().unwrap();
    assert_eq!((&whole.stored, whole.ask.as_ref()), (&first, Some(&ask)));
    assert!(whole.texts.is_empty() && whole.cards.is_empty());
    assert_eq!(table.idempotency(&agent("deploy"), "key-1").await.unwrap(), Some(record));
    assert_eq!(table.idempotency(&agent("other"), "key-1").await.unwrap(), None, "keys are an agent's own");
    let agent = table.agent(&agent("deploy")).await.unwrap();
    let expected = AgentRecord { name, rno: 1, live: 1, version: 1, ..AgentRecord::default() };
    assert_eq!(agent, expected);

    // A question, its text, and then a new revision: the ask is that of the revision as it stands.
    let question = words("Why all of it?");
    let asked =
        Step::then(&first, decide(&first.request, "alice", Decision::RequestInfo, Some(&question)), at(40));
    table.commit(Commit { texts: vec![(3, &question)], ..asked.on(Some(&first)) }).await.unwrap();
    let second = super::fixture::ask(2);
    let mut revised = asked.after.clone();
    revised.request.revision = 2;
    let leaf = Leaf { seq: 4, ..asked.leaves[0].clone() };
    revised.head = Head { seq: 4, hash: LeafHash([9; 32]) };
    revised.due = None;
    let commit = Step { after: revised.clone(), leaves: vec![leaf] };
    let before = state(table, &id(1)).await;
    table.commit(Commit { ask: Some((2, &second)), ..commit.on(Some(&before)) }).await.unwrap();
    let whole = table.whole(&id(1)).await.unwrap().unwrap();
    assert_eq!((whole.stored, whole.ask), (revised, Some(second)));
    assert_eq!(whole.texts.into_iter().collect::<Vec<_>>(), [(3, question)]);

    let kept = events(table, &id(1)).await;
    let written = step.leaves.iter().chain(&asked.leaves).map(|leaf| StoredEvent {
        seq: leaf.seq,
        bytes: leaf.bytes.clone(),
        index: None,
        log: 0,
    });
    assert_eq!(kept[..3], written.collect::<Vec<_>>());
    assert_eq!((kept.len(), kept[3].seq), (4, 4));
}

/// All that a transaction could have changed.
type Everything =
    (Option<Whole>, Option<Stored>, Vec<StoredEvent>, AgentRecord, Option<Idempotency>, [bool; 2]);

async fn everything<T: Table>(table: &T) -> Everything {
    (
        table.whole(&id(1)).await.unwrap(),
        table.state(&id(2)).await.unwrap(),
        events(table, &id(1)).await,
        table.agent(&agent("deploy")).await.unwrap(),
        table.idempotency(&agent("deploy"), "key-2").await.unwrap(),
        [
            table.cooling(&Digest::of(b"ask"), at(100)).await.unwrap(),
            table.seen(&Digest::of(b"press 2")).await.unwrap(),
        ],
    )
}

pub(super) async fn a_commit_is_all_or_nothing<T: Table>(table: &T) {
    let stale_agent = AgentRecord::default();
    let first = opened(table, 1, "deploy", review(&[]), at(0)).await;
    let question = words("Why?");
    let asked =
        Step::then(&first, decide(&first.request, "alice", Decision::RequestInfo, Some(&question)), at(10));
    let (key, press) = (idempotency("deploy", "key-1", &id(1)), (Digest::of(b"press 1"), at(600)));
    let commit =
        Commit { idempotency: Some(key.clone()), once: Some(press.clone()), ..asked.on(Some(&first)) };
    table.commit(Commit { texts: vec![(3, &question)], ..commit }).await.unwrap();
    let current = state(table, &id(1)).await;

    let reject = words("No.");
    let command = |of: &Stored| decide(&of.request, "bob", Decision::Reject, Some(&reject));
    let good = Step::then(&current, command(&current), at(20));
    let (first_ask, opener) = (ask(1), name("deploy"));
    let stale = AgentEffect::Opened { read: &stale_agent, name: &opener, live: true };
    // Whatever is refused would also have written these.
    let rich = |commit| Commit {
        idempotency: Some(idempotency("deploy", "key-2", &id(1))),
        once: Some((Digest::of(b"press 2"), at(600))),
        cool: Some((Digest::of(b"ask"), at(600))),
        texts: vec![(good.leaves[0].seq, &reject)],
        ..commit
    };
    let check = async |what: &str, commit: Commit<'_>, expect: PortError| {
        let before = everything(table).await;
        assert_eq!(table.commit(commit).await, Err(expect), "{what}");
        assert_eq!(everything(table).await, before, "{what}: something was written");
    };

    // Several conditions that do not hold: the first in this order is told.
    let broken = rich(Commit { agent: stale.clone(), ..good.on(Some(&first)) });
    let seen_press = Commit { once: Some(press), ..broken.clone() };
    check("a taken key", Commit { idempotency: Some(key), ..seen_press.clone() }, PortError::KeyTaken).await;
    check("a callback that was seen", seen_press, PortError::SeenBefore).await;
    check("an older version", broken.clone(), PortError::Conflict).await;
    check("a stale agent", Commit { before: Some(&current), ..broken }, PortError::AgentChanged).await;

    let other_head = Head { hash: LeafHash([1; 32]), ..current.head };
    let other = Stored { head: other_head, ..current.clone() };
    check("the version but another head", rich(good.on(Some(&other))), PortError::Conflict).await;
    let newer = Stored { head: Head { seq: 9, ..current.head }, ..current.clone() };
    check("a version that is not yet", rich(good.on(Some(&newer))), PortError::Conflict).await;
    let again = Step { leaves: asked.leaves.clone(), after: good.after.clone() };
    check("an event that is there", rich(again.on(Some(&current))), PortError::Conflict).await;
    let ask_again = Commit { ask: Some((1, &first_ask)), ..rich(good.on(Some(&current))) };
    check("an ask that is there", ask_again, PortError::Conflict).await;
    let text_again = Commit { texts: vec![(3, &reject)], ..rich(good.on(Some(&current))) };
    check("a text that is there", text_again, PortError::Conflict).await;
    let exists = Step::first(1, "deploy", 2, review(&[]), at(30));
    check("a request that is there", rich(exists.on(None)), PortError::Conflict).await;
    let mut missing = good.after.clone();
    missing.request.id = id(2);
    let missing = Step { after: missing, leaves: good.leaves.clone() };
    check("a request that is not there", rich(missing.on(Some(&current))), PortError::Conflict).await;

    // Nothing of the refused ones is in the way of the good one.
    table.commit(rich(good.on(Some(&current)))).await.unwrap();
    assert_eq!(state(table, &id(1)).await.head, good.after.head);
    assert!(table.cooling(&Digest::of(b"ask"), at(100)).await.unwrap());
    for (press, seen) in [("press 1", true), ("press 2", true), ("press 3", false)] {
        assert_eq!(table.seen(&Digest::of(press.as_bytes())).await, Ok(seen), "{press}");
    }
}

pub(super) async fn a_key_a_callback_and_a_cool_down_are_kept<T: Table>(table: &T) {
    let ask = Digest::of(b"ask");
    let half_past = Time::from_millis(at(60).millis() + 500);
    let first = opened(table, 1, "deploy", review(&[]), at(0)).await;
    let reason = words("No.");
    let reject = Step::then(&first, decide(&first.request, "bob", Decision::Reject, Some(&reason)), at(10));
    table.commit(Commit { cool: Some((ask.clone(), half_past)), ..reject.on(Some(&first)) }).await.unwrap();

    let check = async |now: Time, expect: bool| {
        assert_eq!(table.cooling(&ask, now).await.unwrap(), expect, "{now}");
    };
    check(at(10), true).await;
    check(Time::from_millis(half_past.millis() - 1), true).await;
    check(at(61), false).await;
    assert!(!table.cooling(&Digest::of(b"another"), at(10)).await.unwrap());

    // A later rejection of the same ask may come while an earlier one still cools down.
    let second = opened(table, 2, "deploy", review(&[]), at(20)).await;
    let reject = Step::then(&second, decide(&second.request, "bob", Decision::Reject, Some(&reason)), at(30));
    table.commit(Commit { cool: Some((ask.clone(), at(90))), ..reject.on(Some(&second)) }).await.unwrap();
    check(at(61), true).await;

    // A callback that nothing came of is known as well as one with a commit.
    let (press, third) =
        ((Digest::of(b"press"), at(600)), opened(table, 3, "deploy", review(&[]), at(40)).await);
    assert!(!table.seen(&press.0).await.unwrap());
    table.remember(&press.0, press.1).await.unwrap();
    assert!(table.seen(&press.0).await.unwrap());
    assert_eq!(table.remember(&press.0, press.1).await, Err(PortError::SeenBefore));
    let reject = Step::then(&third, decide(&third.request, "bob", Decision::Reject, Some(&reason)), at(50));
    let again = Commit { once: Some(press), ..reject.on(Some(&third)) };
    assert_eq!(table.commit(again).await, Err(PortError::SeenBefore));
    assert_eq!(state(table, &id(3)).await, third);
}

pub(super) async fn what_is_erased_is_gone_and_the_events_stay<T: Table>(table: &T) {
    let (ask_hash, no) = (Digest::of(b"ask"), words("No."));
    let first = opened(table, 1, "deploy", review(&[]), at(0)).await;
    let reject = Step::then(&first, decide(&first.request, "bob", Decision::Reject, Some(&no)), at(10));
    // More texts than one transaction takes away.
    let texts: Vec<_> = (6..36).map(|seq| (seq, &no)).collect();
    let cool = Some((ask_hash.clone(), at(900)));
    table.commit(Commit { texts, cool, ..reject.on(Some(&first)) }).await.unwrap();
    let other = opened(table, 2, "deploy", review(&[]), at(0)).await;
    let before = state(table, &id(1)).await;
    let leaves = events(table, &id(1)).await;

    let why = words("They asked for it.");
    let by = crate::sample::actor("root");
    let groups = [countersign_domain::review::ADMINS.parse().unwrap()].into();
    let command = Command::Erase { by, groups, reason: Some(why.hash()) };
    let erase = Step::then(&before, command, at(20));
    let removal = Removal { revisions: 1, texts: (6..36).collect(), cool: Some(ask_hash.clone()) };
    let commit = || Commit {
        texts: vec![(erase.after.version(), &why)],
        removal: Some(removal.clone()),
        ..erase.on(Some(&before))
    };
    table.commit(commit()).await.unwrap();
    let whole = table.whole(&id(1)).await.unwrap().unwrap();
    assert_eq!((whole.ask, whole.stored.request.erased), (None, Some(at(20))));
    assert_eq!(whole.texts.into_iter().collect::<Vec<_>>(), [(erase.after.version(), why.clone())]);
    assert!(!table.cooling(&ask_hash, at(30)).await.unwrap());
    let after = events(table, &id(1)).await;
    assert_eq!(after[..leaves.len()], leaves, "no event changed");
    assert_eq!(after.len(), leaves.len() + 1);
    assert_eq!(table.commit(commit()).await, Err(PortError::Conflict), "it is erased once");
    let untouched = table.whole(&id(2)).await.unwrap().unwrap();
    assert_eq!((untouched.stored, untouched.ask.is_some()), (other, true));
}

pub(super) async fn many_and_long_events_come_back_in_order<T: Table>(table: &T) {
    let mut before = opened(table, 1, "deploy", review(&[]), at(0)).await;
    let leaf = |seq: u32| {
        let bytes = vec![b'x'; 30_000];
        Leaf { hash: LeafHash::of(&bytes), bytes, seq, kind: "vote.cast".into() }
    };
    for batch in 0..6 {
        let leaves: Vec<_> = (1..=10).map(|k| leaf(before.head.seq + k)).collect();
        let after = Stored { head: leaves.last().unwrap().head(), ..before.clone() };
        let step = Step { after, leaves };
        let commit = table.commit(step.on(Some(&before))).await;
        assert_eq!(commit, Ok(()), "batch {batch}");
        before = state(table, &id(1)).await;
    }
    let numbers: Vec<_> = events(table, &id(1)).await.into_iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=62).collect::<Vec<_>>());
    assert_eq!(whole_version(table, &id(1)).await, 62);
}

async fn whole_version<T: Table>(table: &T, id: &RequestId) -> u32 {
    table.whole(id).await.unwrap().unwrap().stored.version()
}

pub(super) async fn the_first_word_holds_for_an_hour<T: Table>(table: &T) {
    let (what, other) = (Digest::of(b"one thing"), Digest::of(b"another"));
    let word = |by: &str, seconds| Proposal { by: actor(by), at: at(seconds) };
    let check = async |what: &Digest, said: &Proposal, holds: &Proposal| {
        assert_eq!(table.propose(what, said).await.as_ref(), Ok(holds), "{said:?}");
    };
    let (alice, bob) = (word("alice", 0), word("bob", 3599));
    check(&what, &alice, &alice).await;
    check(&what, &bob, &alice).await;
    check(&other, &bob, &bob).await;
    let late = word("bob", 3600);
    check(&what, &late, &late).await;
    check(&what, &alice, &late).await;
}
