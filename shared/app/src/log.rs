//! What the table and the archive hold of the log, in plain types.

use std::collections::BTreeSet;

use countersign_domain::Time;
use countersign_domain::ids::{InvalidId, Origin, RequestId};
use countersign_domain::leaf::{Head, Leaf, Subject};

use crate::store::Words;

/// How many items one transaction writes.
pub const TRANSACTION: usize = 100;

/// How many of them a commit of the log, or a recovery, needs beside events: the line, the head, the reason, a
/// recovery's own two events, and the marks.
pub const BESIDE: usize = 5 + VOIDS as usize;

/// In how many items the mark of the last recovery is kept. Who consumes looks at one of them in their transaction,
/// so that consuming does not wait for consuming.
pub const VOIDS: u32 = 8;

/// Which of them is looked at for this request.
pub fn void_of(id: &RequestId) -> u32 {
    id.as_str().bytes().last().map_or(0, u32::from) % VOIDS
}

/// Which of a stack's logs is written: the first, or one that a recovery began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Its number; 0 = the first.
    pub n: u32,
    /// When it began, where a recovery began it: requests made up to then are void.
    pub recovered: Option<Time>,
}

impl Line {
    /// The log's name, after that of the first.
    ///
    /// # Errors
    /// When that would be none.
    pub fn origin(self, first: &Origin) -> Result<Origin, InvalidId> {
        match self.n {
            0 => Ok(first.clone()),
            n => format!("{first}/{}", u64::from(n) + 1).parse(),
        }
    }
}

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
    /// When it last said something of itself.
    pub said: Time,
}

/// Which event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// Whose.
    pub subject: Subject,
    /// Its number.
    pub seq: u32,
}

/// An item among a subject's events whose key is no event's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Whose.
    pub subject: Subject,
    /// The rest of its key.
    pub key: String,
}

/// A part of what is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pending {
    /// Whose events, each once.
    pub subjects: BTreeSet<Subject>,
    /// What is no event and says that it is one.
    pub strays: Vec<Stray>,
    /// Where it goes on; `None` = the end.
    pub next: Option<String>,
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
    /// The name of the stack's first log, and which of its logs is written, as read.
    pub line: (&'a Origin, Line),
    /// A recovery: it begins this log.
    pub recovery: Option<Begin<'a>>,
    /// The head as read; `None` begins the log.
    pub before: Option<&'a LogHead>,
    /// The head after it.
    pub after: &'a LogHead,
    /// Events that must be pending still.
    pub sealed: Vec<Sealed>,
    /// The log's own events, which must be new, with their places.
    pub own: Vec<(Leaf, u64)>,
}

/// What a recovery writes beside the log that it begins.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    /// The line from then on.
    pub line: Line,
    /// The reason, and the number of the log's own event that holds its hash.
    pub reason: (u32, &'a Words),
    /// Events that the log before took in and never published. They are pending again.
    pub again: Vec<EventKey>,
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

/// A checkpoint as a witness remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: [u8; 32],
}
