//! A request: its status, its snapshot, and the two functions that are its life.
//!
//! [`decide`] says which events a command makes, or why not; [`evolve`] is the only way a snapshot changes. A
//! snapshot is the fold of its events, so it holds nothing that is not in them: no arguments and no free text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::event::{Actor, Ballot, Vote};
use crate::ids::{AgentId, ChannelName, GroupName, PersonId, ProfileName, RequestId};
use crate::refusal::Code;
use crate::review::{ADMINS, AUDITORS, Excluded, Gate, Relation, Rules, is_in};
use crate::time::{Seconds, Time};

/// So many refused decisions and attempts, of each kind, are recorded of a request at most: its snapshot holds them.
const MAX_REFUSALS: usize = 200;

mod command;
mod decide;
mod evolve;

pub use command::{Command, Consume, Create, Decide, NewRevision};
pub(crate) use decide::assured;
pub use decide::decide;
pub use evolve::{IllegalEvent, advance, evolve};

/// Where a request is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for people.
    Pending,
    /// Waits for the agent's answer.
    NeedsInfo,
    /// May be consumed.
    Approved,
    /// The right to run was given out.
    Consumed,
    /// End: ran and worked.
    Succeeded,
    /// End: failed.
    Failed,
    /// End: nobody knows whether it ran.
    Unknown,
    /// End: policy denied it.
    Denied,
    /// End: people said no.
    Rejected,
    /// End: nobody decided in time.
    Expired,
    /// End: the agent took it back or did not answer.
    Withdrawn,
    /// End: taken back before it was consumed.
    Revoked,
    /// End: time ran out and no card reached anybody.
    Undeliverable,
    /// End: approved, never consumed in time.
    Lapsed,
}

impl Status {
    /// Every status.
    pub const ALL: &'static [Status] = &[
        Status::Pending,
        Status::NeedsInfo,
        Status::Approved,
        Status::Consumed,
        Status::Succeeded,
        Status::Failed,
        Status::Unknown,
        Status::Denied,
        Status::Rejected,
        Status::Expired,
        Status::Withdrawn,
        Status::Revoked,
        Status::Undeliverable,
        Status::Lapsed,
    ];

    /// Waits for people or for the agent's answer.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Pending | Status::NeedsInfo)
    }

    /// Could still run: open or approved.
    pub fn is_live(self) -> bool {
        self.is_open() || self == Status::Approved
    }

    /// Nothing can follow.
    pub fn is_end(self) -> bool {
        !self.is_live() && self != Status::Consumed
    }

    /// The status as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::NeedsInfo => "needs_info",
            Status::Approved => "approved",
            Status::Consumed => "consumed",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Unknown => "unknown",
            Status::Denied => "denied",
            Status::Rejected => "rejected",
            Status::Expired => "expired",
            Status::Withdrawn => "withdrawn",
            Status::Revoked => "revoked",
            Status::Undeliverable => "undeliverable",
            Status::Lapsed => "lapsed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The review of the current revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// All must be met.
    pub gates: Vec<Gate>,
    /// How it is run.
    pub rules: Rules,
    /// People bound to the agent who would otherwise be eligible.
    pub excluded: Excluded,
    /// The level of reviewers reached, from 0.
    pub level: u8,
    /// When its clock started.
    pub started: Time,
    /// Until when people may approve. Moves by each pause.
    pub deadline: Time,
    /// Milliseconds that its clock stood still because the agent owed an answer.
    pub paused_ms: u64,
    /// The votes on this revision, oldest first. Each gate counts a person once.
    pub votes: Vec<Vote>,
    /// What the agent owes an answer to.
    pub question: Option<Question>,
    /// Earlier questions and answers, oldest first. A revision keeps them.
    pub answered: Vec<Answered>,
    /// Channels a card or notice reached.
    pub sent: BTreeSet<ChannelName>,
    /// Channels whose failure is recorded.
    pub failed: BTreeSet<ChannelName>,
}

/// A question to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who asked.
    pub actor: Actor,
    /// The event that holds the question; its text is kept beside it.
    pub seq: u32,
    /// When it was asked.
    pub at: Time,
    /// Until when the agent may answer.
    pub answer_by: Time,
}

/// A question that was answered: the events that hold both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Who asked.
    pub asked_by: PersonId,
    /// The event of the question.
    pub question: u32,
    /// The event of the answer.
    pub answer: u32,
}

