//! Transactions made by hand, so that each condition can be broken alone.

use countersign_domain::agent::{self, AgentRef};
use countersign_domain::event::Event;
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::request::{Command, decide, evolve};
use countersign_domain::review::Evaluation;
use countersign_domain::{AgentId, RequestId, Time};

use crate::ports::Table;
use crate::sample;
use crate::store::{AgentEffect, AgentRecord, Ask, Commit, Stored, StoredEvent, WorkflowMark};

/// Events on a state, and the state after them.
pub(super) struct Step {
    pub after: Stored,
    pub leaves: Vec<Leaf>,
}

impl Step {
    /// The first events of the request number `n`, the agent's number `rno`.
    pub fn first(n: u32, role: &str, rno: u64, evaluation: Evaluation, now: Time) -> Self {
        let id = sample::id(n);
        let mut create = sample::create(&id, role, &ask(n), evaluation);
        create.agent = AgentRef { id: sample::agent(role), name: name(role) };
        let events = decide(None, Command::Create(Box::new(create)), now).expect("a sample is taken");
        let mut request = None;
        for event in &events {
            request = Some(evolve(request.as_ref(), event, Some(&id)).expect("the decider's own event"));
        }
        let leaves = leaves(&Subject::Request(id), Some(rno), Head::EMPTY, &events);
        let after = Stored {
            request: request.expect("at least one event"),
            rno,
            head: leaves.last().expect("at least one event").head(),
            due: Some(now),
            workflow: WorkflowMark::default(),
            view: 0,
        };
        Self { after, leaves }
    }

    /// What `command` makes of `before`.
    pub fn then(before: &Stored, command: Command, now: Time) -> Self {
        let events = decide(Some(&before.request), command, now).expect("the sample's command is taken");
        let mut request = before.request.clone();
        for event in &events {
            request = evolve(Some(&request), event, None).expect("the decider's own event");
        }
        let leaves = leaves(&Subject::Request(request.id.clone()), Some(before.rno), before.head, &events);
        let head = leaves.last().expect("the command changes something").head();
        Self { after: Stored { request, head, ..before.clone() }, leaves }
    }

    /// The events and the state alone, as a transaction on `before`.
    pub fn on<'a>(&'a self, before: Option<&'a Stored>) -> Commit<'a> {
        Commit {
            before,
            after: &self.after,
            leaves: self.leaves.clone(),
            ask: None,
            texts: Vec::new(),
            idempotency: None,
            once: None,
            cool: None,
            removal: None,
            agent: AgentEffect::None,
        }
    }

    /// The same with the effect that creating it has.
    pub fn opening<'a>(&'a self, ask: &'a Ask, read: &'a AgentRecord, name: &'a str) -> Commit<'a> {
        let live = self.after.request.status.is_live();
        Commit { ask: Some((1, ask)), agent: AgentEffect::Opened { read, name, live }, ..self.on(None) }
    }
}

/// The ask of the request number `n`.
pub(super) fn ask(n: u32) -> Ask {
    sample::ask(&format!("s3://reports/{n}"))
}

pub(super) fn name(role: &str) -> String {
    format!("aws:123456789012:role/{role}")
}

/// Makes the request number `n` of the role and gives it as it is read back.
pub(super) async fn opened<T: Table>(
    table: &T,
    n: u32,
    role: &str,
    evaluation: Evaluation,
    now: Time,
) -> Stored {
    let read = table.agent(&sample::agent(role)).await.unwrap();
    let step = Step::first(n, role, read.rno + 1, evaluation, now);
    table.commit(step.opening(&ask(n), &read, &name(role))).await.unwrap();
    state(table, &step.after.request.id).await
}

/// Executes a command with this effect on the agent and gives the request as it is read back.
pub(super) async fn moved<T: Table>(
    table: &T,
    before: &Stored,
    command: Command,
    effect: AgentEffect<'_>,
    now: Time,
) -> Stored {
    let step = Step::then(before, command, now);
    table.commit(Commit { agent: effect, ..step.on(Some(before)) }).await.unwrap();
    state(table, &before.request.id).await
}

/// The request, which is there.
pub(super) async fn state<T: Table>(table: &T, id: &RequestId) -> Stored {
    table.state(id).await.unwrap().expect("the request is there")
}

/// A request's events.
pub(super) async fn events<T: Table>(table: &T, id: &RequestId) -> Vec<StoredEvent> {
    table.events(&Subject::Request(id.clone())).await.unwrap()
}

/// A person freezes the agent: its record after that, and the events.
pub(super) fn frozen(id: &AgentId, read: &AgentRecord, now: Time) -> (AgentRecord, Vec<Leaf>) {
    let command = agent::Command::Freeze {
        by: sample::actor("root"),
        groups: sample::admins(),
        reason: Some(sample::words("It went mad.").hash()),
    };
    let events = agent::decide(&read.agent, command, now).expect("an admin may");
    let mut after = read.clone();
    for event in &events {
        after.agent = agent::evolve(&after.agent, event).expect("the decider's own event");
    }
    let leaves = leaves(&Subject::Agent(id.clone()), None, read.head.unwrap_or(Head::EMPTY), &events);
    after.head = leaves.last().map(Leaf::head);
    after.version += 1;
    (after, leaves)
}

fn leaves(subject: &Subject, rno: Option<u64>, head: Head, events: &[Event]) -> Vec<Leaf> {
    let place = Place { source: sample::SOURCE, subject, rno };
    let mut head = head;
    let mut leaves = Vec::new();
    for event in events {
        let leaf = Leaf::make(&place, &head, event).expect("a sample fits a leaf");
        head = leaf.head();
        leaves.push(leaf);
    }
    leaves
}
