//! What is kept beside the events: the records of the table, in plain types.

use std::collections::BTreeMap;

use countersign_domain::event::Actor;
use countersign_domain::ids::{AgentId, ChannelName, RequestId};
use countersign_domain::leaf::{Head, Leaf};
use countersign_domain::log::PROPOSAL;
use countersign_domain::{Action, Digest, Nonce, Request, Time};
use serde::{Deserialize, Serialize};

/// A request's `STATE`: the snapshot, and the fields that views use.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The fold of the request's events.
    pub request: Request,
    /// The request's number among its agent's requests, from 1.
    pub rno: u64,
    /// The end of its chain of events; `head.seq` is its version.
    pub head: Head,
    /// When somebody must look at it next; `None` when nothing is owed.
    pub due: Option<Time>,
    /// What is known of its workflow.
    pub workflow: WorkflowMark,
    /// How often `due` and the workflow's mark were set since the last event.
    pub view: u32,
}

impl Stored {
    /// The version that a writer must have read.
    pub fn version(&self) -> u32 {
        self.head.seq
    }
}

/// What is known of a request's workflow. A view's field: it changes without an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkflowMark {
    /// The number of the execution, from 0; the name is `<id>` for 0 and `<id>-<n>` after.
    pub n: u32,
    /// When it was last seen to run; `None` = never started.
    pub seen: Option<Time>,
    /// How often it was seen to run since it was started.
    pub looks: u32,
    /// Whether it was told the end, or there is nobody to tell.
    pub resumed: bool,
}

/// What an agent asked, in clear, for one revision: `ARGS#<revision>`. Written once, erasable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// What exactly will run.
    #[serde(flatten)]
    pub action: Action,
    /// The nonce of the digest. Given out beside a receipt only.
    pub nonce: Nonce,
    /// The agent's full readable name.
    pub agent_name: String,
    /// The session name, unverified.
    pub session: Option<String>,
    /// The verified SSO session behind the agent, which names a person.
    pub sso_session: Option<String>,
    /// Why the agent asks, in its words.
    pub justification: Option<Words>,
    /// Whom it claims to act for, as it wrote it.
    pub on_behalf_of: Option<String>,
    /// The chain it claims, as it wrote it.
    pub delegation_chain: Vec<String>,
}

/// Free text and the salt of its hash: `TEXT#<seq>`, or within an [`Ask`]. Erasable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The text.
    pub text: String,
    /// 32 lower-case hex digits.
    pub salt: String,
}

/// Where a card was posted and what it shows: `CARD#<channel>#<n>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRecord {
    /// The channel.
    pub channel: ChannelName,
    /// The number of the card on that channel, from 1.
    pub n: u32,
    /// Raised by each claim; whoever writes must have read it. 0 = nobody reserved it yet.
    pub version: u32,
    /// The platform's own (channel, message) once posted.
    pub posted: Option<(String, String)>,
    /// The hash of what it shows.
    pub shows: Option<Digest>,
    /// Nobody touches the card before this: a claim that runs, or a try that failed.
    pub due: Option<Time>,
    /// Failed tries in a row.
    pub tries: u32,
}

impl CardRecord {
    /// A card that nobody reserved yet.
    pub fn new(channel: ChannelName, n: u32) -> Self {
        Self { channel, n, version: 0, posted: None, shows: None, due: None, tries: 0 }
    }

    /// Whether both are of the same card.
    pub fn is(&self, other: &Self) -> bool {
        (&self.channel, self.n) == (&other.channel, other.n)
    }

    /// The card as read, claimed until `until`; `None` while another's claim holds or its time has not come. A table
    /// writes it on condition of the version that was read.
    pub fn claimed(&self, now: Time, until: Time) -> Option<Self> {
        let free = self.due.is_none_or(|due| due <= now);
        free.then(|| Self { version: self.version + 1, due: Some(until), ..self.clone() })
    }
}

/// All of a request but its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// `STATE`.
    pub stored: Stored,
    /// `ARGS#<revision>` of the current revision; `None` once erased.
    pub ask: Option<Ask>,
    /// `TEXT#<seq>` by event number.
    pub texts: BTreeMap<u32, Words>,
    /// The cards.
    pub cards: Vec<CardRecord>,
}