/// The single use of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumption {
    /// The agent or executor that may run.
    pub by: AgentId,
    /// SHA-256 of the attempt: the attempt itself is a secret of one process.
    pub attempt: Digest,
    /// When.
    pub at: Time,
}

/// How and when the last change of status came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Time,
    /// The event's number.
    pub seq: u32,
    /// The people whose decision it was, where people decided.
    pub by: BTreeSet<PersonId>,
}

/// What people, or what is theirs to do, last made of the request: an approval, a reject or a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// `approved`, `rejected` or `revoked`.
    pub status: Status,
    /// When, at which event, and by whom. Nobody where a freeze or policy revoked it.
    pub change: Change,
}

/// The snapshot of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The id.
    pub id: RequestId,
    /// Who asked.
    pub agent: AgentId,
    /// Its readable name without anything that names a person.
    pub agent_name: String,
    /// Where it is in its life.
    pub status: Status,
    /// The action's name.
    pub action: String,
    /// From 1; new arguments make a new one.
    pub revision: u32,
    /// The current revision's digest.
    pub digest: Digest,
    /// Another agent that may consume.
    pub executor: Option<AgentId>,
    /// People it acts for or was delegated by; `true` where a token says so.
    pub on_behalf_of: BTreeMap<PersonId, bool>,
    /// The shorter time to decide that the agent asked for.
    pub expires_in: Option<Seconds>,
    /// When it was asked.
    pub created: Time,
    /// `allow`, `review` or `deny`: policy's answer to the current revision.
    pub outcome: Option<String>,
    /// What policy rested on.
    pub policy_digest: Option<String>,
    /// Present when people decide or decided, or were asked about an earlier revision.
    pub review: Option<Review>,
    /// Until when an approval may be consumed.
    pub valid_until: Option<Time>,
    /// The last change of status.
    pub changed: Change,
    /// The last decision. It stays when the approval is used.
    pub decided: Option<Decided>,
    /// Why policy denied it.
    pub code: Option<Code>,
    /// Who may run it, once consumed.
    pub consumption: Option<Consumption>,
    /// Refused decisions that are recorded: person (none = a stranger) and reason.
    pub refused: BTreeSet<(Option<PersonId>, Code)>,
    /// Refused attempts to consume that are recorded.
    pub refused_executions: BTreeSet<(AgentId, Code)>,
    /// When its arguments and free text were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Time>,
    /// The number of the last event.
    pub seq: u32,
}

impl Request {
    /// Whether the time to decide is over although no end is recorded.
    pub fn is_overdue(&self, now: Time) -> bool {
        self.status == Status::Pending && self.review.as_ref().is_some_and(|r| now >= r.deadline)
    }

    /// Whether it is this agent's to run: its own, or its executor's.
    pub fn is_party(&self, agent: &AgentId) -> bool {
        self.agent == *agent || self.executor.as_ref() == Some(agent)
    }

    /// Whether a person may read all of it: its reviewers of every level, who is bound to its agent, admins, auditors.
    pub fn is_visible_to(&self, person: &PersonId, groups: &BTreeSet<GroupName>) -> bool {
        let concerns = |r: &Review| {
            r.excluded.contains_key(person) || r.gates.iter().any(|g| g.admits(person, groups, u8::MAX))
        };
        is_in(groups, ADMINS) || is_in(groups, AUDITORS) || self.review.as_ref().is_some_and(concerns)
    }

    /// What binds the person to the agent, as recorded: by policy, or because the agent acts for them.
    pub(crate) fn recorded_relations(&self, person: &PersonId) -> BTreeSet<Relation> {
        let review = self.review.as_ref();
        let mut relations = review.and_then(|r| r.excluded.get(person)).cloned().unwrap_or_default();
        let named = [Relation::OnBehalfOf, Relation::Delegation].iter().any(|r| relations.contains(r));
        if self.on_behalf_of.contains_key(person) && !named {
            relations.insert(Relation::OnBehalfOf);
        }
        relations
    }

    /// When somebody must look at the request next for the sake of time: its deadline, the answer's cap, the next
    /// level, or the end of the approval.
    pub fn next_deadline(&self) -> Option<Time> {
        match (self.status, &self.review) {
            (Status::Pending, Some(review)) => {
                Some(review.next_level().map_or(review.deadline, |l| l.min(review.deadline)))
            }
            (Status::NeedsInfo, Some(review)) => review.question.as_ref().map(|q| q.answer_by),
            (Status::Approved, _) => self.valid_until,
            _ => None,
        }
    }
}

