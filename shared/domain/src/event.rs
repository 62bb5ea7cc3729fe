//! What is recorded: one [`Fact`] per thing that happened, with the time it happened.
//!
//! A fact holds no secret and no free text: people and agents are ids, words are salted hashes, arguments are bound
//! by the digest. The names of the types are those of the log and never change their meaning.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::Digest;
use crate::ids::{AgentId, ChannelName, GroupName, Origin, PersonId, ProfileName};
use crate::leaf::LeafHash;
use crate::log::{Odds, Recovery};
use crate::refusal::Code;
use crate::review::{Evaluation, Relation};
use crate::time::{Seconds, Time};

mod fact;

/// A fact and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the clock of who recorded it.
    pub time: Time,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// How a person proved to be who they are, and over which channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Evidence {
    /// A signed interaction of Slack, by an account that people.toml knows.
    Slack {
        /// The workspace or enterprise that vouches for the account.
        workspace: String,
    },
    /// A token of the identity provider.
    Api {
        /// The token's issuer.
        issuer: String,
        /// When the person signed in, as the token says.
        #[serde(skip_serializing_if = "Option::is_none")]
        auth_time: Option<Time>,
        /// By which methods, as the token says (`amr`, RFC 8176).
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        amr: BTreeSet<String>,
    },
}

/// A person who did something, and how we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who.
    pub person: PersonId,
    /// How we know.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// What one person says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may run.
    Approve,
    /// It must not run.
    Reject,
    /// The agent has to answer a question first.
    RequestInfo,
}

/// What counts: an approve or a reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ballot {
    /// For.
    Approve,
    /// Against.
    Reject,
}

/// Why a request was ended as `withdrawn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnBecause {
    /// The agent asked for it.
    Agent,
    /// The agent's answer did not come in time.
    Unanswered,
}

/// Why an open or approved request was ended as `revoked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum RevokedBecause {
    /// A person took the approval back.
    Person(Actor),
    /// The agent or the executor was frozen.
    Frozen {
        /// Requests made before this are void.
        void_before: Time,
    },
    /// The log was recovered.
    Recovery,
    /// Policy no longer allows it.
    Policy,
}

/// How an execution ended, as its executor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionOutcome {
    /// It ran and worked.
    Succeeded,
    /// It ran and failed, or could not be started.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// Why an event is not in the log itself, only its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its bytes are not a leaf's.
    Malformed,
    /// Its bytes do not have the hash that was written with them.
    Hash,
    /// It says that it is another subject's, or has another number.
    Misplaced,
    /// It does not follow the event before it.
    Chain,
}

/// One vote as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who voted, and how we know.
    #[serde(flatten)]
    pub actor: Actor,
    /// For or against.
    pub ballot: Ballot,
    /// The gates it counts in, by profile.
    pub gates: BTreeSet<ProfileName>,
    /// The person's groups that it rested on.
    pub groups: BTreeSet<GroupName>,
    /// Hash of what the person was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<Digest>,
    /// Salted hash of the comment or reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<Digest>,
    /// When.
    pub at: Time,
}

/// A decision that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedDecision {
    /// Who; `None` = an account that is nobody's.
    pub person: Option<PersonId>,
    /// How we know who it was; `None` with a person that is not known.
    pub evidence: Option<Evidence>,
    /// What it would have been; `None` = a revocation.
    pub decision: Option<Decision>,
    /// The digest that it was about, where it named one.
    pub digest: Option<Digest>,
    /// Why it was not taken.
    pub code: Code,
    /// What binds the person to the agent, where that is why.
    pub relations: BTreeSet<Relation>,
}

