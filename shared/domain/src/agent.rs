//! An agent's own life: how many requests it made, and whether a person froze it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::event::{Actor, Event, Fact};
use crate::ids::{AgentId, GroupName};
use crate::log::admin;
use crate::refusal::Refusal;
use crate::request::IllegalEvent;
use crate::review::ADMINS;
use crate::time::Time;

/// What is known of an agent. An agent that never asked has the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Agent {
    /// Whether its asks are denied.
    pub frozen: bool,
    /// What it asked up to this instant is void. Unfreezing keeps it.
    pub void_before: Option<Time>,
}

/// What a person does with an agent. Both may be repeated: freezing again moves the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Deny its asks, and void what it asked until now.
    Freeze {
        /// Who.
        by: Actor,
        /// The person's groups today.
        groups: BTreeSet<GroupName>,
        /// Salted hash of the reason.
        reason: Option<Digest>,
    },
    /// Let it ask again.
    Unfreeze {
        /// Who.
        by: Actor,
        /// The person's groups today.
        groups: BTreeSet<GroupName>,
        /// Salted hash of the reason.
        reason: Option<Digest>,
    },
}

impl Agent {
    /// The mark of a freeze at `now`. It never moves back.
    fn mark(&self, now: Time) -> Time {
        self.void_before.map_or(now, |mark| mark.max(now))
    }

    /// Whether a request made at `created` is void.
    pub fn voids(&self, created: Time) -> Option<Time> {
        self.void_before.filter(|mark| created <= *mark)
    }
}

/// The events of a command. Unfreezing an agent that is not frozen changes nothing.
///
/// # Errors
/// When the person is no admin or has not signed in lately.
pub fn decide(agent: &Agent, command: Command, now: Time) -> Result<Vec<Event>, Refusal> {
    let (Command::Freeze { by, groups, .. } | Command::Unfreeze { by, groups, .. }) = &command;
    admin(by, groups, now)?;
    // The log need not know what else the person belongs to.
    let rested = |groups: BTreeSet<GroupName>| groups.into_iter().filter(|g| g.as_str() == ADMINS).collect();
    let fact = match command {
        Command::Freeze { by, groups, reason } => {
            Fact::AgentFrozen { actor: by, groups: rested(groups), void_before: agent.mark(now), reason }
        }
        Command::Unfreeze { .. } if !agent.frozen => return Ok(Vec::new()),
        Command::Unfreeze { by, groups, reason } => {
            Fact::AgentUnfrozen { actor: by, groups: rested(groups), reason }
        }
    };
    Ok(vec![Event { time: now, fact }])
}

/// The agent after the event.
///
/// # Errors
/// When the event is not an agent's, or cannot follow.
pub fn evolve(agent: &Agent, event: &Event) -> Result<Agent, IllegalEvent> {
    let by_admin = |actor, groups| admin(actor, groups, event.time).is_ok();
    match &event.fact {
        Fact::AgentFrozen { actor, groups, void_before, .. }
            if by_admin(actor, groups) && *void_before == agent.mark(event.time) =>
        {
            Ok(Agent { frozen: true, void_before: Some(*void_before) })
        }
        Fact::AgentUnfrozen { actor, groups, .. } if by_admin(actor, groups) && agent.frozen => {
            Ok(Agent { frozen: false, ..agent.clone() })
        }
        other => Err(IllegalEvent { status: None, event: other.kind() }),
    }
}

/// An agent's readable name without what may name a person: the name of an IAM user, the session of an SSO role,
/// the subject of a token. The id that stands beside it tells one such agent from another.
pub fn public_name(name: &str) -> String {
    let keep = |n: usize| name.split('/').take(n).collect::<Vec<_>>().join("/");
    if name.starts_with("oidc:") {
        return name.split('#').next().unwrap_or_default().to_owned();
    }
    match name.split(':').nth(2).and_then(|rest| rest.split_once('/')) {
        Some(("user", _)) => keep(1),
        Some(("sso", _)) => keep(2),
        _ => name.to_owned(),
    }
}

/// The agent that an id stands for, with its readable name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRef {
    /// The id.
    pub id: AgentId,
    /// The readable name, e.g. `aws:123456789012:role/deploy`.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_roles_but_no_people() {
        fn check(name: &str, public: &str) {
            assert_eq!(public_name(name), public);
        }
        check("aws:123456789012:role/deploy", "aws:123456789012:role/deploy");
        check(
            "aws:123456789012:sso/AWSReservedSSO_Ops_ab/alice@example.com",
            "aws:123456789012:sso/AWSReservedSSO_Ops_ab",
        );
        check("aws:123456789012:user/alice.arden", "aws:123456789012:user");
        check("oidc:https://idp.example#alice", "oidc:https://idp.example");
        check("oidc:https://idp.example:user/x#alice", "oidc:https://idp.example:user/x");
    }
}
