//! What a transaction means for its agent's record, and the agent's own events.

use countersign_domain::event::Decision;
use countersign_domain::leaf::{Head, LeafHash, Subject};
use countersign_domain::request::Command;
use countersign_domain::{AgentId, Status, Time};

use super::fixture::{Step, ask, frozen, moved, name, opened};
use crate::ports::{PortError, Table};
use crate::sample::{agent, allow, at, consume, decide, deny, id, review, words};
use crate::store::{AgentEffect, AgentRecord, Commit, StoredEvent};
use countersign_domain::Code;

pub(super) async fn a_record_counts_what_its_agent_asks<T: Table>(table: &T) {
    let check = async |what: &str, rno: u64, live: i64, rejections: u64, version: u64| {
        let record = table.agent(&agent("deploy")).await.unwrap();
        let counts = (record.rno, record.live, record.rejections, record.version);
        assert_eq!(counts, (rno, live, rejections, version), "{what}");
        assert_eq!(record.name, name("deploy"), "{what}");
    };
    let first = opened(table, 1, "deploy", review(&[]), at(0)).await;
    check("one is open", 1, 1, 0, 1).await;
    opened(table, 2, "deploy", deny(Code::PolicyDenied), at(1)).await;
    check("one was denied", 2, 1, 0, 2).await;
    let third = opened(table, 3, "deploy", allow(), at(2)).await;
    check("one is approved", 3, 2, 0, 3).await;
    let fourth = opened(table, 4, "deploy", review(&[]), at(3)).await;

    // Ends leave the version alone: they must not stand in the way of the next ask.
    let reason = words("No.");
    let reject = decide(&first.request, "bob", Decision::Reject, Some(&reason));
    moved(table, &first, reject, AgentEffect::Ended { rejected: true }, at(4)).await;
    check("one was rejected", 4, 2, 1, 4).await;
    let withdraw = Command::Withdraw { agent: agent("deploy"), reason: None };
    moved(table, &fourth, withdraw, AgentEffect::Ended { rejected: false }, at(5)).await;
    check("one was withdrawn", 4, 1, 1, 4).await;
    let unmarked = AgentEffect::Consumed { unmarked: vec![agent("deploy")] };
    let consumed = moved(table, &third, consume(&third.request, "deploy"), unmarked, at(6)).await;
    assert_eq!(consumed.request.status, Status::Consumed);
    check("one was consumed", 4, 0, 1, 4).await;

    // An ask on the record as it was before an end is taken, and both count.
    let read = table.agent(&agent("deploy")).await.unwrap();
    let fifth = opened(table, 5, "deploy", review(&[]), at(7)).await;
    let withdraw = Command::Withdraw { agent: agent("deploy"), reason: None };
    let read_then = table.agent(&agent("deploy")).await.unwrap();
    moved(table, &fifth, withdraw, AgentEffect::Ended { rejected: false }, at(8)).await;
    let (sixth, of, its) = (Step::first(6, "deploy", 6, review(&[]), at(9)), name("deploy"), ask(6));
    assert_eq!(table.commit(sixth.opening(&its, &read, &of)).await, Err(PortError::AgentChanged));
    table.commit(sixth.opening(&its, &read_then, &of)).await.unwrap();
    check("an end between read and write", 6, 1, 1, 6).await;
    assert_eq!(table.agent(&agent("other")).await.unwrap(), AgentRecord::default());
}

async fn freeze<T: Table>(table: &T, id: &AgentId, now: Time) {
    let read = table.agent(id).await.unwrap();
    let (after, leaves) = frozen(id, &read, now);
    table.commit_agent(id, &read, &after, leaves, Vec::new()).await.unwrap();
}

