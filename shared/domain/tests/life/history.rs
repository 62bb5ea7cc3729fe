//! A history that is lived through: each command is decided, and its events are written as leaves, read back and
//! folded, as the functions do with the table between.

use std::collections::BTreeMap;

use countersign_domain::event::Event;
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::request::Command;
use countersign_domain::{AgentId, Refusal, Request, Status, Time, agent, decide, evolve};

use crate::kit::request_id;

/// The request's number among its agent's.
pub const RNO: u64 = 7;

/// An agent as its own events made it.
#[derive(Debug, Default, Clone)]
pub struct AgentHistory {
    pub state: agent::Agent,
    pub leaves: Vec<Leaf>,
}

/// A request, its agents, and all that was recorded of them.
#[derive(Debug, Default, Clone)]
pub struct History {
    pub request: Option<Request>,
    /// The request's leaves.
    pub leaves: Vec<Leaf>,
    pub agents: BTreeMap<AgentId, AgentHistory>,
    /// The bytes of all leaves in the order of their commits.
    pub journal: Vec<Vec<u8>>,
    /// Every status that the request was in, also within one commit.
    pub statuses: Vec<Status>,
}

impl History {
    /// Executes a command. What holds for every command is asserted here.
    pub fn execute(&mut self, command: Command, now: Time) -> Result<Vec<Event>, Refusal> {
        let events = decide(self.request.as_ref(), command, now)?;
        let before = self.request.clone();
        for event in &events {
            assert_eq!(event.time, now);
            self.record(event);
        }
        if let (Some(before), Some(after)) = (before, &self.request) {
            assert!(!before.status.is_end() || unmoved(&before, after), "{before:?} -> {after:?}");
        }
        Ok(events)
    }

    /// Executes a command on an agent.
    pub fn execute_agent(
        &mut self,
        id: &AgentId,
        command: agent::Command,
        now: Time,
    ) -> Result<Vec<Event>, Refusal> {
        let before = self.agents.get(id).cloned().unwrap_or_default();
        let events = agent::decide(&before.state, command, now)?;
        for event in &events {
            let history = self.agents.entry(id.clone()).or_default();
            let (leaf, event) = write(&Subject::Agent(id.clone()), None, &history.leaves, event);
            history.state = agent::evolve(&history.state, &event).expect("evolve takes what decide makes");
            history.leaves.push(leaf.clone());
            self.journal.push(leaf.bytes);
        }
        Ok(events)
    }

    /// The later mark of the agent that asked and of `by`.
    pub fn void_before(&self, by: &AgentId) -> Option<Time> {
        let asked = self.request.as_ref().map(|r| &r.agent);
        let marks = [asked, Some(by)].into_iter().flatten().filter_map(|id| self.agents.get(id));
        marks.filter_map(|history| history.state.void_before).max()
    }

    pub fn status(&self) -> Status {
        self.request.as_ref().expect("a request").status
    }

    fn record(&mut self, event: &Event) {
        let subject = Subject::Request(request_id());
        let (leaf, event) = write(&subject, Some(RNO), &self.leaves, event);
        let next = evolve(self.request.as_ref(), &event, Some(&request_id()));
        let next = next.unwrap_or_else(|e| panic!("{e}: {event:?} after {:?}", self.request));
        assert_eq!(next.seq, leaf.seq);
        let kept = serde_json::to_string(&next).expect("a snapshot");
        assert_eq!(serde_json::from_str::<Request>(&kept).expect("a snapshot"), next);
        self.statuses.push(next.status);
        self.request = Some(next);
        self.journal.push(leaf.bytes.clone());
        self.leaves.push(leaf);
    }
}

/// The leaf after the others, with what a chain promises, and the event as it is read back.
fn write(subject: &Subject, rno: Option<u64>, before: &[Leaf], event: &Event) -> (Leaf, Event) {
    let place = Place { source: "urn:countersign:test", subject, rno };
    let head = before.last().map_or(Head::EMPTY, Leaf::head);
    let leaf = Leaf::make(&place, &head, event).expect("it fits");
    let read = Leaf::parse(&leaf.bytes).expect("what was made is read");
    assert_eq!(usize::try_from(leaf.seq), Ok(before.len() + 1));
    assert_eq!((read.seq, read.prev, read.rno), (leaf.seq, head.hash, rno));
    assert_eq!((&read.subject, read.id), (subject, format!("{subject}.{}", leaf.seq)));
    assert_eq!(read.event.fact.kind(), leaf.kind);
    assert_eq!(read.event, *event);
    (leaf, read.event)
}

/// Whether nothing but records of what went on around it was added.
fn unmoved(before: &Request, after: &Request) -> bool {
    (before.status, &before.changed, &before.consumption, &before.digest)
        == (after.status, &after.changed, &after.consumption, &after.digest)
}
