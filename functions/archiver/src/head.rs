//! Making ready: the head as the table has it, all of it published, and not older than what was ever published.

use std::time::Duration;

use countersign_app::log::{Current, Line, LogHead};
use countersign_app::ports::{Archive, Ledger, PortError, Signer};
use countersign_domain::ids::Origin;
use countersign_tlog::{Checkpoint, Note};
use futures::future::try_join;
use tokio::time::{Instant, sleep};

use crate::log::{Halt, Log, LogError};

/// The one key that is written more than once.
pub const NEWEST: &str = "checkpoint";

/// How long who committed may stand still before another publishes for them. Many at once would only be in each other's
/// way.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long others wait before looking again, in milliseconds: half of it, and up to as much more.
const LOOK: u64 = 50;

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// The head, after everything it holds was published; `None` = the log has not begun. The publishing is left to
    /// whoever committed first.
    pub async fn ready(&self) -> Result<Option<LogHead>, LogError> {
        loop {
            // In this order: whatever is published was committed before, so a head read after it holds it.
            let (newest, later) = try_join(self.newest(), self.superseded()).await?;
            if let Some(later) = later {
                let now = self.table.line(&self.base).await.map_err(LogError::Table)?;
                // A recovery in this moment: whoever asked looks again.
                let halted = LogError::Halted(Halt::Superseded(later));
                return Err(if now == self.line { halted } else { LogError::Table(PortError::Conflict) });
            }
            let newest = newest.map_or(0, |newest| newest.size());
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
            if newest > head.published && newest != head.size {
                return Err(Halt::Table("more is published than it says".into()).into());
            }
            if self.stands(&head).await? {
                self.publish(&head).await?;
                head.published = head.size;
                return Ok(Some(head));
            }
        }
    }

    /// Whether the log stands still at a head that is not published.
    async fn stands(&self, head: &LogHead) -> Result<bool, LogError> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            sleep(Duration::from_millis(LOOK + (self.spread)(LOOK))).await;
            let now = self.table.log_head(&self.origin).await.map_err(LogError::Table)?;
            if now.as_ref() != Some(head) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The newest checkpoint, where there is one that is the log's.
    pub async fn newest(&self) -> Result<Option<Checkpoint>, LogError> {
        let current = self.archive.current(&self.path(NEWEST)).await.map_err(LogError::Bucket)?;
        match current {
            Some(current) => self.opened(&current).await,
            None => Ok(None),
        }
    }

    /// The log that a recovery began after this one, if it was ever published.
    pub async fn superseded(&self) -> Result<Option<Origin>, LogError> {
        let later = self.at(Line { n: self.line.n + 1, recovered: None })?;
        let there = self.archive.current(&later.path(NEWEST)).await.map_err(LogError::Bucket)?;
        Ok(there.map(|_| later.origin))
    }

    /// What a checkpoint says; `None` if it is not of this log.
    async fn opened(&self, current: &Current) -> Result<Option<Checkpoint>, LogError> {
        let keys = [self.key().await?];
        let note = Note::parse(&current.bytes).ok();
        let opened = note.and_then(|note| Checkpoint::open(&note, self.origin.as_str(), &keys, &[]).ok());
        if opened.is_none() {
            tracing::error!(key = NEWEST, "the newest checkpoint is not the log's and is written again");
        }
        Ok(opened.map(|opened| opened.checkpoint))
    }

    /// Has the one key point at this checkpoint, unless it points at a later one. `false` = it does not need to.
    pub async fn point(&self, size: u64, note: &[u8]) -> Result<bool, LogError> {
        let key = self.path(NEWEST);
        loop {
            let current = self.archive.current(&key).await.map_err(LogError::Bucket)?;
            if let Some(current) = &current
                && self.opened(current).await?.is_some_and(|newest| newest.size() >= size)
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
        let note = self.signed(head.size, &head.root).await?;
        if self.point(head.size, note.to_string().as_bytes()).await? {
            tracing::error!(
                size = head.size,
                "the newest checkpoint was hidden or older, and is written again"
            );
        }
        Ok(())
    }
}
