//! What the table and the archive hold of the log, in plain types.

use countersign_domain::Time;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Head, Leaf, Subject};

/// How many items one transaction writes.
pub const TRANSACTION: usize = 100;

/// A log's `HEAD`: what is committed, and how much of it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// How many leaves are committed.
    pub size: u64,
    /// The root over them.
    pub root: [u8; 32],
    /// How many of them are published: `size`, or what it was before the last batch.
    pub published: u64,
    /// The last batch: the events that are the leaves up to `size`, in order.
    pub batch: Vec<EventKey>,
    /// The end of the log's own chain of events.
    pub chain: Head,
    /// When the last batch was committed.
    pub at: Time,
}

/// Which event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// Whose.
    pub subject: Subject,
    /// Its number.
    pub seq: u32,
}

/// An event as the table holds it, before anybody looked whether it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its number, by its key.
    pub seq: u32,
    /// Its bytes; empty where there are none.
    pub bytes: Vec<u8>,
    /// The hash that was written beside it, as text; `None` where there is none.
    pub hash: Option<String>,
}

/// The end of a subject's chain that is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unsealed {
    /// The last event that is in the log.
    pub before: Option<RawEvent>,
    /// Those after it, in order.
    pub events: Vec<RawEvent>,
}

/// An event that a commit puts into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which.
    pub key: EventKey,
    /// The hash beside it, as read.
    pub hash: Option<String>,
    /// Its place in the log.
    pub index: u64,
}

/// One transaction: the log grows.
#[derive(Debug, Clone)]
pub struct LogCommit<'a> {
    /// Which log.
    pub origin: &'a Origin,
    /// The head as read; `None` begins the log.
    pub before: Option<&'a LogHead>,
    /// The head after it.
    pub after: &'a LogHead,
    /// Events that must be pending still.
    pub sealed: Vec<Sealed>,
    /// The log's own events, which must be new, with their places.
    pub own: Vec<(Leaf, u64)>,
}

/// How long an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As long as the bucket says.
    Always,
    /// A few weeks, and marked so: a fuller one will stand in its place. For partial bundles and partial tiles of level
    /// 0 alone: no other may be marked.
    Weeks,
}

/// The newest version of the one key that is written again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What tells this version from another.
    pub tag: String,
}
