//! A stack's logs over its ports, and how the one that is written takes events in: collect, make ready, commit,
//! publish. Each step is a file.
//!
//! The stream and the index only say where to look. Order, uniqueness and content come from the table; one conditional
//! transaction is the commit; what is in the bucket follows from it, any number of times.

use std::collections::BTreeSet;
use std::ops::Deref;

use countersign_app::log::Line;
use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_domain::Time;
use countersign_domain::event::Fact;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::Subject;
use countersign_domain::log::Odds;
use countersign_tlog::VerifierKey;
use countersign_tlog::note::Algorithm;
use tokio::sync::OnceCell;

use crate::collect::Taken;

/// How often one call may be overtaken before it gives up. Each time somebody else got on.
const LOSSES: u32 = 30;

/// A stack's logs and what they need.
#[derive(Debug)]
pub struct Logs<T, A, S> {
    /// The truth.
    pub table: T,
    /// What is published.
    pub archive: A,
    /// The key that signs it.
    pub signer: S,
    /// The name of the first log. Each that a recovery began has a number behind it.
    pub base: Origin,
    /// Which stack records the log's own events.
    pub source: String,
    /// How many items a commit writes beside the head.
    pub most: usize,
    /// A random number of milliseconds up to this.
    pub spread: fn(u64) -> u64,
    /// The public key, once it was asked for.
    pub key: OnceCell<[u8; 32]>,
}

/// One of them.
#[derive(Debug)]
pub struct Log<'a, T, A, S> {
    /// All of them.
    pub logs: &'a Logs<T, A, S>,
    /// Which it is.
    pub line: Line,
    /// Its name, and that of its key.
    pub origin: Origin,
}

impl<T, A, S> Deref for Log<'_, T, A, S> {
    type Target = Logs<T, A, S>;

    fn deref(&self) -> &Self::Target {
        self.logs
    }
}

/// Why events are not in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The table does not answer.
    #[error("table: {0}")]
    Table(PortError),
    /// The bucket does not answer.
    #[error("bucket: {0}")]
    Bucket(PortError),
    /// The key does not answer.
    #[error("key: {0}")]
    Key(PortError),
    /// Something is not as this log made it. Nothing goes on until a person has looked.
    #[error("the log is halted: {0}")]
    Halted(Halt),
}

/// What is not as the log made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The bucket knows more than the table.
    #[error("a checkpoint of {signed} leaves is signed and the table knows of {known}: it was restored")]
    Restored {
        /// The newest checkpoint's size.
        signed: u64,
        /// The table's.
        known: u64,
    },
    /// A recovery began a log that the table does not know.
    #[error("there is a later log, {0}, and the table does not know of it: it was restored")]
    Superseded(Origin),
    /// An object is there with other bytes.
    #[error("{0} holds other bytes than the log's")]
    Fork(String),
    /// An object that must be there is not.
    #[error("{0} is missing")]
    Missing(String),
    /// The tiles do not lead to the root that was committed.
    #[error("the tiles of {0} leaves do not lead to the root that was committed")]
    Root(u64),
    /// The checkpoint is not signed by the key, or of another root.
    #[error("the checkpoint of {0} leaves is not the one that was committed")]
    Checkpoint(u64),
    /// What the table holds of the log cannot be.
    #[error("the table's log cannot be: {0}")]
    Table(String),
    /// The key is none that can sign checkpoints.
    #[error("the signing key cannot be used: {0}")]
    Key(String),
}

impl Halt {
    /// As the log names it.
    pub fn odds(&self) -> Odds {
        match self {
            Halt::Restored { .. } | Halt::Superseded(_) => Odds::Restored,
            Halt::Fork(_) => Odds::Fork,
            Halt::Missing(_) => Odds::Missing,
            Halt::Root(_) => Odds::Root,
            Halt::Checkpoint(_) => Odds::Checkpoint,
            Halt::Table(_) => Odds::Table,
            Halt::Key(_) => Odds::Key,
        }
    }
}

impl From<Halt> for LogError {
    fn from(halt: Halt) -> Self {
        LogError::Halted(halt)
    }
}

impl<T: Ledger, A: Archive, S: Signer> Logs<T, A, S> {
    /// The log that is written.
    pub async fn current(&self) -> Result<Log<'_, T, A, S>, LogError> {
        self.at(self.table.line(&self.base).await.map_err(LogError::Table)?)
    }

    /// One of the logs.
    pub fn at(&self, line: Line) -> Result<Log<'_, T, A, S>, LogError> {
        let origin = line.origin(&self.base).map_err(|error| Halt::Table(error.to_string()))?;
        Ok(Log { logs: self, line, origin })
    }

    /// Puts every event that these subjects have now into the log, and publishes it. Gives how many it took in itself. Who
    /// was overtaken takes along what else waits, so that a crowd of callers does not take a commit each.
    pub async fn archive(&self, subjects: &BTreeSet<Subject>, now: Time) -> Result<u64, LogError> {
        let (mut own, mut failed) = self.collect(subjects).await;
        let (mut others, mut taken, mut losses) = (Vec::new(), 0, 0);
        loop {
            // After the events were read: what was no longer pending then is in what the head says now.
            let log = self.current().await?;
            let head = log.ready().await?;
            if own.is_empty() {
                return failed.map_or(Ok(taken), Err);
            }
            let first = own.len();
            own.append(&mut others);
            match log.commit(head, &own, Vec::new(), now).await? {
                Some(committed) => {
                    log.publish_from(&committed.head, committed.edge, &committed.leaves).await?;
                    taken += committed.taken as u64;
                    own.truncate(first);
                    own.drain(..committed.taken.min(first));
                    if own.is_empty() {
                        return failed.map_or(Ok(taken), Err);
                    }
                }
                None if losses == LOSSES => return Err(LogError::Table(PortError::Conflict)),
                None => {
                    losses += 1;
                    (own, failed) = self.collect(subjects).await;
                    others = self.waiting(subjects).await;
                }
            }
        }
    }

    /// Events of other subjects that wait, as far as they can be had.
    async fn waiting(&self, but: &BTreeSet<Subject>) -> Vec<Taken> {
        let limit = u32::try_from(self.most).unwrap_or(u32::MAX);
        let Ok(pending) = self.table.pending(None, limit).await else { return Vec::new() };
        let others = pending.subjects.into_iter().filter(|subject| !but.contains(subject)).collect();
        self.collect(&others).await.0
    }

    /// Records that the log is alive, if it said nothing of itself for an hour, however much it took in: what others did
    /// may come late. Begins it, if it has not begun.
    pub async fn beat(&self, now: Time) -> Result<(), LogError> {
        const HOUR: u64 = 60 * 60 * 1000;
        let log = self.current().await?;
        let head = log.ready().await?;
        if head.as_ref().is_some_and(|head| now.millis_since(head.said) < HOUR) {
            return Ok(());
        }
        let beat = if head.is_some() { vec![Fact::LogHeartbeat {}] } else { Vec::new() };
        match log.commit(head, &[], beat, now).await? {
            Some(committed) => log.publish_from(&committed.head, committed.edge, &committed.leaves).await,
            // Somebody else logged something.
            None => Ok(()),
        }
    }
}

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// What its checkpoints are verified with.
    pub async fn key(&self) -> Result<VerifierKey, LogError> {
        let ask = || async { self.signer.public_key().await.map_err(LogError::Key) };
        let public = self.logs.key.get_or_try_init(ask).await?;
        VerifierKey::new(self.origin.as_str(), Algorithm::Ed25519, public)
            .map_err(|error| Halt::Key(error.to_string()).into())
    }

    /// The key of an object of this log.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }
}
