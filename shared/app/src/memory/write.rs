//! Transactions in memory: every condition in the adapter's order, then all of it or nothing.

use std::collections::BTreeMap;

use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::{Digest, Time};

use super::table::{Entry, Inner, Kept, kept, whole_second};
use crate::ports::PortError;
use crate::store::{AgentEffect, AgentRecord, CardRecord, Commit, Stored, Words};

/// `unmet` unless the condition holds.
fn must(holds: bool, unmet: PortError) -> Result<(), PortError> {
    if holds { Ok(()) } else { Err(unmet) }
}

impl Inner {
    pub(super) fn commit(&mut self, commit: Commit<'_>) -> Result<(), PortError> {
        self.may_commit(&commit)?;
        let id = &commit.after.request.id;
        let stored = Stored {
            request: kept(&commit.after.request)?,
            due: commit.after.due.map(whole_second),
            ..commit.after.clone()
        };
        let idempotency = commit.idempotency.as_ref().map(kept).transpose()?;
        let ask = commit.ask.map(|(revision, ask)| Ok::<_, PortError>((revision, kept(ask)?))).transpose()?;

        self.idempotency
            .extend(idempotency.map(|record| ((record.agent.clone(), record.key.clone()), record)));
        self.once.extend(commit.once);
        self.cool.extend(commit.cool.map(|(hash, until)| (hash, whole_second(until))));
        self.affect(&commit.after.request.agent, &commit.agent);
        self.record(Subject::Request(id.clone()), &commit.leaves);
        let entry = self.requests.entry(id.clone()).or_insert_with(|| Entry {
            stored: stored.clone(),
            asks: BTreeMap::new(),
            texts: BTreeMap::new(),
            cards: BTreeMap::new(),
        });
        entry.stored = stored;
        entry.asks.extend(ask);
        if let Some(removal) = commit.removal {
            entry.asks.retain(|revision, _| *revision > removal.revisions);
            entry.texts.retain(|seq, _| !removal.texts.contains(seq));
            self.cool.retain(|ask, _| removal.cool.as_ref() != Some(ask));
        }
        entry.texts.extend(commit.texts.into_iter().map(|(seq, words)| (seq, words.clone())));
        Ok(())
    }

    fn may_commit(&self, commit: &Commit<'_>) -> Result<(), PortError> {
        let id = &commit.after.request.id;
        let there = self.requests.get(id);
        if let Some(record) = &commit.idempotency {
            let key = (record.agent.clone(), record.key.clone());
            must(!self.idempotency.contains_key(&key), PortError::KeyTaken)?;
        }
        if let Some((hash, _)) = &commit.once {
            must(!self.once.contains_key(hash), PortError::SeenBefore)?;
        }
        let as_read = match commit.before {
            None => there.is_none(),
            Some(before) => there.is_some_and(|entry| entry.stored.head == before.head),
        };
        must(as_read, PortError::Conflict)?;
        self.may_record(&Subject::Request(id.clone()), &commit.leaves)?;
        if let Some((revision, _)) = commit.ask {
            must(there.is_none_or(|entry| !entry.asks.contains_key(&revision)), PortError::Conflict)?;
        }
        let new = |seq| there.is_none_or(|entry| !entry.texts.contains_key(seq));
        must(commit.texts.iter().all(|(seq, _)| new(seq)), PortError::Conflict)?;
        self.may_affect(commit)
    }

    fn may_affect(&self, commit: &Commit<'_>) -> Result<(), PortError> {
        let request = &commit.after.request;
        let holds = match &commit.agent {
            AgentEffect::None | AgentEffect::Ended { .. } => true,
            AgentEffect::Opened { read, .. } => self.is_as_read(&request.agent, read),
            AgentEffect::Consumed { unmarked } => {
                let mark = |id: &AgentId| self.agents.get(id).and_then(|record| record.agent.void_before);
                let everybody = unmarked.iter().chain([&request.agent]);
                everybody.filter_map(mark).chain(self.recovered).all(|mark| mark < request.created)
            }
        };
        must(holds, PortError::AgentChanged)
    }

