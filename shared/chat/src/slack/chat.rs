//! What we want of Slack's Web API: five calls.
//!
//! Two implementations: the HTTP client behind the feature `client`, and [`crate::slack::MemoryChat`], which keeps what
//! would be sent.

use std::future::Future;

use countersign_domain::time::Seconds;
use serde_json::Value;

use crate::slack::about::Place;
use crate::slack::blocks::Message;
use crate::slack::modals::View;

/// Slack's Web API, as far as we use it.
pub trait Chat: Send + Sync {
    /// Posts a message to a channel and says where it stands (`chat.postMessage`). There is no idempotency: a call
    /// that seemed to fail may have posted.
    fn post(&self, channel: &str, message: &Message)
    -> impl Future<Output = Result<Place, ChatError>> + Send;

    /// Replaces a message (`chat.update`).
    fn update(&self, place: &Place, message: &Message) -> impl Future<Output = Result<(), ChatError>> + Send;

    /// Tells one person in a channel something that nobody else sees (`chat.postEphemeral`). `words` are shown as they
    /// are.
    fn ephemeral(
        &self,
        channel: &str,
        user: &str,
        words: &str,
    ) -> impl Future<Output = Result<(), ChatError>> + Send;

    /// Opens a view for whoever pressed (`views.open`). A trigger lives 3 s.
    fn open_view(&self, trigger_id: &str, view: &View) -> impl Future<Output = Result<(), ChatError>> + Send;

    /// The whole answer of `users.info`, for [`crate::slack::identity::identify`].
    fn users_info(&self, user: &str) -> impl Future<Output = Result<Value, ChatError>> + Send;
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// No answer in time, no connection, or an answer of 5xx.
    #[error("Slack cannot be reached: {0}")]
    Unreachable(String),
    /// Too many calls.
    #[error("Slack asks to wait {} s", .retry_after.0)]
    RateLimited {
        /// How long to wait.
        retry_after: Seconds,
    },
    /// Slack says no (`ok: false`).
    #[error("Slack refuses: {code}{}", needs(.needed))]
    Refused {
        /// Slack's word, e.g. `channel_not_found`.
        code: String,
        /// The scope that the app lacks.
        needed: Option<String>,
    },
    /// Our own secret for Slack is not to be had now.
    #[error("Slack's secret is not to be had now")]
    NoSecret,
    /// The answer is not of Slack's form.
    #[error("the answer is not Slack's: {0}")]
    Malformed(&'static str),
}

/// Slack's words for trouble on its own side, which passes by itself.
const PASSING: [&str; 7] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "ratelimited",
    "rate_limited",
    "team_added_to_org",
];

impl ChatError {
    /// Whether the same call will fail until somebody changes something: scopes, the token, the channel, the message.
    pub fn is_permanent(&self) -> bool {
        matches!(self, ChatError::Refused { code, .. } if !PASSING.contains(&code.as_str()))
    }

    /// Whether the token is at fault: it was revoked or renewed, or the app installed again.
    pub fn is_of_token(&self) -> bool {
        matches!(self, ChatError::Refused { code, .. } if matches!(
            code.as_str(),
            "invalid_auth" | "token_revoked" | "account_inactive"
        ))
    }

    /// Whether the message that was to be updated is not there any more, so that a new one must be posted.
    pub fn is_gone(&self) -> bool {
        matches!(self, ChatError::Refused { code, .. } if matches!(
            code.as_str(),
            "message_not_found" | "cant_update_message" | "edit_window_closed"
        ))
    }

    /// A short word for the log's `notification.failed`: Slack's own, or ours.
    pub fn word(&self) -> &str {
        match self {
            ChatError::Unreachable(_) => "unreachable",
            ChatError::RateLimited { .. } => "ratelimited",
            ChatError::Refused { code, .. } => code,
            ChatError::NoSecret => "no_secret",
            ChatError::Malformed(_) => "malformed",
        }
    }
}

fn needs(needed: &Option<String>) -> String {
    needed.as_ref().map(|scope| format!(" (the app needs the scope {scope})")).unwrap_or_default()
}
