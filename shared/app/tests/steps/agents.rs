//! A person freezes an agent, and what that stops.

use std::time::Duration;

use countersign_app::commit::{CommitError, NewRequest, With, create, execute, execute_agent};
use countersign_app::memory::{MemoryTable, Op};
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{
    self, SOURCE, actor, agent, allow, at, consume, deny, id, idempotency, review, words,
};
use countersign_app::store::{AgentRecord, Words};
use countersign_domain::agent::Command as AgentCommand;
use countersign_domain::leaf::{Head, Leaf, LeafHash, Subject};
use countersign_domain::request::{Command, Consume};
use countersign_domain::{Code, Digest, Refusal, Status, Time};
use tokio::time::timeout;

use crate::given::{ask, asked, state};

#[tokio::test]
async fn a_freeze_between_read_and_write_stops_an_ask_and_a_consume() {
    let table = MemoryTable::default();
    let frozen = async |who: &str, now: Time| {
        let by = AgentCommand::Freeze { by: actor("root"), groups: sample::admins(), reason: None };
        execute_agent(&table, SOURCE, &agent(who), by, None, || now).await.unwrap();
    };
    let approved = asked(&table, 1, allow()).await;
    let (record, ask) = (table.agent(&agent("deploy")).await.unwrap(), ask());
    frozen("deploy", at(5)).await;
    let new = NewRequest {
        create: sample::create(&id(2), "deploy", &ask, allow()),
        ask: &ask,
        agent: &record,
        idempotency: idempotency("deploy", "key-2", &id(2)),
    };
    assert_eq!(create(&table, SOURCE, new, at(6)).await, Err(PortError::AgentChanged.into()));
    // The caller read the mark before the freeze, so the decider does not know of it. The transaction does.
    let command = consume(&approved.request, "deploy");
    let late = execute(&table, SOURCE, approved, command, With::default(), at(6)).await;
    assert_eq!(late, Err(PortError::AgentChanged.into()));
    assert_eq!(state(&table, &id(1)).await.request.status, Status::Approved);

    // The executor's mark counts as much as the agent's.
    let table = MemoryTable::default();
    let (record, ask) = (AgentRecord::default(), crate::given::ask());
    let mut command = sample::create(&id(1), "deploy", &ask, allow());
    command.executor = Some(agent("runner"));
    let idempotency = idempotency("deploy", "key", &id(1));
    let new = NewRequest { create: command, ask: &ask, agent: &record, idempotency };
    let approved = create(&table, SOURCE, new, at(0)).await.unwrap();
    let by = AgentCommand::Freeze { by: actor("root"), groups: sample::admins(), reason: None };
    execute_agent(&table, SOURCE, &agent("runner"), by, None, || at(5)).await.unwrap();
    let consume = |by: &str| {
        Command::Consume(Consume {
            by: agent(by),
            digest: approved.request.digest.clone(),
            attempt: Digest::of(b"attempt"),
            void_before: None,
            recovered: None,
        })
    };
    let runner = execute(&table, SOURCE, approved.clone(), consume("runner"), With::default(), at(6)).await;
    assert_eq!(runner, Err(PortError::AgentChanged.into()));
    let own =
        execute(&table, SOURCE, approved.clone(), consume("deploy"), With::default(), at(6)).await.unwrap();
    assert_eq!(own.request.status, Status::Consumed);
}