pub(super) async fn a_mark_keeps_what_is_older_from_being_consumed<T: Table>(table: &T) {
    let (deploy, runner) = (agent("deploy"), agent("runner"));
    let check = async |n: u32, made: Time, marks: &[(&AgentId, Time)], expect: Result<(), PortError>| {
        let approved = opened(table, n, "deploy", allow(), made).await;
        for (agent, mark) in marks {
            freeze(table, agent, *mark).await;
        }
        let before = table.agent(&deploy).await.unwrap();
        let step = Step::then(&approved, consume(&approved.request, "deploy"), made);
        let unmarked = vec![runner.clone(), deploy.clone()];
        let commit = Commit { agent: AgentEffect::Consumed { unmarked }, ..step.on(Some(&approved)) };
        assert_eq!(table.commit(commit).await, expect, "request {n}, marks {marks:?}");
        let left = table.agent(&deploy).await.unwrap().live;
        let spent = i64::from(expect.is_ok());
        assert_eq!(left, before.live - spent, "request {n}");
    };
    let later = |time: Time| Time::from_millis(time.millis() + 1);
    // Neither has a record of marks; the executor has none at all.
    check(1, at(0), &[], Ok(())).await;
    check(2, at(10), &[(&runner, at(10))], Err(PortError::AgentChanged)).await;
    check(3, later(at(10)), &[], Ok(())).await;
    check(4, at(20), &[(&deploy, at(20))], Err(PortError::AgentChanged)).await;
    check(5, later(at(20)), &[], Ok(())).await;
    check(6, at(30), &[(&runner, at(31)), (&deploy, at(31))], Err(PortError::AgentChanged)).await;
}

pub(super) async fn a_record_is_written_on_the_events_read<T: Table>(table: &T) {
    let (deploy, reason) = (agent("deploy"), words("It went mad."));
    // An agent that never asked can be frozen.
    let unknown = table.agent(&deploy).await.unwrap();
    let (after, leaves) = frozen(&deploy, &unknown, at(0));
    table.commit_agent(&deploy, &unknown, &after, leaves.clone(), vec![(1, &reason)]).await.unwrap();
    let read = table.agent(&deploy).await.unwrap();
    assert_eq!(read, after);
    assert_eq!((read.agent.frozen, read.agent.void_before), (true, Some(at(0))));
    let subject = Subject::Agent(deploy.clone());
    let event = StoredEvent { seq: 1, bytes: leaves[0].bytes.clone(), index: None, log: 0 };
    assert_eq!(table.events(&subject).await.unwrap(), std::slice::from_ref(&event));

    // On a record that moved on, nothing is written. Nor where an event or a text is there.
    let check = async |what: &str, read: &AgentRecord, leaves: &[_], texts: Vec<_>, expect: PortError| {
        let now = table.agent(&deploy).await.unwrap();
        let (after, _) = frozen(&deploy, read, at(50));
        let done = table.commit_agent(&deploy, read, &after, leaves.to_vec(), texts).await;
        assert_eq!(done, Err(expect), "{what}");
        assert_eq!(table.agent(&deploy).await.unwrap(), now, "{what}: something was written");
        assert_eq!(
            table.events(&subject).await.unwrap(),
            std::slice::from_ref(&event),
            "{what}: something was written"
        );
    };
    let (_, next) = frozen(&deploy, &read, at(50));
    check("an older version", &unknown, &leaves, Vec::new(), PortError::AgentChanged).await;
    check("an event that is there", &read, &leaves, Vec::new(), PortError::Conflict).await;
    check("a text that is there", &read, &next, vec![(1, &reason)], PortError::Conflict).await;
    let fork = Head { hash: LeafHash([1; 32]), seq: 1 };
    let other = AgentRecord { head: Some(fork), ..read.clone() };
    check("another end", &other, &next, Vec::new(), PortError::AgentChanged).await;

    // What the agent asks, and what others count, stands in nobody's way and is not overwritten by what was read before.
    opened(table, 1, "deploy", deny(Code::AgentFrozen), at(51)).await;
    let approved = opened(table, 2, "deploy", allow(), at(60)).await;
    let withdraw = Command::Withdraw { agent: deploy.clone(), reason: None };
    moved(table, &approved, withdraw, AgentEffect::Ended { rejected: true }, at(61)).await;
    let asked = table.agent(&deploy).await.unwrap();
    let (after, leaves) = frozen(&deploy, &read, at(62));
    table.commit_agent(&deploy, &read, &after, leaves, vec![(2, &reason)]).await.unwrap();
    let now = table.agent(&deploy).await.unwrap();
    assert_eq!(
        now,
        AgentRecord { agent: after.agent, head: after.head, version: asked.version + 1, ..asked.clone() }
    );
    assert_eq!((now.name, now.rno, now.rejections), (name("deploy"), 2, 1));
    assert_eq!((now.version, now.agent.void_before), (4, Some(at(62))));

    // A freeze makes an ask on the record before it impossible.
    let (step, its, of) = (Step::first(3, "deploy", 3, review(&[]), at(70)), ask(3), name("deploy"));
    assert_eq!(table.commit(step.opening(&its, &asked, &of)).await, Err(PortError::AgentChanged));
    assert_eq!(table.state(&id(3)).await.unwrap(), None);
}
