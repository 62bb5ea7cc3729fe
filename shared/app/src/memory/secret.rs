//! Slack's secret in memory, and a clock that stands still with tokio's.

use std::cell::OnceCell;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_domain::Time;
use serde_json::json;
use tokio::time::Instant;

use crate::ports::PortError;
use crate::slack::{Read, SlackSecret};

/// A secret that can be changed, taken away, or left without an answer.
#[derive(Debug, Clone, Default)]
pub struct MemorySecret(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// `None` = it cannot be read.
    secret: Option<SlackSecret>,
    hangs: bool,
    reads: u32,
}

impl MemorySecret {
    /// One with these parts, of the workspace `T0OURS` and the app `A0OURS`.
    pub fn new(token: &str, signing: &str) -> Self {
        let secret = Self::default();
        secret.set(token, signing);
        secret
    }

    /// Rotates it.
    pub fn set(&self, token: &str, signing: &str) {
        let text =
            json!({"bot_token": token, "signing_secret": signing, "team_id": "T0OURS", "app_id": "A0OURS"});
        self.lock().secret = serde_json::from_value(text).ok();
    }

    /// From now on it cannot be read.
    pub fn take_away(&self) {
        self.lock().secret = None;
    }

    /// Whether reading it gets no answer.
    pub fn hang(&self, hangs: bool) {
        self.lock().hangs = hangs;
    }

    /// How often it was read, or tried to.
    pub fn reads(&self) -> u32 {
        self.lock().reads
    }

    /// What reads it.
    pub fn read(&self) -> Read {
        let this = self.clone();
        Box::new(move || {
            let (hangs, secret) = {
                let mut inner = this.lock();
                inner.reads += 1;
                (inner.hangs, inner.secret.clone())
            };
            Box::pin(async move {
                if hangs {
                    return pending().await;
                }
                secret.ok_or_else(|| PortError::Unavailable("no secret".into()))
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time by tokio's clock, which a test may pause and advance. Each thread begins at its own first look.
pub fn tokio_now() -> Time {
    thread_local! { static START: OnceCell<Instant> = const { OnceCell::new() } }
    let since = START.with(|start| start.get_or_init(Instant::now).elapsed());
    Time::from_millis(1_800_000_000_000 + i64::try_from(since.as_millis()).unwrap_or_default())
}