impl Review {
    /// When each level of the review begins, in review time. Gates may have levels at different times, and each
    /// of these times is a level of the review.
    fn beginnings(&self) -> BTreeSet<Seconds> {
        let all = self.gates.iter().flat_map(|g| &g.levels).map(|l| l.after);
        std::iter::once(Seconds(0)).chain(all).collect()
    }

    /// When the next level begins, if there is one.
    pub fn next_level(&self) -> Option<Time> {
        let next = usize::from(self.level.checked_add(1)?);
        let after = self.beginnings().into_iter().nth(next)?;
        Some(Time::from_millis((self.started + after).millis().saturating_add_unsigned(self.paused_ms)))
    }

    /// The gate's own level, from 0, that the review has reached.
    pub fn level_of(&self, gate: &Gate) -> u8 {
        let reached: BTreeSet<_> = self.beginnings().into_iter().take(usize::from(self.level) + 1).collect();
        let begun = gate.levels.iter().filter(|l| reached.contains(&l.after)).count();
        u8::try_from(begun.saturating_sub(1)).unwrap_or(u8::MAX)
    }

    /// The gates, by index, in which the person may decide now.
    pub fn gates_of(&self, person: &PersonId, groups: &BTreeSet<GroupName>) -> Vec<usize> {
        let admits = |gate: &Gate| gate.admits(person, groups, self.level_of(gate));
        (0..self.gates.len()).filter(|i| admits(&self.gates[*i])).collect()
    }

    /// The profiles of the gates that a vote of the person's with this ballot counts in now. A vote counts once in
    /// a gate, and an approval in none that has its quorum: so many votes at most as the gates need. Who approved may
    /// approve again where they were not admitted then; who rejected has said all.
    pub(crate) fn counts_in(
        &self,
        person: &PersonId,
        groups: &BTreeSet<GroupName>,
        ballot: Ballot,
    ) -> BTreeSet<ProfileName> {
        let voted: Vec<&Vote> = self.votes.iter().filter(|v| v.actor.person == *person).collect();
        if !voted.is_empty() && (ballot == Ballot::Reject || voted.iter().any(|v| v.ballot == Ballot::Reject))
        {
            return BTreeSet::new();
        }
        let open = |gate: &&Gate| {
            let counted = voted.iter().any(|v| v.gates.contains(&gate.profile));
            !counted && (ballot == Ballot::Reject || !self.is_met_in(gate))
        };
        let gates = self.gates_of(person, groups).into_iter().map(|i| &self.gates[i]);
        gates.filter(open).map(|gate| gate.profile.clone()).collect()
    }

    /// How many people approved in the gate.
    pub fn approvals(&self, gate: &Gate) -> usize {
        let counts = |v: &&Vote| v.ballot == Ballot::Approve && v.gates.contains(&gate.profile);
        self.votes.iter().filter(counts).map(|v| &v.actor.person).collect::<BTreeSet<_>>().len()
    }

    /// Whether every gate has its quorum.
    pub fn is_met(&self) -> bool {
        !self.gates.is_empty() && self.gates.iter().all(|g| self.is_met_in(g))
    }

    fn is_met_in(&self, gate: &Gate) -> bool {
        self.approvals(gate) >= usize::from(gate.quorum.max(1))
    }

    /// Whether so many people rejected that it ends.
    pub fn is_rejected(&self) -> bool {
        let rejects = self.votes.iter().filter(|v| v.ballot == Ballot::Reject).count();
        rejects >= usize::from(self.rules.rejects.max(1))
    }

    /// Where the request is to be shown at its present level.
    pub fn channels(&self) -> BTreeSet<ChannelName> {
        let levels = self.gates.iter().flat_map(|g| g.levels.iter().take(usize::from(self.level_of(g)) + 1));
        levels.flat_map(|l| l.channels.iter().cloned()).collect()
    }

    /// Whether it should have been shown to people, and nothing says that it was.
    pub(crate) fn reached_nobody(&self) -> bool {
        let no_trace = self.sent.is_empty() && self.votes.is_empty() && self.answered.is_empty();
        no_trace && !self.channels().is_empty()
    }

    /// Until when a question asked now may be answered: what is left of the time that the agent has for all.
    pub(crate) fn answer_by(&self, now: Time) -> Time {
        Time::from_millis((now + self.rules.answer_within).millis().saturating_sub_unsigned(self.paused_ms))
    }
}
