//! What policy says of an ask, in the form that the decider and the log keep: gates, rules and excluded people.
//!
//! It does not know the files that policy is written in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, GroupName, InvalidId, PersonId, ProfileName};
use crate::refusal::Code;
use crate::time::Seconds;

/// A group or one person that may decide. Written `group:<name>` or `person:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reviewer {
    /// Everybody in the group.
    Group(GroupName),
    /// One person.
    Person(PersonId),
}

impl FromStr for Reviewer {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            Some(("group", name)) => Ok(Reviewer::Group(name.parse()?)),
            Some(("person", id)) => Ok(Reviewer::Person(id.parse()?)),
            _ => Err(InvalidId {
                kind: "reviewer",
                value: text.chars().take(80).collect(),
                expected: "group:<group name> or person:<person id>",
            }),
        }
    }
}

impl TryFrom<String> for Reviewer {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Reviewer> for String {
    fn from(reviewer: Reviewer) -> String {
        reviewer.to_string()
    }
}

impl fmt::Display for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reviewer::Group(name) => write!(f, "group:{name}"),
            Reviewer::Person(id) => write!(f, "person:{id}"),
        }
    }
}

/// From when in the review a set of reviewers may decide and is told, over which channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Review time after which the level begins. 0 for the first; pauses do not count.
    pub after: Seconds,
    /// Who may decide from then on, beside those of the earlier levels.
    pub reviewers: BTreeSet<Reviewer>,
    /// Where the request is shown from then on.
    pub channels: BTreeSet<ChannelName>,
}

/// One condition of a review: so many of these reviewers. All gates of a review must be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The profile that the gate came from.
    pub profile: ProfileName,
    /// How many different people must approve, at least 1.
    pub quorum: u8,
    /// The levels in order of `after`; the first begins at 0 and always exists.
    pub levels: Vec<Level>,
}

impl Gate {
    /// Whether `person`, a member of `groups`, may decide in this gate while the review is at `level`.
    pub fn admits(&self, person: &PersonId, groups: &BTreeSet<GroupName>, level: u8) -> bool {
        self.levels.iter().take(usize::from(level) + 1).flat_map(|l| &l.reviewers).any(|r| match r {
            Reviewer::Group(name) => groups.contains(name),
            Reviewer::Person(id) => id == person,
        })
    }
}

/// How a review is run. Where several profiles apply, the stricter of each holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Time to decide; the clock pauses while the agent owes an answer.
    pub review_for: Seconds,
    /// Time to consume after the approval.
    pub approval_ttl: Seconds,
    /// How long, in all, the agent may owe an answer.
    pub answer_within: Seconds,
    /// How many rejects end the request, at least 1.
    pub rejects: u8,
    /// Whether an approval needs a comment, too.
    pub require_comment: bool,
    /// The oldest sign-in a decision by API may rest on.
    pub max_auth_age: Seconds,
    /// For how long the same ask is denied after a reject. 0 = not at all.
    pub cool_down: Seconds,
    /// What stands in the log in clear: `target`, or `arguments.<top-level field>`.
    pub record: BTreeSet<String>,
}

/// Why a person may not decide on an agent's ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Owns the agent.
    Owner,
    /// Can act as the agent.
    CanActAs,
    /// The agent acts for this person.
    OnBehalfOf,
    /// Stands in the delegation chain.
    Delegation,
}

impl Relation {
    /// The relation in words, for a message to the person.
    pub fn as_words(self) -> &'static str {
        match self {
            Relation::Owner => "you own this agent",
            Relation::CanActAs => "you can act as this agent",
            Relation::OnBehalfOf => "the agent acts for you",
            Relation::Delegation => "you are in its delegation chain",
        }
    }
}

/// People who may not decide, and why.
pub type Excluded = BTreeMap<PersonId, BTreeSet<Relation>>;

/// Policy's answer to one ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// May run without a person's decision.
    Allow {
        /// Time to consume.
        approval_ttl: Seconds,
        /// See [`Rules::record`].
        record: BTreeSet<String>,
    },
    /// People decide.
    Review {
        /// At least one; all must be met.
        gates: Vec<Gate>,
        /// How the review is run.
        rules: Rules,
    },
    /// Must not run.
    Deny {
        /// Why, for programs.
        code: Code,
    },
}

impl Outcome {
    /// `allow`, `review` or `deny`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Allow { .. } => "allow",
            Outcome::Review { .. } => "review",
            Outcome::Deny { .. } => "deny",
        }
    }
}

/// Policy's answer with what it rested on: what `policy.evaluated` records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// `sha256:` and hex over the policy directory.
    pub policy_digest: String,
    /// The policies or routes that determined the outcome.
    pub determining: Vec<String>,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// People bound to the agent who would otherwise be eligible.
    pub excluded: Excluded,
}

/// The group whose members may freeze agents, take back any approval and read everything.
pub const ADMINS: &str = "admins";

/// The group whose members may read everything.
pub const AUDITORS: &str = "auditors";

/// Whether the groups hold the one of this name.
pub fn is_in(groups: &BTreeSet<GroupName>, name: &str) -> bool {
    groups.iter().any(|group| group.as_str() == name)
}
