//! Publishing what is committed: deterministic from table and bucket, by anybody, any number of times, also at once.

use countersign_app::log::{Keep, LogHead};
use countersign_app::ports::{Archive, Ledger, Signer};
use countersign_tlog::note::VerifyError;
use countersign_tlog::{Checkpoint, Edge};
use futures::future::{try_join, try_join_all};

use crate::derived;
use crate::edge::checkpoint_path;
use crate::log::{Halt, Log, LogError};

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// Publishes a head that somebody committed.
    pub async fn publish(&self, head: &LogHead) -> Result<(), LogError> {
        let start = head.size.checked_sub(head.batch.len() as u64);
        let start = start.ok_or(Halt::Table("its batch is longer than the log".into()))?;
        if start != head.published {
            return Err(Halt::Table("its batch does not begin where the log was published".into()).into());
        }
        let leaves = async { self.table.leaves(&head.batch).await.map_err(LogError::Table) };
        let (edge, leaves) = try_join(self.edge(start), leaves).await?;
        if start > 0 {
            // Whoever can write the table has not the key: what is signed continues what was signed.
            self.signed(start, &edge.root()).await?;
        }
        self.publish_from(head, edge, &leaves).await
    }

    /// Publishes these leaves, which lead from the edge to the head: files, signature, checkpoint.
    pub async fn publish_from(
        &self,
        head: &LogHead,
        mut edge: Edge,
        leaves: &[Vec<u8>],
    ) -> Result<(), LogError> {
        let first = edge.size();
        let files = edge.append(leaves).map_err(|error| Halt::Table(error.to_string()))?;
        if (edge.size(), edge.root()) != (head.size, head.root) {
            return Err(Halt::Root(head.size).into());
        }
        let bundles = files.bundles.into_iter().map(|(bundle, bytes)| {
            (bundle.path(), bytes, if bundle.tile().is_full() { Keep::Always } else { Keep::Weeks })
        });
        self.put_all(bundles).await?;
        let tiles = files.tiles.into_iter().map(|(tile, bytes)| {
            // A partial tile higher up may be the right edge for months.
            (tile.path(), bytes, if tile.is_full() || tile.level() > 0 { Keep::Always } else { Keep::Weeks })
        });
        self.put_all(tiles).await?;

        let note = self.sign(head).await?;
        self.put(checkpoint_path(head.size), note.clone(), Keep::Always).await?;
        self.point(head.size, &note).await?;
        self.table.published(&self.origin, head).await.map_err(LogError::Table)?;
        self.derive(first, leaves).await;
        Ok(())
    }

    /// Ed25519 signs the same bytes in the same way each time.
    async fn sign(&self, head: &LogHead) -> Result<Vec<u8>, LogError> {
        let malformed = |error: &dyn std::fmt::Display| Halt::Table(error.to_string());
        let checkpoint = Checkpoint::new(self.origin.as_str(), head.size, head.root);
        let mut note = checkpoint.and_then(|checkpoint| checkpoint.note()).map_err(|e| malformed(&e))?;
        let signature = self.signer.sign(&note.message(None)).await.map_err(LogError::Key)?;
        note.sign(&self.key().await?, None, |_| Ok::<_, VerifyError>(signature))
            .map_err(|error| Halt::Key(error.to_string()))?;
        Ok(note.to_string().into_bytes())
    }

    async fn put_all(&self, files: impl Iterator<Item = (String, Vec<u8>, Keep)>) -> Result<(), LogError> {
        try_join_all(files.map(|(path, bytes, keep)| self.put(path, bytes, keep))).await.map(|_| ())
    }

    async fn put(&self, path: String, bytes: Vec<u8>, keep: Keep) -> Result<(), LogError> {
        let there = self.archive.put_if_absent(&self.path(&path), bytes.clone(), keep).await;
        match there.map_err(LogError::Bucket)? {
            Some(other) if other != bytes => Err(Halt::Fork(path).into()),
            _ => Ok(()),
        }
    }

    /// Copies for reading. What fails is missing there until somebody makes it again from the log.
    async fn derive(&self, first: u64, leaves: &[Vec<u8>]) {
        for (key, bytes) in derived::files(first, leaves) {
            if let Err(error) = self.archive.derive(&key, bytes).await {
                tracing::warn!(key = %key, error = %error, "a copy for reading was not written");
            }
        }
    }
}