#[tokio::test(start_paused = true)]
async fn a_person_freezes_and_unfreezes_an_agent() {
    let table = MemoryTable::default();
    let deploy = agent("deploy");
    asked(&table, 1, review(&[])).await;
    let reason = words("It went mad.");
    let freeze =
        || AgentCommand::Freeze { by: actor("root"), groups: sample::admins(), reason: Some(reason.hash()) };
    let unfreeze = || AgentCommand::Unfreeze { by: actor("root"), groups: sample::admins(), reason: None };
    let run = async |command: AgentCommand, words: Option<&Words>, now: u32| {
        execute_agent(&table, SOURCE, &deploy, command, words, || at(now)).await
    };

    let no_admin = AgentCommand::Freeze { by: actor("bob"), groups: sample::reviewers(), reason: None };
    let refused = run(no_admin, None, 5).await;
    assert_eq!(refused, Err(CommitError::Refused { refusal: Refusal::NotEligible, state: None }));
    let nothing = run(unfreeze(), None, 6).await.unwrap();
    assert_eq!((nothing.version, nothing.head), (1, None), "it was not frozen");

    table.faults.fail_next(Op::CommitAgent, PortError::Conflict);
    table.faults.fail_next(Op::CommitAgent, PortError::AgentChanged);
    let first = run(freeze(), Some(&reason), 10).await.unwrap();
    assert_eq!((first.agent.frozen, first.agent.void_before), (true, Some(at(10))));
    assert_eq!(table.agent_text(&deploy, 1), Some(reason.clone()));
    let second = run(freeze(), Some(&reason), 20).await.unwrap();
    assert_eq!(second.agent.void_before, Some(at(20)), "freezing again moves the mark");
    let third = run(unfreeze(), None, 30).await.unwrap();
    assert_eq!((third.agent.frozen, third.agent.void_before), (false, Some(at(20))));
    let record = table.agent(&deploy).await.unwrap();
    assert_eq!(record, third);
    assert_eq!((record.rno, record.live, record.version), (1, 1, 4));

    let mut head = Head::EMPTY;
    for event in table.events(&Subject::Agent(deploy.clone())).await.unwrap() {
        let read = Leaf::parse(&event.bytes).unwrap();
        assert_eq!((read.prev, read.rno, read.subject), (head.hash, None, Subject::Agent(deploy.clone())));
        head = Head { seq: read.seq, hash: LeafHash::of(&event.bytes) };
    }
    assert_eq!(record.head, Some(head));

    (0..30).for_each(|_| table.faults.fail_next(Op::CommitAgent, PortError::AgentChanged));
    assert_eq!(run(freeze(), None, 40).await, Err(PortError::Conflict.into()));
    table.faults.fail_next(Op::Agent, PortError::Unavailable("no answer".into()));
    assert!(matches!(run(freeze(), None, 50).await, Err(CommitError::Port(PortError::Unavailable(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_freeze_voids_what_was_asked_while_it_was_under_way() {
    let table = MemoryTable::default();
    let clock = std::sync::atomic::AtomicU32::new(10);
    let tick = |seconds| clock.store(seconds, std::sync::atomic::Ordering::Relaxed);
    let now = || at(clock.load(std::sync::atomic::Ordering::Relaxed));
    // The freeze has read the agent's record and its clock, and waits to write when an ask is faster.
    let mut writing = table.faults.hold_next(Op::CommitAgent);
    let mut again = table.faults.hold_next(Op::CommitAgent);
    let by = AgentCommand::Freeze { by: actor("root"), groups: sample::admins(), reason: None };
    let deploy = agent("deploy");
    let (frozen, ()) = tokio::join!(execute_agent(&table, SOURCE, &deploy, by.clone(), None, now), async {
        writing.reached().await;
        crate::given::try_ask(&table, 1, allow(), at(11)).await.unwrap();
        tick(12);
        writing.release();
        // Frozen by now, it only asks to be denied. Nothing that it does keeps the freeze from its end.
        timeout(Duration::from_secs(60), again.reached()).await.expect("it freezes again");
        assert!(table.agent(&deploy).await.unwrap().agent.frozen);
        crate::given::try_ask(&table, 2, deny(Code::AgentFrozen), at(13)).await.unwrap();
        again.release();
    });
    let frozen = frozen.unwrap();
    assert_eq!(frozen.agent.voids(state(&table, &id(1)).await.request.created), Some(at(12)));
    assert_eq!(table.faults.calls(Op::CommitAgent), 2);
    assert_eq!(table.agent(&deploy).await.unwrap().agent, frozen.agent);

    // Nothing was asked, or it was frozen already: once is enough.
    let mut writing = table.faults.hold_next(Op::CommitAgent);
    let (once, ()) = tokio::join!(execute_agent(&table, SOURCE, &deploy, by.clone(), None, now), async {
        writing.reached().await;
        crate::given::try_ask(&table, 3, deny(Code::AgentFrozen), at(14)).await.unwrap();
        writing.release();
    });
    once.unwrap();
    execute_agent(&table, SOURCE, &agent("other"), by, None, now).await.unwrap();
    assert_eq!(table.faults.calls(Op::CommitAgent), 4);
}
