//! A table in memory.
//!
//! It keeps what the real one keeps: JSON bodies, and the times that an index or an expiry is asked for in whole
//! seconds, rounded up. What that loses is lost here, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use countersign_domain::ids::{AgentId, ChannelName, Origin, RequestId};
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::{Digest, Status, Time};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Faults, Op, lock};
use crate::log::{Line, LogHead, Stray};
use crate::ports::{PortError, Table};
use crate::store::{
    AgentRecord, Ask, CardRecord, Commit, Idempotency, Page, Part, Proposal, Stored, StoredEvent, Whole,
    Words, WorkflowMark,
};

/// A table in memory. A clone is the same table.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    /// What goes wrong next.
    pub faults: Faults,
    inner: Arc<Mutex<Inner>>,
}

/// All that a table held at one time.
#[derive(Debug)]
pub struct TableCopy(Inner);

#[derive(Debug, Clone, Default)]
pub(super) struct Inner {
    pub requests: BTreeMap<RequestId, Entry>,
    pub events: BTreeMap<Subject, BTreeMap<u32, Kept>>,
    pub logs: BTreeMap<Origin, LogHead>,
    pub lines: BTreeMap<Origin, Line>,
    pub log_texts: BTreeMap<(Origin, u32), Words>,
    /// What the last recovery made void.
    pub recovered: Option<Time>,
    pub proposals: BTreeMap<Digest, Proposal>,
    pub strays: BTreeMap<Stray, Vec<u8>>,
    /// Whose events no transaction takes.
    pub stuck: BTreeSet<Subject>,
    /// What the `pending` index says, where it is held.
    pub index: Option<Vec<(String, Subject)>>,
    pub agents: BTreeMap<AgentId, AgentRecord>,
    pub agent_texts: BTreeMap<(AgentId, u32), Words>,
    pub idempotency: BTreeMap<(AgentId, String), Idempotency>,
    pub once: BTreeMap<Digest, Time>,
    pub cool: BTreeMap<Digest, Time>,
}

/// An event's item.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    pub hash: Option<String>,
    pub index: Option<u64>,
    pub log: u32,
}

impl Kept {
    pub fn of(leaf: &Leaf) -> Self {
        Self { bytes: leaf.bytes.clone(), hash: Some(leaf.hash.into()), index: None, log: 0 }
    }
}

/// All items of one request but its events.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub stored: Stored,
    pub asks: BTreeMap<u32, Ask>,
    pub texts: BTreeMap<u32, Words>,
    pub cards: BTreeMap<(ChannelName, u32), CardRecord>,
}

/// What JSON gives back of a value.
pub(super) fn kept<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, PortError> {
    let json = serde_json::to_string(value).ok();
    json.and_then(|json| serde_json::from_str(&json).ok())
        .ok_or_else(|| PortError::Unavailable("a stored item has no valid body".into()))
}

/// An instant as whole seconds keep it.
pub(super) fn whole_second(time: Time) -> Time {
    Time::from_millis(time.epoch_seconds().saturating_mul(1000))
}

impl MemoryTable {
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// What it holds now, for [`Self::restore`].
    pub fn copy(&self) -> TableCopy {
        TableCopy(self.inner().clone())
    }

    /// Holds again what it held then, and nothing else.
    pub fn restore(&self, copy: &TableCopy) {
        *self.inner() = copy.0.clone();
    }

    /// Erases the arguments and every free text of a request, as an erasure does.
    pub fn erase(&self, id: &RequestId) {
        if let Some(entry) = self.inner().requests.get_mut(id) {
            entry.asks.clear();
            entry.texts.clear();
        }
    }

    /// The reason beside a recovery's event. No port reads it.
    pub fn log_text(&self, origin: &Origin, seq: u32) -> Option<Words> {
        self.inner().log_texts.get(&(origin.clone(), seq)).cloned()
    }

    /// The free text beside an agent's own event. No port reads it.
    pub fn agent_text(&self, id: &AgentId, seq: u32) -> Option<Words> {
        self.inner().agent_texts.get(&(id.clone(), seq)).cloned()
    }
}

impl Table for MemoryTable {
    async fn state(&self, id: &RequestId) -> Result<Option<Stored>, PortError> {
        let state = || Ok(self.inner().requests.get(id).map(|entry| entry.stored.clone()));
        self.faults.around(Op::State, state).await
    }

    async fn whole(&self, id: &RequestId) -> Result<Option<Whole>, PortError> {
        let whole = |entry: &Entry| Whole {
            stored: entry.stored.clone(),
            ask: entry.asks.get(&entry.stored.request.revision).cloned(),
            texts: entry.texts.clone(),
            cards: entry.cards.values().cloned().collect(),
        };
        self.faults.around(Op::Whole, || Ok(self.inner().requests.get(id).map(whole))).await
    }

