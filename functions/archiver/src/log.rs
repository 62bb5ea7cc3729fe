//! One log over its ports, and how it takes events in: collect, make ready, commit, publish. Each step is a file.
//!
//! The stream and the index only say where to look. Order, uniqueness and content come from the table; one conditional
//! transaction is the commit; what is in the bucket follows from it, any number of times.

use std::collections::BTreeSet;

use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_domain::Time;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::Subject;
use countersign_tlog::VerifierKey;
use countersign_tlog::note::Algorithm;
use tokio::sync::OnceCell;

/// How often one call may be overtaken before it gives up. Each time somebody else got on.
const LOSSES: u32 = 30;

/// A log and what it needs.
#[derive(Debug)]
pub struct Log<T, A, S> {
    /// The truth.
    pub table: T,
    /// What is published.
    pub archive: A,
    /// The key that signs it.
    pub signer: S,
    /// The log's name, and that of its key.
    pub origin: Origin,
    /// Which stack records the log's own events.
    pub source: String,
    /// How many items a commit writes beside the head.
    pub most: usize,
    /// A random number of milliseconds up to this.
    pub spread: fn(u64) -> u64,
    /// The public key, once it was asked for.
    pub key: OnceCell<VerifierKey>,
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

impl From<Halt> for LogError {
    fn from(halt: Halt) -> Self {
        LogError::Halted(halt)
    }
}

impl<T: Ledger, A: Archive, S: Signer> Log<T, A, S> {
    /// Puts every event that these subjects have now into the log, and publishes it. Gives how many it took in itself.
    pub async fn archive(&self, subjects: &BTreeSet<Subject>, now: Time) -> Result<u64, LogError> {
        let (mut pending, mut failed) = self.collect(subjects).await;
        let (mut taken, mut losses) = (0, 0);
        loop {
            // After the events were read: what was no longer pending then is in what the head says now.
            let head = self.ready(losses > 0).await?;
            if pending.is_empty() {
                return failed.map_or(Ok(taken), Err);
            }
            match self.commit(head, &pending, now).await? {
                Some(committed) => {
                    self.publish_from(&committed.head, committed.edge, &committed.leaves).await?;
                    taken += committed.taken as u64;
                    pending.drain(..committed.taken);
                    if pending.is_empty() {
                        return failed.map_or(Ok(taken), Err);
                    }
                }
                None if losses == LOSSES => return Err(LogError::Table(PortError::Conflict)),
                None => {
                    losses += 1;
                    (pending, failed) = self.collect(subjects).await;
                }
            }
        }
    }

    /// Records that the log is alive, if nothing was logged for an hour; begins it, if it has not begun.
    pub async fn beat(&self, now: Time) -> Result<(), LogError> {
        const HOUR: u64 = 60 * 60 * 1000;
        let head = self.ready(false).await?;
        if head.as_ref().is_some_and(|head| now.millis_since(head.at) < HOUR) {
            return Ok(());
        }
        match self.commit(head, &[], now).await? {
            Some(committed) => self.publish_from(&committed.head, committed.edge, &committed.leaves).await,
            // Somebody else logged something.
            None => Ok(()),
        }
    }

    /// What its checkpoints are verified with.
    pub async fn key(&self) -> Result<&VerifierKey, LogError> {
        let ask = || async {
            let public = self.signer.public_key().await.map_err(LogError::Key)?;
            VerifierKey::new(self.origin.as_str(), Algorithm::Ed25519, &public)
                .map_err(|error| Halt::Key(error.to_string()).into())
        };
        self.key.get_or_try_init(ask).await
    }

    /// The key of an object of this log.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }
}
