//! The log's head and the events of the table in memory, as the log sees them.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Time;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Leaf, Subject};

use super::table::{Inner, Kept};
use super::{MemoryTable, Op};
use crate::log::{
    BESIDE, EventKey, Line, LogCommit, LogHead, Pending, RawEvent, Stray, TRANSACTION, Unsealed,
};
use crate::ports::{Ledger, PortError};

impl MemoryTable {
    /// Stops the `pending` index where it is, or lets it catch up with the table.
    pub fn hold_index(&self, held: bool) {
        let mut inner = self.inner();
        inner.index = held.then(|| inner.pending_now());
    }

    /// Records an event of a subject as its writer does, without anything that belongs to it.
    pub fn append(&self, subject: &Subject, leaf: &Leaf) {
        let mut inner = self.inner();
        inner.events.entry(subject.clone()).or_default().insert(leaf.seq, Kept::of(leaf));
    }

    /// Changes a stored event as nobody should, its bytes and the hash beside it.
    pub fn tamper(&self, key: &EventKey, change: impl FnOnce(&mut Vec<u8>, &mut Option<String>)) {
        let mut inner = self.inner();
        if let Some(kept) = inner.events.get_mut(&key.subject).and_then(|all| all.get_mut(&key.seq)) {
            change(&mut kept.bytes, &mut kept.hash);
        }
    }

    /// Writes an item among a subject's events that is none, and says that it is pending.
    pub fn stray(&self, stray: Stray, bytes: impl Into<Vec<u8>>) {
        self.inner().strays.insert(stray, bytes.into());
    }

    /// No transaction takes this subject's events from now on.
    pub fn stick(&self, subject: &Subject) {
        self.inner().stuck.insert(subject.clone());
    }

    /// Makes void what was asked up to this instant, as a recovery does.
    pub fn void(&self, mark: Time) {
        self.inner().recovered = Some(mark);
    }

    /// Sets the line as a restored table would have it.
    pub fn restore_line(&self, base: &Origin, line: Line) {
        self.inner().lines.insert(base.clone(), line);
    }

    /// Sets the log's head as a restored table would have it.
    pub fn restore_head(&self, origin: &Origin, head: Option<LogHead>) {
        match head {
            Some(head) => self.inner().logs.insert(origin.clone(), head),
            None => self.inner().logs.remove(origin),
        };
    }
}