/// An agent's `STATE`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentRecord {
    /// The fold of its own events.
    pub agent: countersign_domain::agent::Agent,
    /// The full readable name; empty for an agent that never asked.
    pub name: String,
    /// How many requests it made: the next gets `rno + 1`.
    pub rno: u64,
    /// How many of them are open or approved.
    pub live: i64,
    /// How many were rejected.
    pub rejections: u64,
    /// Raised by each create and by each of its own events.
    pub version: u64,
    /// The end of its own chain of events; `None` = none yet.
    pub head: Option<Head>,
}

/// An idempotency record: `IDEM#<agent>#<key>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Whose key.
    pub agent: AgentId,
    /// The key.
    pub key: String,
    /// Hash of the canonical body.
    pub body: Digest,
    /// The request that it made.
    pub request: RequestId,
    /// When it may be forgotten.
    pub forget: Time,
}

/// What one of two people said first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who, and how we know.
    pub by: Actor,
    /// When.
    pub at: Time,
}

impl Proposal {
    /// Until when it holds.
    pub fn until(&self) -> Time {
        self.at + PROPOSAL
    }

    /// Whether it counts no more at `now`.
    pub fn stale(&self, now: Time) -> bool {
        self.until() <= now
    }
}

/// One transaction: a request's events and all that belongs to them.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// The state that was decided on; `None` creates.
    pub before: Option<&'a Stored>,
    /// The state after the events.
    pub after: &'a Stored,
    /// The events, in order.
    pub leaves: Vec<Leaf>,
    /// A revision's ask in clear.
    pub ask: Option<(u32, &'a Ask)>,
    /// Free text by event number.
    pub texts: Vec<(u32, &'a Words)>,
    /// The key that makes creating it idempotent.
    pub idempotency: Option<Idempotency>,
    /// A chat callback that must be new: its hash and when it may be forgotten.
    pub once: Option<(Digest, Time)>,
    /// A rejected ask and until when it is denied.
    pub cool: Option<(Digest, Time)>,
    /// What is removed with it.
    pub removal: Option<Removal>,
    /// What it means for the agent's record.
    pub agent: AgentEffect<'a>,
}

/// What was kept of a request beside its events, all of which goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// The ask in clear of every revision up to this.
    pub revisions: u32,
    /// Free text by event number.
    pub texts: Vec<u32>,
    /// The cool-down of this ask.
    pub cool: Option<Digest>,
}

/// What a commit means for its agent's record.
#[derive(Debug, Clone, Default)]
pub enum AgentEffect<'a> {
    /// Nothing.
    #[default]
    None,
    /// One more request: on condition of the record as read.
    Opened {
        /// The record as read.
        read: &'a AgentRecord,
        /// The full readable name.
        name: &'a str,
        /// Whether the new request is live.
        live: bool,
    },
    /// A live request is no longer live.
    Ended {
        /// Whether people rejected it.
        rejected: bool,
    },
    /// Live no longer, on condition that neither the agent nor the executor has a `void_before` mark at or after the
    /// request was made, and that the log was not recovered since.
    Consumed {
        /// The agent and, where another consumes, the executor.
        unmarked: Vec<AgentId>,
    },
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The number in its subject's chain.
    pub seq: u32,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Where it is in the log; `None` = not yet.
    pub index: Option<u64>,
    /// In which of the stack's logs that is, see [`crate::log::Line`].
    pub log: u32,
}

/// A part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the order of the listing.
    pub requests: Vec<Stored>,
    /// Opaque; `None` = the end.
    pub next: Option<String>,
}

/// A part of a listing of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<I> {
    /// In the order of the listing.
    pub items: Vec<I>,
    /// Opaque; `None` = the end.
    pub next: Option<String>,
}

/// A task token, by which a waiting workflow is resumed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The number of the execution.
    pub n: u32,
    /// The retry within the execution.
    pub retry: u32,
    /// The token. Secret.
    pub token: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token {{ n: {}, retry: {}, token: hidden }}", self.n, self.retry)
    }
}
