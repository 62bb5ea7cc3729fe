//! What a button or a view carries through Slack and back: which card it belongs to, and where that card stands.
//!
//! None of it is a secret or a proof. A decision is checked against the request's state, whatever comes back here.

use countersign_domain::{Digest, RequestId};
use serde::{Deserialize, Serialize};

use crate::card::Card;

/// Which revision a button or a view is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The request.
    #[serde(rename = "r")]
    pub request: RequestId,
    /// The digest of the revision that the person saw.
    #[serde(rename = "d")]
    pub digest: Digest,
    /// That revision.
    #[serde(rename = "v")]
    pub revision: u32,
    /// How many answers of the agent it shows. An answer may leave the digest as it is.
    #[serde(rename = "n")]
    pub answers: u32,
    /// Whether it shows all that a decision rests on.
    #[serde(rename = "w")]
    pub whole: bool,
    /// [`Card::hash`] of the very card that the person saw.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Digest>,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The channel's id.
    pub channel: String,
    /// The message's timestamp, which is its id in the channel.
    pub ts: String,
}

impl About {
    /// What a card's buttons carry.
    pub fn card(card: &Card) -> Self {
        Self {
            request: card.request.clone(),
            digest: card.digest.clone(),
            revision: card.revision,
            answers: u32::try_from(card.answers.len()).unwrap_or(u32::MAX),
            whole: !card.truncated(),
            shown: Some(card.hash()),
        }
    }

    /// As a button's value: JSON, far below Slack's 2,000 characters.
    pub fn to_value(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An id of Slack's: 1 to 64 upper-case letters and digits.
pub(crate) fn is_slack_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A message's timestamp: digits, a point, digits.
pub(crate) fn is_ts(text: &str) -> bool {
    let digits = |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, rest)| digits(seconds) && digits(rest))
}