/// One recorded fact. The text of `type` and the fields of `data` are the log's format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(missing_docs, reason = "the fields are described by the types and by the variant they stand in")]
pub enum Fact {
    /// An agent asked. Always the first event of a request.
    #[serde(rename = "request.created")]
    Created {
        agent: AgentId,
        /// The agent's readable name without anything that names a person.
        agent_name: String,
        action: String,
        digest: Digest,
        executor: Option<AgentId>,
        /// People it acts for or was delegated by: `true` where a token says so, `false` where the body claims it.
        on_behalf_of: BTreeMap<PersonId, bool>,
        /// The shorter time to decide that the agent asked for.
        expires_in: Option<Seconds>,
        justification: Option<Digest>,
    },
    /// New arguments in answer to a question: a new ask under the same id.
    #[serde(rename = "request.revised")]
    Revised { revision: u32, digest: Digest, justification: Option<Digest> },
    /// What policy says of the revision as it stands.
    #[serde(rename = "policy.evaluated")]
    Evaluated {
        revision: u32,
        digest: Digest,
        #[serde(flatten)]
        evaluation: Evaluation,
        /// The fields that the profile lists, in clear: `target`, `arguments.<field>`.
        recorded: BTreeMap<String, Value>,
        /// Until when an allowed ask may be consumed.
        valid_until: Option<Time>,
    },
    /// An end: policy denies.
    #[serde(rename = "request.denied")]
    Denied { code: Code },
    /// An end: the time to decide ran out.
    #[serde(rename = "request.expired")]
    Expired { deadline: Time },
    /// An end: time ran out and no card ever reached anybody.
    #[serde(rename = "request.undeliverable")]
    Undeliverable { deadline: Time },
    /// An end: the agent took it back, or did not answer in time.
    #[serde(rename = "request.withdrawn")]
    Withdrawn { because: WithdrawnBecause, reason: Option<Digest> },
    /// An end: taken back after it was made or approved and before it was consumed.
    #[serde(rename = "request.revoked")]
    Revoked {
        #[serde(flatten)]
        because: RevokedBecause,
        /// The person's groups that it rested on, where a person did it.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        groups: BTreeSet<GroupName>,
        reason: Option<Digest>,
    },
    /// An end: approved and never consumed in time.
    #[serde(rename = "request.lapsed")]
    Lapsed { valid_until: Time },
    /// The next level of reviewers may decide from now on.
    #[serde(rename = "request.escalated")]
    Escalated { level: u8 },
    /// A card or notice was posted for the first time on a channel.
    #[serde(rename = "notification.sent")]
    NotificationSent { to: ChannelName },
    /// A channel could not be reached. Recorded once per channel.
    #[serde(rename = "notification.failed")]
    NotificationFailed { to: ChannelName, error: String },
    /// A person asked the agent.
    #[serde(rename = "info.requested")]
    InfoRequested {
        digest: Digest,
        #[serde(flatten)]
        actor: Actor,
        /// The person's groups that it rested on.
        groups: BTreeSet<GroupName>,
        /// Hash of what the person was shown.
        shown: Option<Digest>,
        question: Digest,
        answer_by: Time,
    },
    /// The agent answered.
    #[serde(rename = "info.supplied")]
    InfoSupplied { answer: Digest },
    /// A person voted.
    #[serde(rename = "vote.cast")]
    VoteCast {
        digest: Digest,
        #[serde(flatten)]
        vote: Vote,
    },
    /// Every gate is met.
    #[serde(rename = "decision.approved")]
    Approved { digest: Digest, votes: Vec<Vote>, valid_until: Time, latency_ms: u64 },
    /// An end: people said no.
    #[serde(rename = "decision.rejected")]
    Rejected { digest: Digest, votes: Vec<Vote>, latency_ms: u64 },
    /// A person's decision was not taken. Recorded once per person and reason.
    #[serde(rename = "decision.refused")]
    DecisionRefused(RefusedDecision),
    /// The right to run once was given out.
    #[serde(rename = "execution.consumed")]
    Consumed { by: AgentId, digest: Digest, attempt: Digest },
    /// An attempt to consume was refused. Recorded once per agent and reason.
    #[serde(rename = "execution.refused")]
    ExecutionRefused { by: AgentId, code: Code },
    /// It ran and worked.
    #[serde(rename = "execution.succeeded")]
    Succeeded { by: AgentId, detail: Option<Digest> },
    /// It failed.
    #[serde(rename = "execution.failed")]
    Failed { by: AgentId, detail: Option<Digest> },
    /// Nobody knows how it ended.
    #[serde(rename = "execution.unknown")]
    Unknown { by: AgentId, detail: Option<Digest> },
    /// A person had what was kept beside the events, arguments and free text, removed. What happened stays.
    #[serde(rename = "data.erased")]
    DataErased {
        #[serde(flatten)]
        actor: Actor,
        /// The person's groups that it rested on.
        groups: BTreeSet<GroupName>,
        reason: Option<Digest>,
    },
    /// A person froze an agent: its asks are denied and what it asked before is void.
    #[serde(rename = "agent.frozen")]
    AgentFrozen {
        #[serde(flatten)]
        actor: Actor,
        /// The person's groups that it rested on.
        groups: BTreeSet<GroupName>,
        void_before: Time,
        reason: Option<Digest>,
    },
    /// A person let a frozen agent ask again. What was void stays void.
    #[serde(rename = "agent.unfrozen")]
    AgentUnfrozen {
        #[serde(flatten)]
        actor: Actor,
        /// The person's groups that it rested on.
        groups: BTreeSet<GroupName>,
        reason: Option<Digest>,
    },
    /// A log begins. Always its first leaf.
    #[serde(rename = "log.genesis")]
    LogGenesis {
        origin: Origin,
        /// What its checkpoints are verified with, as a C2SP verifier key.
        key: String,
        /// The log that it goes on from, where that was recovered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Recovery>,
    },
    /// Nothing else was logged for an hour, and the log is alive.
    #[serde(rename = "log.heartbeat")]
    LogHeartbeat {},
    /// Stands where an event would stand that is not as this system writes events.
    #[serde(rename = "log.quarantined")]
    LogQuarantined {
        /// Whose event, by its place in the table.
        of: String,
        /// Its number there.
        number: u32,
        /// RFC 6962 leaf hash of the bytes that were found.
        hash: LeafHash,
        because: Flaw,
    },
    /// A person took a range of the log away as evidence.
    #[serde(rename = "log.exported")]
    LogExported {
        #[serde(flatten)]
        actor: Actor,
        /// The range: the first leaf, and the size of the log at its end.
        start: u64,
        end: u64,
        from: Time,
        to: Time,
        /// The criterion that was asked for, where one was.
        control: Option<String>,
        /// Hash of the list of files that were taken.
        manifest: Digest,
    },
    /// Two people began this log because the one before it could not go on. Always the second leaf of such a log.
    #[serde(rename = "log.recovered")]
    LogRecovered {
        #[serde(flatten)]
        recovery: Recovery,
        /// Requests made up to this instant are void.
        void_before: Time,
    },
    /// Checkpoints are signed by this key as well from now on.
    #[serde(rename = "log.key_added")]
    LogKeyAdded { key: String },
    /// Checkpoints are signed by this key no more.
    #[serde(rename = "log.key_retired")]
    LogKeyRetired { key: String },
    /// Something was not as the log made it, and could be mended.
    #[serde(rename = "log.tamper_suspected")]
    LogTamperSuspected {
        /// The name of the file in the log.
        object: String,
        because: Odds,
    },
}
