//! Profiles, people and agents: what policy says of an ask.
//!
//! [`Policy::load`] makes a policy of the files of one directory, or says what is wrong with them; a [`Policy`] that
//! exists is whole: each profile, group and person it names is there, each quorum can be reached.
//! [`Policy::evaluate`] answers one [`Ask`]. Both are pure: equal files and equal asks give equal answers. Only
//! [`dir`] touches a disk. Nothing here knows requests, votes, HTTP or AWS.
//!
//! # The directory
//! `profiles.toml`: routes from actions to outcomes, the first that matches counts; what none matches is reviewed under
//! the profile `default`, which must exist.
//! ```toml
//! [[route]]
//! action = "s3.*"                    # * stands for any text, also none
//! outcome = "review"                 # review, allow or deny
//! profiles = ["data-export"]         # for review: one gate each, all must be met
//!
//! [profile.data-export]
//! reviewers = ["group:platform", "person:alice"]
//! channels = ["slack:C0123", "sns"]
//! quorum = 1                         # at most 20; from here on, what is shown is what holds when it is left out
//! review_for = "1h"                  # a whole number and s, m, h or d
//! approval_ttl = "15m"               # review_for + approval_ttl + answer_within: at most 80d
//! answer_within = "24h"              # how long the agent may owe answers, in all
//! levels = []                        # or e.g. [{ after = "10m", reviewers = ["group:leads"], channels = ["sns"] }]
//! rejects = 1                        # how many rejects end it, at most 20
//! require_comment = false
//! max_auth_age = "15m"               # the oldest sign-in for a decision by API
//! cool_down = "0s"                   # the same ask is denied for so long after a reject
//! record = ["target"]                # what the log holds in clear: target, arguments.<field>
//! ```
//! Where several profiles apply (at most 8), the stricter of each value holds. The longest decision that a route may
//! lead to must fit its leaf of the log. An allowed ask takes `approval_ttl` and `record`
//! from `default`.
//!
//! `people.toml`: who is who. A group is there when somebody is in it. For the aliases see [`Alias`].
//! ```toml
//! [person.alice]
//! name = "Alice Archer"
//! groups = ["platform"]
//! aliases = ["slack:T0COUNTER/U0ALICE", "email:alice@example.com", "sso:alice@example.com"]
//! ```
//!
//! `agents.toml`: which agents may ask, and who answers for them and so never decides on them. All patterns that match
//! add up; an agent that none matches is denied.
//! ```toml
//! [[agent]]
//! pattern = "aws:123456789012:role/deploy-*"
//! owners = ["alice", "group:data"]   # at least one person
//! can_act_as = ["bob"]               # optional
//! ```
//! Unknown fields are refused. Unknown files are not read, but count in the digest.

mod alias;
pub mod dir;
mod error;
mod evaluate;
mod files;
mod glob;
mod load;
mod size;
mod span;

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::ids::{ChannelName, GroupName, PersonId};
use countersign_domain::review::{Gate, Rules};

pub use alias::{Alias, InvalidAlias};
pub use error::PolicyError;
pub use evaluate::Ask;
use glob::Glob;

/// A whole policy. Made by [`Policy::load`] and never changed.
#[derive(Debug, Clone)]
pub struct Policy {
    digest: String,
    people: BTreeMap<PersonId, Person>,
    /// By the alias in its comparable form.
    aliases: BTreeMap<Alias, PersonId>,
    members: BTreeMap<GroupName, BTreeSet<PersonId>>,
    agents: Vec<Registration>,
    routes: Vec<Route>,
    /// The profile `default`.
    default: Profile,
    channels: BTreeSet<ChannelName>,
}

/// A human, as people.toml knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The stable id.
    pub id: PersonId,
    /// The name to show.
    pub name: String,
    /// The groups they are in.
    pub groups: BTreeSet<GroupName>,
    /// What else they are known as.
    pub aliases: Vec<Alias>,
}

/// One `[[agent]]`: its owners and who can act as it, groups resolved.
#[derive(Debug, Clone)]
struct Registration {
    pattern: Glob,
    owners: BTreeSet<PersonId>,
    can_act_as: BTreeSet<PersonId>,
}

#[derive(Debug, Clone)]
struct Route {
    action: Glob,
    answer: Answer,
}

#[derive(Debug, Clone)]
enum Answer {
    Allow,
    Deny,
    /// Under all of these, in order of their names.
    Review(Profile, Vec<Profile>),
}

/// One `[profile.<name>]`.
#[derive(Debug, Clone)]
struct Profile {
    gate: Gate,
    rules: Rules,
}

impl Policy {
    /// `sha256:` and hex over the directory; how is said at [`Policy::load`].
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The person of this id.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.get(id)
    }

    /// Everybody, by id.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The one person of this alias. E-mail addresses, SSO sessions and Teams ids compare without regard to case.
    pub fn person_by_alias(&self, alias: &Alias) -> Option<&Person> {
        self.aliases.get(&alias.comparable()).and_then(|id| self.people.get(id))
    }

    /// Everybody that a claimed name may mean: a person id, an alias, or a bare e-mail address or SSO session.
    /// Generous on purpose, so use it only to exclude, never to identify.
    pub fn people_named(&self, claim: &str) -> BTreeSet<PersonId> {
        let claim = claim.trim();
        let bare = claim.strip_prefix("person:").unwrap_or(claim).to_lowercase();
        let by_id = bare.parse().ok().and_then(|id| self.people.get(&id));
        let texts = [claim.to_owned(), format!("email:{claim}"), format!("sso:{claim}")];
        let by_alias = texts.iter().filter_map(|text| self.person_by_alias(&text.parse().ok()?));
        by_id.into_iter().chain(by_alias).map(|person| person.id.clone()).collect()
    }

    /// Every channel that a profile names.
    pub fn channels(&self) -> &BTreeSet<ChannelName> {
        &self.channels
    }
}