impl Inner {
    /// Every pending event in the order of the index, with what it is listed by.
    pub(super) fn pending_now(&self) -> Vec<(String, Subject)> {
        let all = self.events.iter().flat_map(|(subject, events)| {
            let pending = events.iter().filter(|(_, kept)| kept.index.is_none());
            pending.map(move |(seq, _)| (format!("{subject}.{seq:010}"), subject.clone()))
        });
        all.collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    fn unsealed(&self, subject: &Subject) -> Unsealed {
        let mut found = Unsealed::default();
        for (seq, kept) in self.events.get(subject).into_iter().flatten().rev() {
            let event = RawEvent { seq: *seq, bytes: kept.bytes.clone(), hash: kept.hash.clone() };
            if kept.index.is_some() {
                found.before = Some(event);
                break;
            }
            found.events.push(event);
        }
        found.events.reverse();
        found
    }

    fn leaves(&self, keys: &[EventKey]) -> Result<Vec<Vec<u8>>, PortError> {
        let find =
            |key: &EventKey| self.events.get(&key.subject)?.get(&key.seq).map(|kept| kept.bytes.clone());
        let found: Option<Vec<_>> = keys.iter().map(find).collect();
        found.ok_or_else(|| PortError::Unavailable("an event of the log is missing".into()))
    }

    fn commit_log(&mut self, commit: &LogCommit<'_>) -> Result<(), PortError> {
        let log = Subject::Log(commit.origin.clone());
        let own = |leaf: &Leaf| EventKey { subject: log.clone(), seq: leaf.seq };
        let items: Vec<_> = commit.sealed.iter().map(|sealed| sealed.key.clone()).collect();
        let items: Vec<_> = items.into_iter().chain(commit.own.iter().map(|(leaf, _)| own(leaf))).collect();
        let distinct: BTreeSet<_> = items.iter().collect();
        // Beside them are the head and the line, and what a recovery writes.
        let beside =
            commit.recovery.as_ref().map_or(2, |begin| BESIDE - commit.own.len() + begin.again.len());
        if items.len() + beside > TRANSACTION || distinct.len() != items.len() {
            return Err(PortError::Unavailable("TransactWriteItems: ValidationException".into()));
        }
        let (base, read) = commit.line;
        if self.lines.get(base).map_or(0, |line| line.n) != read.n {
            return Err(PortError::Conflict);
        }
        let mark = |head: &LogHead| (head.size, head.root);
        if self.logs.get(commit.origin).map(mark) != commit.before.map(mark) {
            return Err(PortError::Conflict);
        }
        let pending =
            |key: &EventKey| self.events.get(&key.subject)?.get(&key.seq).filter(|k| k.index.is_none());
        let as_read = |hash: &Option<String>, kept: &Kept| hash.is_none() || *hash == kept.hash;
        if commit.sealed.iter().any(|sealed| self.stuck.contains(&sealed.key.subject)) {
            return Err(PortError::Unavailable("TransactWriteItems: ValidationException".into()));
        }
        let met = commit.sealed.iter().all(|s| pending(&s.key).is_some_and(|kept| as_read(&s.hash, kept)));
        let there = self.events.get(&log);
        let new = commit.own.iter().all(|(leaf, _)| there.is_none_or(|all| !all.contains_key(&leaf.seq)));
        let again = commit.recovery.iter().flat_map(|begin| &begin.again);
        let sealed =
            |key: &EventKey| self.events.get(&key.subject)?.get(&key.seq).filter(|k| k.index.is_some());
        if !met || !new || !again.clone().all(|key| sealed(key).is_some()) {
            return Err(PortError::Conflict);
        }

        for key in again {
            let kept = self.events.get_mut(&key.subject).and_then(|all| all.get_mut(&key.seq));
            kept.into_iter().for_each(|kept| (kept.index, kept.log) = (None, 0));
        }
        if let Some(begin) = &commit.recovery {
            let (seq, words) = begin.reason;
            self.lines.insert(base.clone(), begin.line);
            self.log_texts.insert((commit.origin.clone(), seq), words.clone());
            self.recovered = begin.line.recovered;
        }
        let number = commit.recovery.as_ref().map_or(read.n, |begin| begin.line.n);
        self.logs.insert(commit.origin.clone(), commit.after.clone());
        for sealed in &commit.sealed {
            let kept = self.events.get_mut(&sealed.key.subject).and_then(|all| all.get_mut(&sealed.key.seq));
            if let Some(kept) = kept {
                (kept.index, kept.log) = (Some(sealed.index), number);
            }
        }
        let own = commit
            .own
            .iter()
            .map(|(leaf, index)| (leaf.seq, Kept { index: Some(*index), log: number, ..Kept::of(leaf) }));
        self.events.entry(log).or_default().extend(own);
        Ok(())
    }
}

impl Ledger for MemoryTable {
    async fn line(&self, base: &Origin) -> Result<Line, PortError> {
        self.faults.around(Op::Line, || Ok(self.inner().lines.get(base).copied().unwrap_or_default())).await
    }

    async fn log_head(&self, origin: &Origin) -> Result<Option<LogHead>, PortError> {
        self.faults.around(Op::LogHead, || Ok(self.inner().logs.get(origin).cloned())).await
    }

    async fn pending(&self, cursor: Option<&str>, limit: u32) -> Result<Pending, PortError> {
        let pending = || {
            let inner = self.inner();
            let all = inner.index.clone().unwrap_or_else(|| inner.pending_now()).into_iter();
            let after = all.filter(|(key, _)| cursor.is_none_or(|cursor| key.as_str() > cursor));
            let some: Vec<_> = after.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
            let full = some.len() == usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(Pending {
                next: some.last().filter(|_| full).map(|(key, _)| key.clone()),
                subjects: some.into_iter().map(|(_, subject)| subject).collect(),
                // A real index lists them in their order.
                strays: inner.strays.keys().filter(|_| cursor.is_none()).cloned().collect(),
            })
        };
        self.faults.around(Op::Pending, pending).await
    }

    async fn unlist(&self, stray: &Stray) -> Result<Option<Vec<u8>>, PortError> {
        self.faults.around(Op::Unlist, || Ok(self.inner().strays.remove(stray))).await
    }

    async fn unsealed(&self, subject: &Subject) -> Result<Unsealed, PortError> {
        self.faults.around(Op::Unsealed, || Ok(self.inner().unsealed(subject))).await
    }

    async fn leaves(&self, keys: &[EventKey]) -> Result<Vec<Vec<u8>>, PortError> {
        self.faults.around(Op::Leaves, || self.inner().leaves(keys)).await
    }

    async fn commit_log(&self, commit: LogCommit<'_>) -> Result<(), PortError> {
        self.faults.around(Op::CommitLog, || self.inner().commit_log(&commit)).await
    }

    async fn published(&self, origin: &Origin, head: &LogHead) -> Result<(), PortError> {
        let publish = || {
            let mut inner = self.inner();
            let there = inner.logs.get_mut(origin).filter(|there| there.size == head.size);
            if let Some(there) = there.filter(|there| there.root == head.root) {
                there.published = there.size;
            }
            Ok(())
        };
        self.faults.around(Op::Published, publish).await
    }
}