    fn is_as_read(&self, id: &AgentId, read: &AgentRecord) -> bool {
        self.agents.get(id).map_or(0, |record| record.version) == read.version
    }

    fn affect(&mut self, id: &AgentId, effect: &AgentEffect<'_>) {
        if matches!(effect, AgentEffect::None) {
            return;
        }
        let record = self.agents.entry(id.clone()).or_default();
        match effect {
            AgentEffect::None => {}
            AgentEffect::Opened { read, name, live } => {
                record.version = read.version + 1;
                record.rno = read.rno + 1;
                record.name = (*name).to_owned();
                record.live += i64::from(*live);
            }
            AgentEffect::Ended { rejected } => {
                record.live -= 1;
                record.rejections += u64::from(*rejected);
            }
            AgentEffect::Consumed { .. } => record.live -= 1,
        }
    }

    pub(super) fn commit_agent(
        &mut self,
        id: &AgentId,
        read: &AgentRecord,
        after: &AgentRecord,
        leaves: &[Leaf],
        texts: &[(u32, &Words)],
    ) -> Result<(), PortError> {
        let subject = Subject::Agent(id.clone());
        let head =
            after.head.ok_or_else(|| PortError::Unavailable("a stored item has no valid head".into()))?;
        let ends_as_read = self.agents.get(id).and_then(|record| record.head) == read.head;
        must(ends_as_read, PortError::AgentChanged)?;
        self.may_record(&subject, leaves)?;
        let new = |seq: u32| !self.agent_texts.contains_key(&(id.clone(), seq));
        must(texts.iter().all(|(seq, _)| new(*seq)), PortError::Conflict)?;

        self.record(subject, leaves);
        self.agent_texts.extend(texts.iter().map(|(seq, words)| ((id.clone(), *seq), (*words).clone())));
        // The counts are not this write's: requests may have come and ended since the record was read.
        let record = self.agents.entry(id.clone()).or_default();
        record.version += 1;
        record.head = Some(head);
        record.agent.frozen = after.agent.frozen;
        record.agent.void_before = after.agent.void_before.or(record.agent.void_before);
        Ok(())
    }

    pub(super) fn remember(&mut self, once: &Digest, forget: Time) -> Result<(), PortError> {
        must(!self.once.contains_key(once), PortError::SeenBefore)?;
        self.once.insert(once.clone(), forget);
        Ok(())
    }

    fn may_record(&self, subject: &Subject, leaves: &[Leaf]) -> Result<(), PortError> {
        let there = self.events.get(subject);
        let new = |leaf: &Leaf| there.is_none_or(|events| !events.contains_key(&leaf.seq));
        must(leaves.iter().all(new), PortError::Conflict)
    }

    fn record(&mut self, subject: Subject, leaves: &[Leaf]) {
        let events = leaves.iter().map(|leaf| (leaf.seq, Kept::of(leaf)));
        self.events.entry(subject).or_default().extend(events);
    }

    pub(super) fn claim_card(
        &mut self,
        id: &RequestId,
        read: &CardRecord,
        now: Time,
        until: Time,
    ) -> Result<Option<CardRecord>, PortError> {
        let Some(claimed) = read.claimed(now, until) else { return Ok(None) };
        Ok(self.write_card(id, &claimed, read.version)?.then_some(claimed))
    }

    /// Writes a card on condition of the version that is there; 0 = none is.
    pub(super) fn write_card(
        &mut self,
        id: &RequestId,
        card: &CardRecord,
        read: u32,
    ) -> Result<bool, PortError> {
        let Some(entry) = self.requests.get_mut(id) else { return Ok(false) };
        let key = (card.channel.clone(), card.n);
        if entry.cards.get(&key).map_or(0, |there| there.version) != read {
            return Ok(false);
        }
        entry.cards.insert(key, kept(card)?);
        Ok(true)
    }
}
