//! The three files as they are written. Each value is well formed here; whether the files fit together is for
//! [`crate::load`] to say.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::ids::{ChannelName, GroupName, PersonId, ProfileName};
use countersign_domain::review::Reviewer;
use countersign_domain::time::Seconds;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::alias::Alias;
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::span::Span;

pub(crate) const PROFILES: &str = "profiles.toml";
pub(crate) const PEOPLE: &str = "people.toml";
pub(crate) const AGENTS: &str = "agents.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profiles {
    #[serde(default)]
    pub(crate) route: Vec<RouteEntry>,
    #[serde(default)]
    pub(crate) profile: BTreeMap<ProfileName, ProfileEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteEntry {
    pub(crate) action: Glob,
    pub(crate) outcome: OutcomeWord,
    #[serde(default)]
    pub(crate) profiles: BTreeSet<ProfileName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeWord {
    Allow,
    Review,
    Deny,
}

/// The defaults are those that the crate's documentation shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileEntry {
    pub(crate) reviewers: BTreeSet<Reviewer>,
    pub(crate) channels: BTreeSet<ChannelName>,
    #[serde(default = "one")]
    pub(crate) quorum: Count,
    #[serde(default = "seconds::<3600>")]
    pub(crate) review_for: Span,
    #[serde(default = "seconds::<900>")]
    pub(crate) approval_ttl: Span,
    #[serde(default = "seconds::<86_400>")]
    pub(crate) answer_within: Span,
    #[serde(default)]
    pub(crate) levels: Vec<LevelEntry>,
    #[serde(default = "one")]
    pub(crate) rejects: Count,
    #[serde(default)]
    pub(crate) require_comment: bool,
    #[serde(default = "seconds::<900>")]
    pub(crate) max_auth_age: Span,
    #[serde(default = "seconds::<0>")]
    pub(crate) cool_down: Span,
    #[serde(default = "target")]
    pub(crate) record: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LevelEntry {
    pub(crate) after: Span,
    #[serde(default)]
    pub(crate) reviewers: BTreeSet<Reviewer>,
    #[serde(default)]
    pub(crate) channels: BTreeSet<ChannelName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct People {
    #[serde(default)]
    pub(crate) person: BTreeMap<PersonId, PersonEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonEntry {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: BTreeSet<GroupName>,
    #[serde(default)]
    pub(crate) aliases: Vec<Alias>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agents {
    #[serde(default)]
    pub(crate) agent: Vec<AgentEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentEntry {
    pub(crate) pattern: Glob,
    pub(crate) owners: Vec<Holder>,
    #[serde(default)]
    pub(crate) can_act_as: Vec<Holder>,
}

/// Who owns an agent or can act as it: `<person id>` or `group:<name>`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Holder(pub(crate) Reviewer);

impl TryFrom<String> for Holder {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let holder = match text.strip_prefix("group:") {
            Some(group) => group.parse().map(Reviewer::Group),
            None => text.parse().map(Reviewer::Person),
        };
        holder.map(Self).map_err(|e| format!("{e}; write a person id or group:<group name>"))
    }
}

/// How many people, at least 1; each stands in the leaf of the decision.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Count(pub(crate) u8);

impl TryFrom<i64> for Count {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        let count = u8::try_from(number).ok().filter(|count| (1..=20).contains(count));
        count
            .map(Self)
            .ok_or_else(|| format!("{number} people is not possible; write a whole number from 1 to 20"))
    }
}

fn one() -> Count {
    Count(1)
}

fn seconds<const N: u32>() -> Span {
    Span(Seconds(N))
}

fn target() -> BTreeSet<String> {
    BTreeSet::from(["target".to_owned()])
}

/// What the file `name` says.
pub(crate) fn read<T: DeserializeOwned>(
    files: &BTreeMap<String, Vec<u8>>,
    name: &'static str,
) -> Result<T, PolicyError> {
    let bytes = files.get(name).ok_or(PolicyError::Missing { file: name })?;
    let malformed = |at: usize, problem: String| {
        let before = &bytes[..at.min(bytes.len())];
        PolicyError::Malformed {
            file: name,
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            problem,
        }
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|e| malformed(e.valid_up_to(), "not UTF-8; save the file as UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|e| {
        malformed(e.span().map_or(0, |span| span.start), e.message().trim_end().replace('\n', "; "))
    })
}
