//! Commands to transactions.

use std::collections::BTreeSet;

use countersign_app::commit::{CommitError, NewRequest, With, create, execute};
use countersign_app::memory::{MemoryTable, Op};
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{
    self, SOURCE, actor, agent, allow, at, consume, decide, deny, id, idempotency, review_with, words,
};
use countersign_app::store::{AgentRecord, Stored, Words, WorkflowMark};
use countersign_domain::event::{Decision, ExecutionOutcome, RevokedBecause};
use countersign_domain::leaf::{Head, Leaf, LeafHash, Subject};
use countersign_domain::refusal::Code;
use countersign_domain::request::{Command, NewRevision};
use countersign_domain::review::{Evaluation, Relation};
use countersign_domain::time::Seconds;
use countersign_domain::{Digest, Refusal, Status};
use futures::future::join;

use crate::given::{ask, asked, decided, done, events, kinds, report, state, try_ask, whole, withdraw};

fn quorum(people: u8) -> Evaluation {
    review_with(&[], |gate, _| gate.quorum = people)
}

fn approve(of: &Stored, person: &str) -> Command {
    decide(&of.request, person, Decision::Approve, None)
}

/// The chain of the request's events is whole, ends in the state's head, and says who recorded it.
async fn chain_is_whole(table: &MemoryTable, n: u32) {
    let stored = state(table, &id(n)).await;
    let mut head = Head::EMPTY;
    for event in table.events(&Subject::Request(id(n))).await.unwrap() {
        let read = Leaf::parse(&event.bytes).unwrap();
        assert_eq!((read.seq, read.prev, read.rno), (head.seq + 1, head.hash, Some(stored.rno)));
        assert_eq!((read.source.as_str(), read.subject), (SOURCE, Subject::Request(id(n))));
        head = Head { seq: read.seq, hash: LeafHash::of(&event.bytes) };
    }
    assert_eq!(stored.head, head);
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_decides_again_on_what_the_first_left() {
    let table = MemoryTable::default();
    let before = asked(&table, 1, quorum(2)).await;
    let mut held = table.faults.hold_next(Op::Commit);
    let alice = execute(&table, SOURCE, before.clone(), approve(&before, "alice"), With::default(), at(10));
    let bob = async {
        held.reached().await;
        let bob =
            execute(&table, SOURCE, before.clone(), approve(&before, "bob"), With::default(), at(11)).await;
        held.release();
        bob.unwrap()
    };
    let (alice, bob) = join(alice, bob).await;
    assert_eq!(bob.request.status, Status::Pending);
    assert_eq!(alice.unwrap().request.status, Status::Approved);
    assert_eq!(kinds(&table, &id(1)).await[2..], ["vote.cast", "vote.cast", "decision.approved"]);
    assert_eq!(table.faults.calls(Op::Commit), 4, "one opened it, bob's, and alice's two");
    chain_is_whole(&table, 1).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_may_be_refused_on_what_the_first_left() {
    let table = MemoryTable::default();
    let before = asked(&table, 1, quorum(1)).await;
    let mut held = table.faults.hold_next(Op::Commit);
    let alice = execute(&table, SOURCE, before.clone(), approve(&before, "alice"), With::default(), at(10));
    let bob = async {
        held.reached().await;
        decided(&table, &id(1), "bob", Decision::Reject, Some("No."), at(11)).await;
        held.release();
    };
    let (alice, ()) = join(alice, bob).await;
    let now = state(&table, &id(1)).await;
    let refusal = Refusal::AlreadyDecided(Status::Rejected);
    assert_eq!(alice, Err(CommitError::Refused { refusal, state: Some(Box::new(now)) }));
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_ten_times_and_only_while_others_are_faster() {
    async fn check(faults: &[PortError], expect: Result<(), PortError>, commits: u32) {
        let table = MemoryTable::default();
        let before = asked(&table, 1, quorum(1)).await;
        faults.iter().for_each(|fault| table.faults.fail_next(Op::Commit, fault.clone()));
        let command = approve(&before, "alice");
        let done = execute(&table, SOURCE, before.clone(), command, With::default(), at(10)).await;
        assert_eq!(done.map(drop), expect.clone().map_err(CommitError::Port), "{faults:?}");
        assert_eq!(table.faults.calls(Op::Commit) - 1, commits, "{faults:?}");
        let moved = state(&table, &id(1)).await.version() != before.version();
        assert_eq!(moved, expect.is_ok(), "{faults:?}");
    }
    let down = PortError::Unavailable("no answer".into());
    check(&[], Ok(()), 1).await;
    check(&vec![PortError::Conflict; 3], Ok(()), 4).await;
    check(&vec![PortError::Conflict; 9], Ok(()), 10).await;
    check(&vec![PortError::Conflict; 10], Err(PortError::Conflict), 10).await;
    check(std::slice::from_ref(&down), Err(down.clone()), 1).await;
    check(&[PortError::Conflict, down.clone()], Err(down), 2).await;
    check(&[PortError::SeenBefore], Err(PortError::SeenBefore), 1).await;
    check(&[PortError::AgentChanged], Err(PortError::AgentChanged), 1).await;
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_can_be_given_again() {
    let table = MemoryTable::default();
    let before = asked(&table, 1, quorum(1)).await;
    table.faults.lose_next(Op::Commit);
    let lost = execute(&table, SOURCE, before, withdraw(None), With::default(), at(10)).await;
    assert!(matches!(lost, Err(CommitError::Port(PortError::Unavailable(_)))), "{lost:?}");
    let there = state(&table, &id(1)).await;
    assert_eq!(there.request.status, Status::Withdrawn);
    assert_eq!(done(&table, &id(1), withdraw(None), &[], at(20)).await, there, "nothing more happened");
    assert_eq!(table.agent(&agent("deploy")).await.unwrap().live, 0);
}

#[tokio::test]
async fn a_refusal_carries_the_state_and_writes_nothing() {
    let table = MemoryTable::default();
    let before = asked(&table, 1, quorum(1)).await;
    let refused =
        execute(&table, SOURCE, before.clone(), approve(&before, "dora"), With::default(), at(10)).await;
    let refusal = Refusal::SelfApproval(BTreeSet::from([Relation::Owner]));
    assert_eq!(refused, Err(CommitError::Refused { refusal, state: Some(Box::new(before.clone())) }));
    assert_eq!(state(&table, &id(1)).await, before);

    let mut gone = before;
    gone.request.id = id(7);
    gone.head.seq += 1;
    table.faults.fail_next(Op::Commit, PortError::Conflict);
    let missing = execute(&table, SOURCE, gone, withdraw(None), With::default(), at(10)).await;
    assert_eq!(missing, Err(CommitError::NotFound));
}

#[tokio::test]
async fn every_text_lands_beside_its_event() {
    let table = MemoryTable::default();
    let first = asked(&table, 1, quorum(2)).await;
    let (fine, why, so, no) = (words("Fine."), words("Why?"), words("So."), words("No."));
    let check = async |stored: Stored, kind: &str, text: &Words| {
        let texts = whole(&table, &id(1)).await.texts;
        let events = events(&table, &id(1)).await;
        let (seq, words) = texts.iter().next_back().unwrap();
        let event = &events[usize::try_from(*seq).unwrap() - 1];
        assert_eq!((event.fact.kind(), words), (kind, text));
        assert_eq!(event.fact.text(), Some(&text.hash()), "the log holds its salted hash");
        stored
    };
    let other = words("Never said.");
    let vote = decide(&first.request, "alice", Decision::Approve, Some(&fine));
    let voted = check(done(&table, &id(1), vote, &[&other, &fine], at(10)).await, "vote.cast", &fine).await;
    let question = decide(&voted.request, "bob", Decision::RequestInfo, Some(&why));
    check(done(&table, &id(1), question, &[&why], at(20)).await, "info.requested", &why).await;

    // The answer makes a new revision: its text and its ask, each where it belongs.
    let revised = sample::ask("s3://reports-internal");
    let revision = NewRevision {
        digest: revised.action.digest(&agent("deploy"), &revised.nonce),
        justification: None,
        evaluation: quorum(1),
        recorded: Default::default(),
    };
    let command =
        Command::Respond { agent: agent("deploy"), answer: so.hash(), revision: Some(Box::new(revision)) };
    let with = With { words: vec![&so], ask: Some(&revised), ..With::default() };
    let before = state(&table, &id(1)).await;
    let answered = execute(&table, SOURCE, before, command, with, at(30)).await.unwrap();
    let answered = check(answered, "info.supplied", &so).await;
    assert_eq!(kinds(&table, &id(1)).await[4..], ["info.supplied", "request.revised", "policy.evaluated"]);
    assert_eq!((answered.request.revision, whole(&table, &id(1)).await.ask), (2, Some(revised)));

    let reject = decide(&answered.request, "carol", Decision::Reject, Some(&no));
    done(&table, &id(1), reject, &[&no], at(40)).await;
    assert_eq!(kinds(&table, &id(1)).await[7..], ["vote.cast", "decision.rejected"]);
    let texts: Vec<_> = whole(&table, &id(1)).await.texts.into_iter().collect();
    assert_eq!(texts, [(3, fine), (4, why), (5, so), (8, no)]);
    chain_is_whole(&table, 1).await;
}

#[tokio::test]
async fn a_chat_callback_counts_once() {
    let table = MemoryTable::default();
    let before = asked(&table, 1, quorum(3)).await;
    let once = Some((Digest::of(b"press"), at(700)));
    let with = || With { once: once.clone(), ..With::default() };
    execute(&table, SOURCE, before.clone(), approve(&before, "alice"), with(), at(10)).await.unwrap();
    let after = state(&table, &id(1)).await;
    let again = execute(&table, SOURCE, before.clone(), approve(&before, "alice"), with(), at(11)).await;
    assert_eq!(again, Err(PortError::SeenBefore.into()), "delivered at the same time");
    let other = execute(&table, SOURCE, after.clone(), approve(&after, "bob"), with(), at(12)).await;
    assert_eq!(other, Err(PortError::SeenBefore.into()), "it is the callback that counts, not who pressed");
    assert_eq!(state(&table, &id(1)).await, after);

    // Delivered once more, when the first delivery is the reason why the decider would refuse it.
    let late = execute(&table, SOURCE, after.clone(), approve(&after, "alice"), with(), at(13)).await;
    assert_eq!(late, Err(PortError::SeenBefore.into()));
    let another = With { once: Some((Digest::of(b"another press"), at(700))), ..With::default() };
    let twice = execute(&table, SOURCE, after.clone(), approve(&after, "alice"), another, at(14)).await;
    assert!(matches!(twice, Err(CommitError::Refused { refusal: Refusal::AlreadyVoted, .. })), "{twice:?}");
}

#[tokio::test]
async fn a_key_makes_one_request() {
    let table = MemoryTable::default();
    let first = asked(&table, 1, allow()).await;
    let (record, ask) = (table.agent(&agent("deploy")).await.unwrap(), ask());
    let again = NewRequest {
        create: sample::create(&id(2), "deploy", &ask, allow()),
        ask: &ask,
        agent: &record,
        idempotency: idempotency("deploy", "key-1", &id(2)),
    };
    assert_eq!(create(&table, SOURCE, again, at(1)).await, Err(PortError::KeyTaken.into()));
    assert_eq!(table.state(&id(2)).await, Ok(None));
    let known = table.idempotency(&agent("deploy"), "key-1").await.unwrap().unwrap();
    assert_eq!((known.request, known.body), (first.request.id, Digest::of(b"key-1")));
}

#[tokio::test]
async fn only_a_reject_with_a_cool_down_denies_the_ask_for_a_while() {
    async fn check(
        cool_down: u32,
        command: impl Fn(&Stored) -> Command,
        with_hash: bool,
        until: Option<u32>,
    ) {
        let table = MemoryTable::default();
        let evaluation = review_with(&[], |_, rules| rules.cool_down = Seconds(cool_down));
        let before = asked(&table, 1, evaluation).await;
        let hash = ask().action.ask_hash(&agent("deploy"));
        let command = command(&before);
        let what = format!("{cool_down} {command:?}");
        let with = With { ask_hash: with_hash.then(|| hash.clone()), ..With::default() };
        execute(&table, SOURCE, before, command, with, at(10)).await.unwrap();
        let cooling = async |now: u32| table.cooling(&hash, at(now)).await.unwrap();
        assert_eq!(cooling(10).await, until.is_some(), "{what}");
        if let Some(until) = until {
            assert_eq!((cooling(until - 1).await, cooling(until).await), (true, false), "{what}");
        }
    }
    let no = words("No.");
    let reject = |of: &Stored| decide(&of.request, "bob", Decision::Reject, Some(&no));
    check(60, reject, true, Some(70)).await;
    check(60, reject, false, None).await;
    check(0, reject, true, None).await;
    check(60, |of| approve(of, "bob"), true, None).await;
    check(60, |_| withdraw(None), true, None).await;
}

#[tokio::test]
async fn an_agents_record_follows_every_end() {
    let table = MemoryTable::default();
    let counts = async |what: &str, expect: (u64, i64, u64)| {
        let record = table.agent(&agent("deploy")).await.unwrap();
        assert_eq!((record.rno, record.live, record.rejections), expect, "{what}");
    };
    for n in 1..=5 {
        asked(&table, n, quorum(1)).await;
    }
    asked(&table, 6, deny(Code::PolicyDenied)).await;
    asked(&table, 7, allow()).await;
    counts("seven asked, one was denied", (7, 6, 0)).await;
    decided(&table, &id(1), "bob", Decision::Reject, Some("No."), at(10)).await;
    counts("rejected", (7, 5, 1)).await;
    decided(&table, &id(2), "bob", Decision::Approve, None, at(10)).await;
    counts("an approved one may still run", (7, 5, 1)).await;
    let consumed = consume(&state(&table, &id(2)).await.request, "deploy");
    done(&table, &id(2), consumed, &[], at(20)).await;
    counts("consumed", (7, 4, 1)).await;
    done(&table, &id(2), report(ExecutionOutcome::Succeeded), &[], at(30)).await;
    counts("an outcome changes nothing", (7, 4, 1)).await;
    done(&table, &id(3), withdraw(None), &[], at(40)).await;
    counts("withdrawn", (7, 3, 1)).await;
    done(&table, &id(4), Command::Tick, &[], at(3600)).await;
    counts("expired", (7, 2, 1)).await;
    done(&table, &id(5), Command::void(at(0)), &[], at(50)).await;
    counts("void", (7, 1, 1)).await;
    done(&table, &id(7), Command::Tick, &[], at(900)).await;
    assert_eq!(state(&table, &id(7)).await.request.status, Status::Lapsed);
    counts("lapsed", (7, 0, 1)).await;
    for (n, status) in [(4, Status::Undeliverable), (5, Status::Revoked)] {
        let ended = state(&table, &id(n)).await;
        let expected = if n == 4 { Status::Expired } else { status };
        assert_eq!(ended.request.status, expected, "request {n}");
    }
}

#[tokio::test]
async fn a_new_request_is_due_and_owes_a_workflow_only_while_it_is_open() {
    async fn check(evaluation: Evaluation, due: u32, resumed: bool) {
        let table = MemoryTable::default();
        let stored = asked(&table, 1, evaluation).await;
        assert_eq!(stored.due, Some(at(due)), "{:?}", stored.request.status);
        let mark = WorkflowMark { resumed, ..WorkflowMark::default() };
        assert_eq!(stored.workflow, mark, "{:?}", stored.request.status);
        assert_eq!(state(&table, &id(1)).await, stored);
        assert_eq!(table.due(at(due), None, 10).await.unwrap().items, [id(1)]);
    }
    check(quorum(1), 10, false).await;
    check(review_with(&[], |_, rules| rules.review_for = Seconds(5)), 5, false).await;
    check(allow(), 10, true).await;
    check(deny(Code::AgentUnknown), 10, true).await;
}

#[tokio::test]
async fn a_commit_keeps_what_views_wrote_and_makes_it_due_again() {
    let table = MemoryTable::default();
    let first = asked(&table, 1, quorum(2)).await;
    let mark = WorkflowMark { n: 3, seen: Some(at(5)), looks: 2, resumed: false };
    table.set_view(&first, None, mark).await.unwrap();
    let voted = decided(&table, &id(1), "alice", Decision::Approve, None, at(100)).await;
    assert_eq!((voted.workflow, voted.due), (mark, Some(at(110))));
    let late = decided(&table, &id(1), "bob", Decision::RequestInfo, Some("Why?"), at(3590)).await;
    assert_eq!(late.due, Some(at(3600)), "the clock of the review stands still, the agent's is longer");
}

#[tokio::test]
async fn what_does_not_fit_a_leaf_is_refused_whole() {
    let table = MemoryTable::default();
    let mut evaluation = allow();
    evaluation.determining = vec!["x".repeat(40_000)];
    let refused = try_ask(&table, 1, evaluation, at(0)).await;
    assert_eq!(refused, Err(CommitError::Refused { refusal: Refusal::TooLarge, state: None }));
    assert_eq!(table.state(&id(1)).await, Ok(None));
    assert_eq!(table.agent(&agent("deploy")).await, Ok(AgentRecord::default()));
}

#[tokio::test]
async fn a_revocation_keeps_its_own_reason() {
    let table = MemoryTable::default();
    asked(&table, 1, quorum(1)).await;
    let approved = decided(&table, &id(1), "alice", Decision::Approve, Some("Fine."), at(10)).await;
    let reason = words("Wrong bucket.");
    let because = RevokedBecause::Person(actor("bob"));
    let command = Command::Revoke { because, groups: sample::reviewers(), reason: Some(reason.hash()) };
    let revoked = done(&table, &id(1), command, &[&reason], at(20)).await;
    let texts = whole(&table, &id(1)).await.texts;
    assert_eq!(texts.get(&revoked.version()), Some(&reason));
    assert_eq!(texts.get(&(approved.version() - 1)).map(|words| words.text.as_str()), Some("Fine."));
}
