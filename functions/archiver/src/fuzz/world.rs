//! The ports in memory, with one part of the protocol taken away where a mutant is asked for, and a record of every
//! checkpoint that anybody could have seen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use countersign_app::log::{Current, EventKey, Keep, Line, LogCommit, LogHead, Pending, Stray, Unsealed};
use countersign_app::memory::{LocalSigner, MemoryArchive, MemoryTable};
use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_domain::ids::Origin;
use countersign_domain::leaf::Subject;
use countersign_tlog::Checkpoint;

use crate::log::Logs;

/// A protocol without one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The head is not compared with what was read.
    NoCompareAndSwap,
    /// What a predecessor left is not published first.
    NoFinishPredecessor,
    /// Events need not be pending.
    NoPendingCondition,
    /// The bucket is written before the commit.
    BucketFirst,
    /// What rang last is taken, not what the table has.
    OrderFromStream,
    /// Nobody looks for what no doorbell told.
    NoSweep,
}

impl Mutant {
    pub const ALL: [Mutant; 6] = [
        Mutant::NoCompareAndSwap,
        Mutant::NoFinishPredecessor,
        Mutant::NoPendingCondition,
        Mutant::BucketFirst,
        Mutant::OrderFromStream,
        Mutant::NoSweep,
    ];
}

/// What all archivers of a schedule share.
pub struct World {
    pub table: MemoryTable,
    pub bucket: MemoryArchive,
    pub signer: LocalSigner,
    pub mutant: Option<Mutant>,
    /// Every checkpoint under the one key, in the order in which they were to be seen.
    pub seen: Mutex<Vec<Vec<u8>>>,
    pub commits: AtomicU32,
    pub lost: AtomicU32,
}

#[derive(Clone)]
pub struct Port(pub Arc<World>);

impl Default for World {
    fn default() -> Self {
        Self {
            table: MemoryTable::default(),
            bucket: MemoryArchive::default(),
            signer: LocalSigner::new([7; 32]),
            mutant: None,
            seen: Mutex::default(),
            commits: AtomicU32::default(),
            lost: AtomicU32::default(),
        }
    }
}

impl World {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Whether the event is already in the log.
    async fn is_in(&self, key: &EventKey) -> Result<bool, PortError> {
        let unsealed = self.table.unsealed(&key.subject).await?;
        Ok(!unsealed.events.iter().any(|event| event.seq == key.seq))
    }
}

impl Ledger for Port {
    async fn line(&self, base: &Origin) -> Result<Line, PortError> {
        self.0.table.line(base).await
    }

    async fn log_head(&self, origin: &Origin) -> Result<Option<LogHead>, PortError> {
        let mut head = self.0.table.log_head(origin).await?;
        if let Some(head) = head.as_mut().filter(|_| self.0.is(Mutant::NoFinishPredecessor)) {
            head.published = head.size;
        }
        Ok(head)
    }

    async fn pending(&self, cursor: Option<&str>, limit: u32) -> Result<Pending, PortError> {
        if self.0.is(Mutant::NoSweep) {
            return Ok(Pending::default());
        }
        self.0.table.pending(cursor, limit).await
    }

    async fn unlist(&self, stray: &Stray) -> Result<Option<Vec<u8>>, PortError> {
        self.0.table.unlist(stray).await
    }

    async fn unsealed(&self, subject: &Subject) -> Result<Unsealed, PortError> {
        let mut unsealed = self.0.table.unsealed(subject).await?;
        if self.0.is(Mutant::OrderFromStream) && unsealed.events.len() > 1 {
            let last = unsealed.events.pop();
            unsealed = Unsealed { before: unsealed.events.pop(), events: last.into_iter().collect() };
        }
        Ok(unsealed)
    }

    async fn leaves(&self, keys: &[EventKey]) -> Result<Vec<Vec<u8>>, PortError> {
        self.0.table.leaves(keys).await
    }

    async fn commit_log(&self, mut commit: LogCommit<'_>) -> Result<(), PortError> {
        let world = &self.0;
        if world.is(Mutant::BucketFirst) {
            bucket_first(self, &commit).await?;
        }
        if world.is(Mutant::NoPendingCondition) {
            let mut pending = Vec::new();
            for sealed in commit.sealed {
                if !world.is_in(&sealed.key).await? {
                    pending.push(sealed);
                }
            }
            commit.sealed = pending;
        }
        let now = world.table.log_head(commit.origin).await?;
        if world.is(Mutant::NoCompareAndSwap) {
            commit.before = now.as_ref();
        }
        let done = world.table.commit_log(commit).await;
        match &done {
            Ok(()) => world.commits.fetch_add(1, Ordering::Relaxed),
            Err(_) => world.lost.fetch_add(1, Ordering::Relaxed),
        };
        done
    }

    async fn published(&self, origin: &Origin, head: &LogHead) -> Result<(), PortError> {
        self.0.table.published(origin, head).await
    }
}

/// Writes what the commit would have published.
async fn bucket_first(port: &Port, commit: &LogCommit<'_>) -> Result<(), PortError> {
    let log = crate::fuzz::schedule::log(port.clone(), 80, |most| most);
    let log = log.at(commit.line.1).unwrap();
    let start = commit.after.size - commit.after.batch.len() as u64;
    let own = |key: &EventKey| {
        commit
            .own
            .iter()
            .find(|(leaf, _)| key.subject == Subject::Log(commit.origin.clone()) && key.seq == leaf.seq)
    };
    let mut leaves = Vec::new();
    for key in &commit.after.batch {
        match own(key) {
            Some((leaf, _)) => leaves.push(leaf.bytes.clone()),
            None => leaves.extend(port.0.table.leaves(std::slice::from_ref(key)).await?),
        }
    }
    let failed = |error: crate::log::LogError| PortError::Unavailable(error.to_string());
    let mut edge = log.edge(start).await.map_err(failed)?;
    let files = edge.append(&leaves).unwrap();
    let bundles = files.bundles.into_iter().map(|(bundle, bytes)| (bundle.path(), bytes));
    for (path, bytes) in bundles.chain(files.tiles.into_iter().map(|(tile, bytes)| (tile.path(), bytes))) {
        port.0.bucket.put_if_absent(&log.path(&path), bytes, Keep::Always).await?;
    }
    Ok(())
}

impl Archive for Port {
    async fn put_if_absent(
        &self,
        key: &str,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> Result<Option<Vec<u8>>, PortError> {
        self.0.bucket.put_if_absent(key, bytes, keep).await
    }

    async fn oldest(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.0.bucket.oldest(key).await
    }

    async fn current(&self, key: &str) -> Result<Option<Current>, PortError> {
        self.0.bucket.current(key).await
    }

    async fn replace(&self, key: &str, bytes: Vec<u8>, read: Option<&str>) -> Result<bool, PortError> {
        self.0.bucket.replace(key, bytes, read).await
    }

    async fn derive(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
        self.0.bucket.derive(key, bytes).await
    }
}

impl Signer for Port {
    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], PortError> {
        let signed = self.0.signer.sign(message).await?;
        // What was signed may be shown to anybody from now on.
        let text = std::str::from_utf8(message).unwrap();
        text.parse::<Checkpoint>().unwrap();
        self.0.seen.lock().unwrap().push(message.to_vec());
        Ok(signed)
    }

    async fn public_key(&self) -> Result<[u8; 32], PortError> {
        self.0.signer.public_key().await
    }
}

pub type TestLog = Logs<Port, Port, Port>;
