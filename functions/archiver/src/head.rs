//! Making ready: the head as the table has it, all of it published, and not older than what was ever published.

use std::time::Duration;

use countersign_app::log::{Current, LogHead};
use countersign_app::ports::{Archive, Ledger, Signer};
use countersign_tlog::{Checkpoint, Note};
use tokio::time::{Instant, sleep};

use crate::log::{Halt, Log, LogError};

/// The one key that is written more than once.
pub const NEWEST: &str = "checkpoint";

/// How long who won a race may stand still before another publishes for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long who lost waits before looking again, in milliseconds: half of it, and up to as much more.
const LOOK: u64 = 50;

impl<T: Ledger, A: Archive, S: Signer> Log<T, A, S> {
    /// The head, after everything it holds was published; `None` = the log has not begun. Who just lost a race leaves
    /// the publishing to the winner first.
    pub async fn ready(&self, lost: bool) -> Result<Option<LogHead>, LogError> {
        let (mut stands, mut since) = (None, Instant::now());
        loop {
            // In this order: whatever is published was committed before, so a head read after it holds it.
            let newest = self.newest().await?;
            let head = self.table.log_head(&self.origin).await.map_err(LogError::Table)?;
            let known = head.as_ref().map_or(0, |head| head.size);
            if newest > known {
                return Err(Halt::Restored { signed: newest, known }.into());
            }
            let Some(mut head) = head else { return Ok(None) };
            if head.published == head.size {
                if newest < head.size {
                    self.point_again(&head).await?;
                }
                return Ok(Some(head));
            }
            if stands != Some(head.size) {
                (stands, since) = (Some(head.size), Instant::now());
            }
            if !lost || since.elapsed() >= PATIENCE {
                self.publish(&head).await?;
                head.published = head.size;
                return Ok(Some(head));
            }
            sleep(Duration::from_millis(LOOK + (self.spread)(LOOK))).await;
        }
    }

    /// The size of the newest checkpoint.
    async fn newest(&self) -> Result<u64, LogError> {
        let current = self.archive.current(&self.path(NEWEST)).await.map_err(LogError::Bucket)?;
        let Some(current) = current else { return Ok(0) };
        Ok(self.size_of(&current).await?.unwrap_or(0))
    }

    /// The size that a checkpoint speaks of; `None` if it is not of this log.
    async fn size_of(&self, current: &Current) -> Result<Option<u64>, LogError> {
        let keys = std::slice::from_ref(self.key().await?);
        let note = Note::parse(&current.bytes).ok();
        let opened = note.and_then(|note| Checkpoint::open(&note, self.origin.as_str(), keys, &[]).ok());
        if opened.is_none() {
            tracing::error!(key = NEWEST, "the newest checkpoint is not the log's and is written again");
        }
        Ok(opened.map(|opened| opened.checkpoint.size()))
    }

    /// Has the one key point at this checkpoint, unless it points at a later one. `false` = it does not need to.
    pub async fn point(&self, size: u64, note: &[u8]) -> Result<bool, LogError> {
        let key = self.path(NEWEST);
        loop {
            let current = self.archive.current(&key).await.map_err(LogError::Bucket)?;
            if let Some(current) = &current
                && self.size_of(current).await?.is_some_and(|newest| newest >= size)
            {
                return Ok(false);
            }
            let read = current.as_ref().map(|current| current.tag.as_str());
            let written = self.archive.replace(&key, note.to_vec(), read).await.map_err(LogError::Bucket)?;
            if written {
                return Ok(true);
            }
        }
    }

    /// The newest checkpoint was written before the head said so: if it is older now, somebody did that.
    async fn point_again(&self, head: &LogHead) -> Result<(), LogError> {
        let note = self.signed(head).await?;
        if self.point(head.size, note.to_string().as_bytes()).await? {
            tracing::error!(
                size = head.size,
                "the newest checkpoint was hidden or older, and is written again"
            );
        }
        Ok(())
    }
}
