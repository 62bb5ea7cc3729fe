//! One request's life as the log tells it, folded by the domain's decider: what pages, tables and the terminal show.
//!
//! It says where a life breaks off by the rules, and goes no further; what else must hold is for `verify`.

use std::collections::BTreeMap;

use countersign_domain::event::{Actor, Event, Evidence, Fact, RevokedBecause, Vote};
use countersign_domain::leaf::LeafHash;
use countersign_domain::{Digest, Request, RequestId, Status, evolve};
use serde_json::Value;

use crate::leaf::LeafView;

/// The fold of a request's events, without the events.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    /// The place of its first event in the log.
    pub first: u64,
    /// The place of its last.
    pub last: u64,
    /// How many events there are.
    pub events: u64,
    /// What they lead to, up to where they may.
    pub request: Option<Request>,
    /// Why they lead no further.
    pub broken: Option<String>,
    /// What policy said of the revision as it stands.
    pub evaluated: Option<Event>,
    /// Decisions that were not taken.
    pub refused_decisions: u32,
    /// Attempts to consume that were refused.
    pub refused_executions: u32,
    /// The fields that are in the log in clear.
    pub recorded: BTreeMap<String, Value>,
}

impl Fold {
    /// Takes in the request's next event.
    pub fn push(&mut self, id: &RequestId, index: u64, event: &Event) {
        if self.events == 0 {
            self.first = index;
        }
        self.last = index;
        self.events += 1;
        match &event.fact {
            Fact::Evaluated { recorded, .. } => {
                self.recorded = recorded.clone();
                self.evaluated = Some(event.clone());
            }
            Fact::DecisionRefused(_) => self.refused_decisions += 1,
            Fact::ExecutionRefused { .. } => self.refused_executions += 1,
            _ => {}
        }
        if self.broken.is_some() {
            return;
        }
        match evolve(self.request.as_ref(), event, Some(id)) {
            Ok(next) => self.request = Some(next),
            Err(error) => self.broken = Some(format!("at index {index}: {error}")),
        }
    }

    /// Takes in an event that this program cannot read.
    pub fn push_unread(&mut self, index: u64, why: &str) {
        self.last = index;
        self.events += 1;
        self.broken.get_or_insert(format!("at index {index}: {why}"));
    }

    /// What a reader should look at, in words. Empty where nothing is out of the ordinary.
    pub fn exceptions(&self) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(broken) = &self.broken {
            all.push(format!("its life is not as the rules are, {broken}"));
        }
        match self.request.as_ref().map(|request| request.status) {
            Some(Status::Consumed) => all.push("was given out to run, and no outcome is reported".to_owned()),
            Some(Status::Unknown) => all.push("nobody knows whether it ran".to_owned()),
            Some(Status::Undeliverable) => all.push("no reviewer was ever reached".to_owned()),
            _ => {}
        }
        if self.refused_decisions > 0 {
            all.push(format!("decisions refused: {}", self.refused_decisions));
        }
        if self.refused_executions > 0 {
            all.push(format!("attempts to run refused: {}", self.refused_executions));
        }
        all
    }
}

/// An event with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// Its leaf's hash.
    pub hash: LeafHash,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What they say; `None` where this program cannot read them.
    pub event: Option<Event>,
}

/// A request's events and what they lead to.
#[derive(Debug, Clone)]
pub struct Story {
    /// Which request.
    pub id: RequestId,
    /// Its events, in the log's order.
    pub entries: Vec<Entry>,
    /// What they lead to.
    pub fold: Fold,
}

impl Story {
    /// A request of which nothing is known yet.
    pub fn new(id: RequestId) -> Self {
        Self { id, entries: Vec::new(), fold: Fold::default() }
    }

    /// Takes in the request's next leaf.
    pub fn push(&mut self, index: u64, bytes: &[u8]) {
        let event = LeafView::read(bytes).and_then(|leaf| leaf.event());
        match &event {
            Ok(event) => self.fold.push(&self.id, index, event),
            Err(error) => self.fold.push_unread(index, &error.to_string()),
        }
        let hash = LeafHash::of(bytes);
        self.entries.push(Entry { index, hash, bytes: bytes.to_vec(), event: event.ok() });
    }

    /// The facts, in order, with their entries.
    pub fn facts(&self) -> impl DoubleEndedIterator<Item = (&Entry, &Event)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.event.as_ref()?)))
    }

    /// The leaf that says that it may run: people's approval, or else policy's.
    pub fn decision(&self) -> Option<&Entry> {
        let last = |wanted: fn(&Fact) -> bool| self.facts().rev().find(|(_, event)| wanted(&event.fact));
        last(|fact| matches!(fact, Fact::Approved { .. } | Fact::Rejected { .. }))
            .or_else(|| last(|fact| matches!(fact, Fact::Evaluated { .. })))
            .map(|(entry, _)| entry)
    }
}

