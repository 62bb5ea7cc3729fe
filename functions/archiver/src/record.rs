//! What the log is told to say of itself: that somebody took evidence away, and that it goes on after a halt.

use countersign_app::log::{Begin, EventKey, Line, Stray};
use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_app::record::{Recorded, Wanted};
use countersign_domain::Time;
use countersign_domain::event::{Fact, Flaw};
use countersign_domain::leaf::{LeafHash, Subject};
use countersign_domain::log::{Odds, Recovery};
use countersign_tlog::tree;

use crate::commit::Committed;
use crate::log::{Log, LogError, Logs};
use crate::receipt::Receipt;

/// How often it may be overtaken.
const LOSSES: u32 = 10;

impl<T: Ledger, A: Archive, S: Signer> Logs<T, A, S> {
    /// Records one of the log's own events.
    pub async fn say(&self, fact: Fact, now: Time) -> Result<Recorded, LogError> {
        for _ in 0..=LOSSES {
            let log = self.current().await?;
            let head = log.ready().await?;
            if let Some(committed) = log.commit(head, &[], vec![fact.clone()], now).await? {
                return log.recorded(committed).await;
            }
        }
        Err(LogError::Table(PortError::Conflict))
    }

    /// Puts the hash of what is no event into the log, and looks at it no more.
    pub async fn quarantine(&self, stray: &Stray, now: Time) -> Result<(), LogError> {
        // Not while nothing can be said.
        self.current().await?.ready().await?;
        let Some(bytes) = self.table.unlist(stray).await.map_err(LogError::Table)? else { return Ok(()) };
        tracing::error!(subject = %stray.subject, key = stray.key, "an item that is no event was quarantined");
        let (of, hash) = (stray.subject.to_string(), LeafHash::of(&bytes));
        let fact = Fact::LogQuarantined { of, number: 0, hash, because: Flaw::Misplaced };
        self.say(fact, now).await.map(|_| ())
    }

    /// Begins a new log after one that cannot go on. What was asked up to now is void.
    pub async fn recover(&self, wanted: &Wanted, now: Time) -> Result<Recorded, LogError> {
        for _ in 0..=LOSSES {
            let log = self.current().await?;
            if log.line.recovered.is_some_and(|at| at >= wanted.asked) {
                return log.second_leaf().await;
            }
            let halt = log.at_odds().await?;
            // Events that were taken in and cannot be published would be in no log.
            let head = self.table.log_head(&log.origin).await.map_err(LogError::Table)?;
            let again = head.filter(|head| head.published < head.size).map(|head| head.batch);
            let again = again.into_iter().flatten().filter(|key| !matches!(key.subject, Subject::Log(_)));

            let (old, new) = log.end_and_next(now).await?;
            let newest = old.newest().await?;
            let recovery = Recovery {
                origin: old.origin.clone(),
                size: newest.as_ref().map_or(0, |newest| newest.size()),
                root: LeafHash(newest.map_or_else(|| tree::root(&[]), |newest| *newest.root())),
                by: wanted.by.clone(),
                reason: wanted.reason.hash(),
                halt,
            };
            let genesis = new.genesis(Some(recovery.clone())).await?;
            let void_before = new.line.recovered.unwrap_or(now);
            let own = [genesis, Fact::LogRecovered { recovery, void_before }].into_iter();
            let begin = Begin { line: new.line, reason: (2, &wanted.reason), again: again.collect() };
            if let Some(committed) = new.commit_all(None, &[], own, Some((log.line, begin)), now).await? {
                tracing::error!(origin = %new.origin, after = %old.origin, "a log was begun in a recovery");
                return new.recorded(committed).await;
            }
        }
        Err(LogError::Table(PortError::Conflict))
    }
}

impl<'a, T: Ledger, A: Archive, S: Signer> Log<'a, T, A, S> {
    /// Publishes a commit, the last of which is the leaf to be shown.
    async fn recorded(&self, committed: Committed) -> Result<Recorded, LogError> {
        let Committed { head, edge, leaves, .. } = committed;
        self.publish_from(&head, edge, &leaves).await?;
        let leaf = leaves.last().cloned().unwrap_or_default();
        self.shown(leaf, head.size - 1).await
    }

    /// What a recovery whose answer was lost has recorded.
    async fn second_leaf(&self) -> Result<Recorded, LogError> {
        self.ready().await?;
        let key = EventKey { subject: Subject::Log(self.origin.clone()), seq: 2 };
        let leaf = self.table.leaves(&[key]).await.map_err(LogError::Table)?;
        self.shown(leaf.into_iter().next().unwrap_or_default(), 1).await
    }

    async fn shown(&self, leaf: Vec<u8>, index: u64) -> Result<Recorded, LogError> {
        let head = self.ready().await?;
        let receipt = match head {
            Some(head) => self.prove(&leaf, index, (head.size, head.root), leaf.clone()).await?,
            None => None,
        };
        let Receipt { text, index, size } = receipt.ok_or(LogError::Table(PortError::Conflict))?;
        Ok(Recorded { origin: self.origin.to_string(), receipt: text, index, size })
    }

    /// What keeps the log from going on, if anything does.
    async fn at_odds(&self) -> Result<Option<Odds>, LogError> {
        let looked = match self.ready().await {
            Ok(Some(head)) => self.right_edge(&head).await.map(|_| ()),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        match looked {
            Ok(()) => Ok(None),
            Err(LogError::Halted(halt)) => Ok(Some(halt.odds())),
            Err(error) => Err(error),
        }
    }

    /// The newest log that was ever published, also where the table does not know of it, and one that never was.
    async fn end_and_next(&self, now: Time) -> Result<(Self, Self), LogError> {
        let recovered = Some(self.line.recovered.map_or(now, |before| before.max(now)));
        let mut old = self.logs.at(self.line)?;
        while old.superseded().await?.is_some() {
            old = self.logs.at(Line { n: old.line.n + 1, recovered })?;
        }
        let new = self.logs.at(Line { n: old.line.n + 1, recovered })?;
        Ok((old, new))
    }
}