    async fn events(&self, subject: &Subject) -> Result<Vec<StoredEvent>, PortError> {
        let event = |(seq, kept): (&u32, &Kept)| StoredEvent {
            seq: *seq,
            bytes: kept.bytes.clone(),
            index: kept.index,
            log: kept.log,
        };
        let all = |events: &BTreeMap<u32, Kept>| events.iter().map(event).collect();
        self.faults
            .around(Op::Events, || Ok(self.inner().events.get(subject).map(all).unwrap_or_default()))
            .await
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<(), PortError> {
        self.faults.around(Op::Commit, || self.inner().commit(commit)).await
    }

    async fn agent(&self, id: &AgentId) -> Result<AgentRecord, PortError> {
        let agent = || Ok(self.inner().agents.get(id).cloned().unwrap_or_default());
        self.faults.around(Op::Agent, agent).await
    }

    async fn commit_agent(
        &self,
        id: &AgentId,
        read: &AgentRecord,
        after: &AgentRecord,
        leaves: Vec<Leaf>,
        texts: Vec<(u32, &Words)>,
    ) -> Result<(), PortError> {
        let commit = || self.inner().commit_agent(id, read, after, &leaves, &texts);
        self.faults.around(Op::CommitAgent, commit).await
    }

    async fn idempotency(&self, agent: &AgentId, key: &str) -> Result<Option<Idempotency>, PortError> {
        let key = (agent.clone(), key.to_owned());
        self.faults.around(Op::Idempotency, || Ok(self.inner().idempotency.get(&key).cloned())).await
    }

    async fn cooling(&self, ask: &Digest, now: Time) -> Result<bool, PortError> {
        let cooling = || Ok(self.inner().cool.get(ask).is_some_and(|until| *until > now));
        self.faults.around(Op::Cooling, cooling).await
    }

    async fn remember(&self, once: &Digest, forget: Time) -> Result<(), PortError> {
        self.faults.around(Op::Remember, || self.inner().remember(once, forget)).await
    }

    async fn seen(&self, once: &Digest) -> Result<bool, PortError> {
        self.faults.around(Op::Seen, || Ok(self.inner().once.contains_key(once))).await
    }

    async fn recovered(&self) -> Result<Option<Time>, PortError> {
        self.faults.around(Op::Recovered, || Ok(self.inner().recovered)).await
    }

    async fn propose(&self, what: &Digest, proposal: &Proposal) -> Result<Proposal, PortError> {
        let propose = || {
            let mut inner = self.inner();
            let holds = inner.proposals.get(what).filter(|there| !there.stale(proposal.at)).cloned();
            let holds = holds.unwrap_or_else(|| proposal.clone());
            inner.proposals.insert(what.clone(), holds.clone());
            Ok(holds)
        };
        self.faults.around(Op::Propose, propose).await
    }

    async fn set_view(
        &self,
        read: &Stored,
        due: Option<Time>,
        workflow: WorkflowMark,
    ) -> Result<bool, PortError> {
        let set = || {
            let mut inner = self.inner();
            let as_read = |is: &Stored| (is.version(), is.view) == (read.version(), read.view);
            let entry = inner.requests.get_mut(&read.request.id).filter(|entry| as_read(&entry.stored));
            let Some(entry) = entry else { return Ok(false) };
            entry.stored.view += 1;
            entry.stored.due = due.map(whole_second);
            entry.stored.workflow = workflow;
            Ok(true)
        };
        self.faults.around(Op::SetView, set).await
    }

    async fn due(&self, until: Time, cursor: Option<&str>, limit: u32) -> Result<Part<RequestId>, PortError> {
        self.faults.around(Op::Due, || Ok(self.inner().due(until, cursor, limit))).await
    }

    async fn live(
        &self,
        agent: Option<&AgentId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        self.faults.around(Op::Live, || Ok(self.inner().live(agent, cursor, limit))).await
    }

    async fn of_agent(
        &self,
        agent: &AgentId,
        status: Option<Status>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        self.faults.around(Op::OfAgent, || Ok(self.inner().of_agent(agent, status, cursor, limit))).await
    }

    async fn claim_card(
        &self,
        id: &RequestId,
        read: &CardRecord,
        now: Time,
        until: Time,
    ) -> Result<Option<CardRecord>, PortError> {
        self.faults.around(Op::ClaimCard, || self.inner().claim_card(id, read, now, until)).await
    }

    async fn release_card(&self, id: &RequestId, card: &CardRecord) -> Result<bool, PortError> {
        self.faults.around(Op::ReleaseCard, || self.inner().write_card(id, card, card.version)).await
    }
}
