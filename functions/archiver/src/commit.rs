//! The commit: the head moves, and the events behind it are in the log, in one transaction.

use countersign_app::log::{Begin, EventKey, Line, LogCommit, LogHead, Sealed};
use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_domain::Time;
use countersign_domain::event::{Event, Fact};
use countersign_domain::leaf::{Head, Leaf, LeafHash, Place, Subject};
use countersign_domain::log::Recovery;
use countersign_tlog::Edge;

use crate::collect::Taken;
use crate::log::{Halt, Log, LogError};

/// How many bytes of events one transaction may touch: less than the 4 MB that the table takes.
const BYTES: usize = 3_000_000;

/// A commit that was made and is not published.
#[derive(Debug)]
pub struct Committed {
    /// The head.
    pub head: LogHead,
    /// The right edge before it.
    pub edge: Edge,
    /// The leaves that it added.
    pub leaves: Vec<Vec<u8>>,
    /// How many of the events that were asked for are in.
    pub taken: usize,
}

/// What one transaction adds, as it comes together.
struct Batch<'a> {
    source: &'a str,
    log: Subject,
    now: Time,
    start: u64,
    chain: Head,
    leaves: Vec<Vec<u8>>,
    keys: Vec<EventKey>,
    sealed: Vec<Sealed>,
    own: Vec<(Leaf, u64)>,
    bytes: usize,
}

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// Commits what the log says of itself and the first of these events, as many as one transaction takes, on top of
    /// a head that is published. `None` = somebody was faster.
    pub async fn commit(
        &self,
        before: Option<LogHead>,
        pending: &[Taken],
        own: Vec<Fact>,
        now: Time,
    ) -> Result<Option<Committed>, LogError> {
        let genesis = match &before {
            None => Some(self.genesis(None).await?),
            Some(_) => None,
        };
        self.commit_all(before, pending, genesis.into_iter().chain(own), None, now).await
    }

    /// The first thing that this log says.
    pub async fn genesis(&self, after: Option<Recovery>) -> Result<Fact, LogError> {
        let key = self.key().await?.to_string();
        Ok(Fact::LogGenesis { origin: self.origin.clone(), key, after })
    }

    /// The same with a recovery, which begins this log: its line before, and what else it writes.
    pub async fn commit_all(
        &self,
        before: Option<LogHead>,
        pending: &[Taken],
        own: impl Iterator<Item = Fact>,
        recovery: Option<(Line, Begin<'_>)>,
        now: Time,
    ) -> Result<Option<Committed>, LogError> {
        let edge = match &before {
            None => Edge::default(),
            Some(head) => self.right_edge(head).await?,
        };
        let mut batch = Batch {
            source: &self.source,
            log: Subject::Log(self.origin.clone()),
            now,
            start: edge.size(),
            chain: before.as_ref().map_or(Head::EMPTY, |head| head.chain),
            leaves: Vec::new(),
            keys: Vec::new(),
            sealed: Vec::new(),
            own: Vec::new(),
            bytes: 0,
        };
        for fact in own {
            batch.write(fact)?;
        }
        for taken in pending {
            if !batch.has_room(taken, self.most) {
                break;
            }
            batch.take(taken)?;
        }

        let said = before.as_ref().filter(|_| batch.own.is_empty()).map_or(now, |head| head.said);
        let mut grown = edge.clone();
        grown.append(&batch.leaves).map_err(|error| Halt::Table(error.to_string()))?;
        let head = LogHead {
            size: grown.size(),
            root: grown.root(),
            published: edge.size(),
            batch: batch.keys,
            chain: batch.chain,
            said,
        };
        let taken = batch.sealed.len();
        let (before, sealed, own) = (before.as_ref(), batch.sealed, batch.own);
        let (line, recovery) = match recovery {
            Some((before, begin)) => (before, Some(begin)),
            None => (self.line, None),
        };
        let line = (&self.base, line);
        let commit = LogCommit { origin: &self.origin, line, recovery, before, after: &head, sealed, own };
        match self.table.commit_log(commit).await {
            Ok(()) => Ok(Some(Committed { head, edge, leaves: batch.leaves, taken })),
            Err(PortError::Conflict) => Ok(None),
            Err(error) => Err(LogError::Table(error)),
        }
    }
}

impl Batch<'_> {
    fn has_room(&self, taken: &Taken, most: usize) -> bool {
        let items = self.sealed.len() + self.own.len() + 1 + usize::from(taken.flaw.is_some());
        // The first has room in any case: otherwise it would stand in everybody's way for ever.
        self.sealed.is_empty() || (items <= most && self.bytes + taken.raw.bytes.len() <= BYTES)
    }

    fn take(&mut self, taken: &Taken) -> Result<(), LogError> {
        let Taken { key, raw, flaw } = taken;
        let index = self.start + self.leaves.len() as u64;
        self.sealed.push(Sealed { key: key.clone(), hash: raw.hash.clone(), index });
        self.bytes += raw.bytes.len();
        let Some(because) = *flaw else {
            self.leaves.push(raw.bytes.clone());
            self.keys.push(key.clone());
            return Ok(());
        };
        tracing::error!(subject = %key.subject, seq = key.seq, flaw = ?because, "an event was quarantined");
        let hash = LeafHash::of(&raw.bytes);
        self.write(Fact::LogQuarantined { of: key.subject.to_string(), number: key.seq, hash, because })
    }

    /// One more of the log's own events.
    fn write(&mut self, fact: Fact) -> Result<(), LogError> {
        let place = Place { source: self.source, subject: &self.log, rno: None };
        let leaf = Leaf::make(&place, &self.chain, &Event { time: self.now, fact });
        let leaf = leaf.map_err(|error| Halt::Table(error.to_string()))?;
        self.chain = leaf.head();
        let index = self.start + self.leaves.len() as u64;
        self.leaves.push(leaf.bytes.clone());
        self.keys.push(EventKey { subject: self.log.clone(), seq: leaf.seq });
        self.own.push((leaf, index));
        Ok(())
    }
}
