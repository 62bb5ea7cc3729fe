//! What a log says of itself: how it goes on when it could not, and who may have it go on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::event::Actor;
use crate::ids::{GroupName, Origin};
use crate::leaf::LeafHash;
use crate::refusal::Refusal;
use crate::request::assured;
use crate::review::{ADMINS, is_in};
use crate::time::{Seconds, Time};

/// How long the first of two people's word for a recovery holds.
pub const PROPOSAL: Seconds = Seconds(60 * 60);

/// What was found that is not as the log made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Odds {
    /// More is signed than the table knows of: it was restored.
    Restored,
    /// A file has other bytes.
    Fork,
    /// A file is missing.
    Missing,
    /// The files do not lead to the root that was committed.
    Root,
    /// A checkpoint is not the one that was committed.
    Checkpoint,
    /// What the table holds of the log cannot be.
    Table,
    /// The key is none that can sign checkpoints.
    Key,
}

/// How a log came to follow another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The log that could not go on.
    pub origin: Origin,
    /// The size of its newest checkpoint; 0 = there is none.
    pub size: u64,
    /// The RFC 6962 root over so many leaves.
    pub root: LeafHash,
    /// The two people.
    pub by: [Actor; 2],
    /// Salted hash of the reason.
    pub reason: Digest,
    /// What was at odds; `None` = nothing that a program can find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Odds>,
}

/// Whether the person may freeze agents and recover the log: only an admin who signed in lately may.
///
/// # Errors
/// When the person is no admin or has not signed in lately.
pub fn admin(by: &Actor, groups: &BTreeSet<GroupName>, now: Time) -> Result<(), Refusal> {
    if !is_in(groups, ADMINS) {
        return Err(Refusal::NotEligible);
    }
    assured(None, &by.evidence, now)
}