/// Who did what an event tells of, how they were known, what they decided, and about which digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deed {
    /// The person or agent; several where several decided.
    pub actor: String,
    /// How a person proved who they are.
    pub authenticated: String,
    /// What was decided, or why not.
    pub decision: String,
    /// What it is about.
    pub digest: Option<Digest>,
}

/// What an event says in these terms.
pub fn deed(fact: &Fact) -> Deed {
    let text = |text: &dyn std::fmt::Display| text.to_string();
    let by = |actor: &Actor, decision: &str| Deed {
        actor: text(&actor.person),
        authenticated: evidence(&actor.evidence),
        decision: decision.to_owned(),
        digest: None,
    };
    let agent = |by: &countersign_domain::AgentId, decision: &str| Deed {
        actor: text(by),
        decision: decision.to_owned(),
        ..Deed::default()
    };
    let voted = |votes: &[Vote], decision: &str, digest: &Digest| Deed {
        actor: join(votes.iter().map(|vote| text(&vote.actor.person))),
        authenticated: join(votes.iter().map(|vote| evidence(&vote.actor.evidence))),
        decision: decision.to_owned(),
        digest: Some(digest.clone()),
    };
    let with = |deed: Deed, digest: &Digest| Deed { digest: Some(digest.clone()), ..deed };
    match fact {
        Fact::Created { agent: by, digest, .. } => with(agent(by, ""), digest),
        Fact::Revised { digest, .. } => Deed { digest: Some(digest.clone()), ..Deed::default() },
        Fact::Evaluated { digest, evaluation, .. } => Deed {
            actor: "policy".into(),
            decision: evaluation.outcome.as_str().into(),
            digest: Some(digest.clone()),
            ..Deed::default()
        },
        Fact::Denied { code } => Deed { actor: "policy".into(), decision: word(code), ..Deed::default() },
        Fact::Revoked { because: RevokedBecause::Person(actor), .. } => by(actor, "revoke"),
        Fact::Revoked { because, .. } => Deed {
            decision: match because {
                RevokedBecause::Frozen { .. } => "frozen",
                RevokedBecause::Recovery => "recovery",
                _ => "policy",
            }
            .into(),
            ..Deed::default()
        },
        Fact::Withdrawn { because, .. } => Deed { decision: word(because), ..Deed::default() },
        Fact::InfoRequested { digest, actor, .. } => with(by(actor, "request_info"), digest),
        Fact::VoteCast { digest, vote } => with(by(&vote.actor, &word(&vote.ballot)), digest),
        Fact::Approved { digest, votes, .. } => voted(votes, "approved", digest),
        Fact::Rejected { digest, votes, .. } => voted(votes, "rejected", digest),
        Fact::DecisionRefused(refused) => Deed {
            actor: refused.person.as_ref().map_or("nobody known".into(), |person| text(person)),
            authenticated: refused.evidence.as_ref().map(evidence).unwrap_or_default(),
            decision: word(&refused.code),
            digest: refused.digest.clone(),
        },
        Fact::Consumed { by, digest, .. } => with(agent(by, ""), digest),
        Fact::ExecutionRefused { by, code } => agent(by, &word(code)),
        Fact::Succeeded { by, .. } | Fact::Failed { by, .. } | Fact::Unknown { by, .. } => agent(by, ""),
        Fact::AgentFrozen { actor, .. } => by(actor, "freeze"),
        Fact::AgentUnfrozen { actor, .. } => by(actor, "unfreeze"),
        _ => Deed::default(),
    }
}

/// How a person proved who they are, in words.
pub fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Slack { workspace } => format!("Slack, workspace {workspace}"),
        Evidence::Api { issuer, auth_time, amr } => {
            let when =
                auth_time.map_or("time of sign-in not given".to_owned(), |at| format!("signed in {at}"));
            let by = Vec::from_iter(amr.iter().map(String::as_str)).join(", ");
            let by = if by.is_empty() { "methods not given".to_owned() } else { format!("by {by}") };
            format!("token of {issuer}, {when}, {by}")
        }
    }
}

/// A value in clear as one text: strings as they are, others as JSON.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The word by which the log knows a unit variant.
pub fn word(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).map(|value| plain(&value)).unwrap_or_default()
}

fn join(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join("; ")
}
