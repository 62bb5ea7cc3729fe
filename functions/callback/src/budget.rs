//! How long one Slack interaction may take. Slack waits for 3 s; whoever acted is owed a true answer before that.
//!
//! It knows nothing of what is done in the time.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// Until when it must be known who acted and on what; after that nothing is written.
const READ: Duration = Duration::from_millis(1_500);
/// Until when a write, or Slack's opening of a view, may take.
const WRITE: Duration = Duration::from_millis(2_100);
/// Until when the answer leaves, with the workflow woken or the person told.
const ANSWER: Duration = Duration::from_millis(2_500);

/// The time of one interaction, from when it came in.
#[derive(Debug, Clone, Copy)]
pub struct Budget(Instant);

impl Budget {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What `work` gives while nothing is written yet; `None` = it took too long, and was dropped.
    pub async fn read<F: Future>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0 + READ, work).await.ok()
    }

    /// What a write gives; `None` = it took too long, and whether it was done is not known.
    pub async fn write<F: Future>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0 + WRITE, work).await.ok()
    }

    /// What comes of the last thing before the answer; `None` = there was no time for it.
    pub async fn answer<F: Future>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0 + ANSWER, work).await.ok()
    }
}
