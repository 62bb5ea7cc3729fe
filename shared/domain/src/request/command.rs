//! What can be asked of a request. A command carries all that its decision rests on; nothing is looked up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::agent::AgentRef;
use crate::canonical::Digest;
use crate::event::{Actor, Decision, ExecutionOutcome, RefusedDecision, RevokedBecause};
use crate::ids::{AgentId, ChannelName, GroupName, PersonId, RequestId};
use crate::refusal::Code;
use crate::review::{Evaluation, Relation};
use crate::time::{Seconds, Time};

/// Something that somebody wants of a request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are described by the types and by the variant they stand in")]
pub enum Command {
    /// An agent asks.
    Create(Box<Create>),
    /// The agent answers a question, perhaps with new arguments.
    Respond { agent: AgentId, answer: Digest, revision: Option<Box<NewRevision>> },
    /// The agent takes it back.
    Withdraw { agent: AgentId, reason: Option<Digest> },
    /// A person decides.
    Decide(Box<Decide>),
    /// The agent or its executor takes the right to run once.
    Consume(Consume),
    /// Who consumed says how it ended.
    Report { by: AgentId, outcome: ExecutionOutcome, detail: Option<Digest> },
    /// It is taken back before it is consumed.
    /// `groups` are the person's today, where a person does it.
    Revoke { because: RevokedBecause, groups: BTreeSet<GroupName>, reason: Option<Digest> },
    /// An admin has its arguments and free text removed. `groups` are the person's today.
    Erase { by: Actor, groups: BTreeSet<GroupName>, reason: Option<Digest> },
    /// Time has passed: record what is due.
    Tick,
    /// A card or notice was posted.
    RecordSent { to: ChannelName },
    /// A channel could not be reached; `error` is a word of the platform's, not free text.
    RecordNotSent { to: ChannelName, error: String },
    /// A decision was not taken.
    RecordRefusedDecision(RefusedDecision),
    /// An attempt to consume was refused.
    RecordRefusedExecution { by: AgentId, code: Code },
}

impl Command {
    /// Ends what a frozen agent or executor asked before `void_before`.
    pub fn void(void_before: Time) -> Self {
        Command::Revoke {
            because: RevokedBecause::Frozen { void_before },
            groups: BTreeSet::new(),
            reason: None,
        }
    }

    /// Ends what was asked before the log was recovered.
    pub fn recovery() -> Self {
        Command::Revoke { because: RevokedBecause::Recovery, groups: BTreeSet::new(), reason: None }
    }
}

/// A new ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// The new request's id.
    pub id: RequestId,
    /// Who asks; the name is already without anything that names a person.
    pub agent: AgentRef,
    /// The action's name.
    pub action: String,
    /// The digest of the first revision.
    pub digest: Digest,
    /// Another agent that may consume.
    pub executor: Option<AgentId>,
    /// People it acts for or was delegated by; `true` where a token says so.
    pub on_behalf_of: BTreeMap<PersonId, bool>,
    /// A shorter time to decide.
    pub expires_in: Option<Seconds>,
    /// Salted hash of the justification.
    pub justification: Option<Digest>,
    /// What policy says.
    pub evaluation: Evaluation,
    /// The fields that stand in the log in clear.
    pub recorded: BTreeMap<String, Value>,
    /// Consume at once if policy allows it.
    pub consume: Option<Consume>,
}

/// New arguments under the same id.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRevision {
    /// Their digest.
    pub digest: Digest,
    /// Salted hash of a new justification.
    pub justification: Option<Digest>,
    /// What policy says of them.
    pub evaluation: Evaluation,
    /// The fields that stand in the log in clear.
    pub recorded: BTreeMap<String, Value>,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decide {
    /// Who, and how we know.
    pub actor: Actor,
    /// The person's groups today.
    pub groups: BTreeSet<GroupName>,
    /// What binds the person to the agent today.
    pub relations: BTreeSet<Relation>,
    /// What the person says.
    pub decision: Decision,
    /// The digest of what the person saw.
    pub digest: Digest,
    /// How many answers of the agent the person saw; `None` where the channel does not tell.
    pub answers: Option<u32>,
    /// Salted hash of the comment, reason or question.
    pub text: Option<Digest>,
    /// Hash of the card that the person was shown.
    pub shown: Option<Digest>,
}

/// An attempt to take the right to run once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consume {
    /// The caller.
    pub by: AgentId,
    /// The digest of what the caller is about to run.
    pub digest: Digest,
    /// SHA-256 of the attempt.
    pub attempt: Digest,
    /// The later `void_before` mark of the agent and of the caller.
    pub void_before: Option<Time>,
    /// When the log was last recovered.
    pub recovered: Option<Time>,
}
