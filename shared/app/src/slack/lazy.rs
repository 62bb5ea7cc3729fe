//! Slack's secret over time: read when first needed, read again, and made anew when it was changed.
//!
//! Neither a broken secret nor a stranger's calls make it read often; what was read goes on for a while meanwhile.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use countersign_chat::slack::client::ClientError;
use countersign_chat::slack::modals::View;
use countersign_chat::slack::{Chat, ChatError, Message, Place};
use countersign_domain::Time;
use countersign_domain::time::Seconds;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Installation, SlackSecret};
use crate::ports::PortError;

/// How long what was read is taken as it is.
const FRESH: Seconds = Seconds(5 * 60);
/// How long it is used while it cannot be read again.
const STALE: Seconds = Seconds(60 * 60);
/// The time between reads while they fail.
const RETRY: Seconds = Seconds(5);
/// The time between reads because Slack refused the token, or a signature did not match.
const RENEW: Seconds = Seconds(30);
/// How long a read is waited for where there is something to go on with.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads the secret.
pub type Read = Box<dyn Fn() -> BoxFuture<'static, Result<SlackSecret, PortError>> + Send + Sync>;

/// Makes the Web API of a secret.
pub type Make<C> = Box<dyn Fn(&SlackSecret) -> Result<C, ClientError> + Send + Sync>;

/// There is a Slack, but its secret is not to be had now. The log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Slack's secret is not to be had now")]
pub struct NoSecret;

/// The Slack of a stack, as its secret stands. Used as [`Chat`] it takes up a new token by itself.
pub struct LazySlack<C> {
    read: Option<Read>,
    make: Make<C>,
    now: fn() -> Time,
    state: Mutex<State<C>>,
}

struct State<C> {
    kept: Option<Kept<C>>,
    /// When the last read began, unless it went well.
    tried: Option<Time>,
    renewed: Option<Time>,
}

struct Kept<C> {
    secret: SlackSecret,
    slack: Arc<Installation<C>>,
    read_at: Time,
}

impl<C> fmt::Debug for LazySlack<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazySlack(hidden)")
    }
}

impl<C> State<C> {
    fn within(&self, age: Seconds, now: Time) -> Option<Arc<Installation<C>>> {
        let kept = self.kept.as_ref().filter(|kept| now < kept.read_at + age)?;
        Some(Arc::clone(&kept.slack))
    }

    fn may_read(&self, now: Time) -> bool {
        self.tried.is_none_or(|tried| tried + RETRY <= now)
    }
}

impl<C> LazySlack<C> {
    /// Nothing is read yet. `read`: `None` = the stack has no Slack. `now` is the wall clock: the time that a process
    /// was frozen counts.
    pub fn new(
        read: Option<Read>,
        make: impl Fn(&SlackSecret) -> Result<C, ClientError> + Send + Sync + 'static,
        now: fn() -> Time,
    ) -> Self {
        let state = Mutex::new(State { kept: None, tried: None, renewed: None });
        Self { read, make: Box::new(make), now, state }
    }

    /// The installation; `Ok(None)` = the stack has no Slack.
    ///
    /// # Errors
    /// [`NoSecret`].
    pub async fn get(&self) -> Result<Option<Arc<Installation<C>>>, NoSecret> {
        let Some(read) = &self.read else { return Ok(None) };
        let mut state = self.state.lock().await;
        let now = (self.now)();
        if state.within(FRESH, now).is_none() && state.may_read(now) {
            self.reload(read, &mut state, now).await;
        }
        state.within(STALE, now).map(Some).ok_or(NoSecret)
    }

    /// The installation after one that does not work any more; `None` = there is no other, as far as is known.
    pub async fn renew(&self, rejected: &Arc<Installation<C>>) -> Option<Arc<Installation<C>>> {
        let read = self.read.as_ref()?;
        let mut state = self.state.lock().await;
        let now = (self.now)();
        let another =
            |state: &State<C>| state.within(STALE, now).filter(|slack| !Arc::ptr_eq(slack, rejected));
        let due = state.renewed.is_none_or(|renewed| renewed + RENEW <= now) && state.may_read(now);
        if due && another(&state).is_none() {
            state.renewed = Some(now);
            self.reload(read, &mut state, now).await;
        }
        another(&state)
    }

    /// Reads once. What is there stays when that fails, and when the secret is the same: its connections live on.
    async fn reload(&self, read: &Read, state: &mut State<C>, now: Time) {
        // Also where the caller does not wait for the end.
        state.tried = Some(now);
        let answer = match state.within(STALE, now) {
            Some(_) => timeout(PATIENCE, read()).await,
            None => Ok(read().await),
        };
        // Whoever waited for this read does not begin another.
        state.tried = Some((self.now)());
        let answer = answer.unwrap_or_else(|_| Err(PortError::Unavailable("no answer in time".into())));
        let secret = match answer {
            Ok(secret) => secret,
            Err(error) => return tracing::error!(error = %error, "Slack's secret cannot be read"),
        };
        match &mut state.kept {
            Some(kept) if kept.secret == secret => kept.read_at = now,
            kept => match Installation::of(&secret, &self.make) {
                Ok(slack) => *kept = Some(Kept { secret, slack: Arc::new(slack), read_at: now }),
                Err(error) => return tracing::error!(error = %error, "Slack cannot be set up"),
            },
        }
        state.tried = None;
    }

    /// Calls Slack; once more where it refuses the token and the secret has another.
    async fn call<T, F>(&self, call: impl Fn(Arc<Installation<C>>) -> F) -> Result<T, ChatError>
    where
        F: Future<Output = Result<T, ChatError>>,
    {
        let Some(slack) = self.get().await.map_err(|NoSecret| ChatError::NoSecret)? else {
            return Err(ChatError::Refused { code: "not_configured".into(), needed: None });
        };
        let done = call(Arc::clone(&slack)).await;
        if done.as_ref().is_err_and(ChatError::is_of_token)
            && let Some(another) = self.renew(&slack).await
        {
            return call(another).await;
        }
        done
    }
}

impl<C: Chat> Chat for LazySlack<C> {
    async fn post(&self, channel: &str, message: &Message) -> Result<Place, ChatError> {
        self.call(|slack| async move { slack.chat.post(channel, message).await }).await
    }

    async fn update(&self, place: &Place, message: &Message) -> Result<(), ChatError> {
        self.call(|slack| async move { slack.chat.update(place, message).await }).await
    }

    async fn ephemeral(&self, channel: &str, user: &str, words: &str) -> Result<(), ChatError> {
        self.call(|slack| async move { slack.chat.ephemeral(channel, user, words).await }).await
    }

    async fn open_view(&self, trigger_id: &str, view: &View) -> Result<(), ChatError> {
        self.call(|slack| async move { slack.chat.open_view(trigger_id, view).await }).await
    }

    async fn users_info(&self, user: &str) -> Result<Value, ChatError> {
        self.call(|slack| async move { slack.chat.users_info(user).await }).await
    }
}
