//! The card: what a reviewer is shown of one request, in plain values.
//!
//! It knows no platform and no rule of the life of a request; whoever has the request's state fills it in.

use countersign_domain::canonical::jcs;
use countersign_domain::event::{Ballot, Decision};
use countersign_domain::{AgentId, Code, Digest, Nonce, ProfileName, RequestId, Time};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::shown::{self, Shown};

/// Everything that a reviewer is shown of one request. Texts are as they came: escaping and cutting is for
/// [`Card::shown`] and the renderers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// The request.
    pub request: RequestId,
    /// The digest of the revision as it stands.
    pub digest: Digest,
    /// The revision, from 1.
    pub revision: u32,
    /// The version of the request's state that the card was made of. Not shown and not hashed: two versions that
    /// look alike are one card.
    #[serde(skip)]
    pub version: u64,
    /// Where the request stands.
    pub state: CardState,
    /// The action's name.
    pub action: String,
    /// What it acts on.
    pub target: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// Who asks: the readable name that goes with the id.
    pub agent_name: String,
    /// Who asks.
    pub agent: AgentId,
    /// For whom, as the agent says.
    pub on_behalf_of: Option<String>,
    /// Through whom, as the agent says.
    pub delegation_chain: Vec<String>,
    /// Another agent that may run it.
    pub executor: Option<String>,
    /// Why, as the agent says.
    pub justification: Option<String>,
    /// Earlier questions and what the agent answered, oldest first.
    pub answers: Vec<Answer>,
    /// What the review needs.
    pub gates: Vec<GateState>,
    /// The votes on this revision, oldest first.
    pub votes: Vec<VoteShown>,
    /// What we computed of the parsed action: label and value, e.g. `environment`, `production`.
    pub facts: Vec<(String, String)>,
    /// Whether an approval needs a comment.
    pub require_comment: bool,
    /// Whether its arguments and all free text were removed. Then those fields are empty.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// The log when the card was sent. Not hashed: each new leaf would make every card another one.
    #[serde(skip)]
    pub log: Option<LogShown>,
    /// The nonce of the revision. Never shown: it makes [`Card::hash`] hide what it binds.
    #[serde(skip)]
    pub nonce: Nonce,
}

/// The log as of some moment. Who keeps it can tell later whether the log was rewritten since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogShown {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: [u8; 32],
}

impl LogShown {
    /// One line: the size and the first eight bytes of the root.
    pub fn line(&self) -> String {
        let first: String = self.root.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("Log: {} leaves, root {first}…", self.size)
    }
}

/// Where the request stands, with what a reader wants to know then. People are given by their names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are described by the types and by the variant they stand in")]
pub enum CardState {
    /// People may decide.
    Pending { deadline: Time },
    /// The agent owes an answer.
    NeedsInfo { question: String, asked_by: String, answer_by: Time },
    /// Every gate is met, or, by nobody, policy allows it; not used yet.
    Approved { by: Vec<String>, at: Time, valid_until: Time },
    /// People said no.
    Rejected { by: Vec<String>, at: Time, reason: Option<String> },
    /// The time to decide ran out.
    Expired { at: Time },
    /// The agent took it back or did not answer in time.
    Withdrawn { at: Time, reason: Option<String> },
    /// Taken back after it was made or approved and before it was used.
    Revoked { by: Option<String>, at: Time, reason: Option<String> },
    /// No card ever reached anybody in time.
    Undeliverable { at: Time },
    /// Approved and never used in time.
    Lapsed { at: Time },
    /// Policy denies it.
    Denied { code: Code, at: Time },
    /// The approval is used; how it ended is not known yet.
    Consumed { at: Time },
    /// It ran and worked, as its executor says.
    Succeeded { at: Time },
    /// It failed, as its executor says.
    Failed { at: Time },
    /// Its executor does not know how it ended.
    Unknown { at: Time },
}

/// A question of a reviewer and the agent's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The name of who asked.
    pub asked_by: String,
    /// The question.
    pub question: String,
    /// The agent's answer.
    pub answer: String,
}

/// One condition of the review and how far it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateState {
    /// The profile it came from.
    pub profile: ProfileName,
    /// How many different people must approve.
    pub quorum: u8,
    /// How many have.
    pub approvals: u8,
    /// The level it has reached, from 0.
    pub level: u8,
}

/// One vote as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoteShown {
    /// The name of who voted.
    pub person: String,
    /// For or against.
    pub ballot: Ballot,
}

/// How an approval can be given for this card in chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// By the button and its confirmation.
    AtOnce,
    /// In a view that asks for a comment.
    WithComment,
    /// In a view that shows the whole, because the card is cut.
    AfterFullView,
    /// Not in chat: even the full view cannot hold it. By API.
    ByApiOnly,
}

impl Card {
    /// The card's texts, made fit to be shown.
    pub fn shown(&self) -> Shown {
        shown::shown(self)
    }

    /// Whether something that a decision rests on does not fit on the card.
    pub fn truncated(&self) -> bool {
        self.shown().cut
    }

    /// How an approval can be given.
    pub fn approval(&self) -> Approval {
        self.approval_when(self.truncated())
    }

    pub(crate) fn approval_when(&self, truncated: bool) -> Approval {
        match (truncated, self.require_comment) {
            (true, _) if shown::full_view(self).is_none() => Approval::ByApiOnly,
            (true, _) => Approval::AfterFullView,
            (false, true) => Approval::WithComment,
            (false, false) => Approval::AtOnce,
        }
    }

    /// The decisions that the card offers, in the order of its buttons.
    pub fn offers(&self) -> Vec<Decision> {
        self.offers_when(self.approval())
    }

    pub(crate) fn offers_when(&self, approval: Approval) -> Vec<Decision> {
        match (&self.state, approval) {
            (CardState::Pending { .. }, Approval::ByApiOnly) => vec![Decision::Reject, Decision::RequestInfo],
            (CardState::Pending { .. }, _) => {
                vec![Decision::Approve, Decision::Reject, Decision::RequestInfo]
            }
            (CardState::NeedsInfo { .. }, _) => vec![Decision::Reject],
            _ => Vec::new(),
        }
    }

    /// The hash of what the reviewer is shown, for the vote: SHA-256 over the JCS form of `{card, nonce}`.
    ///
    /// It covers every value whole, also where a card shows head and tail only. The nonce keeps it from telling
    /// anything about arguments that were erased since.
    pub fn hash(&self) -> Digest {
        let card = serde_json::to_value(self).unwrap_or_default();
        Digest::of(&jcs(&json!({ "card": card, "nonce": String::from(self.nonce.clone()) })))
    }
}

impl CardState {
    /// What to say first, in fixed words.
    pub fn headline(&self) -> &'static str {
        match self {
            CardState::Pending { .. } => "Approval needed",
            CardState::NeedsInfo { .. } => "Waiting for the agent's answer",
            CardState::Approved { by, .. } if by.is_empty() => "✔ Approved by policy, not used yet",
            CardState::Approved { .. } => "✔ Approved, not used yet",
            CardState::Rejected { .. } => "✘ Rejected",
            CardState::Expired { .. } => "✘ Expired: nobody decided in time",
            CardState::Withdrawn { .. } => "✘ Withdrawn by the agent, or not answered in time",
            CardState::Revoked { .. } => "✘ Revoked: it will not run",
            CardState::Undeliverable { .. } => "✘ Undeliverable: no card reached a reviewer in time",
            CardState::Lapsed { .. } => "✘ Lapsed: approved, but not used in time",
            CardState::Denied { .. } => "✘ Denied by policy",
            CardState::Consumed { .. } => "✔ Approved and running",
            CardState::Succeeded { .. } => "✔ Approved, ran and succeeded",
            CardState::Failed { .. } => "✘ Approved, ran and failed",
            CardState::Unknown { .. } => "Approved and started; how it ended is unknown",
        }
    }

    /// The instants that matter, each with what it is, in fixed words.
    pub fn moments(&self) -> Vec<(&'static str, Time)> {
        match self {
            CardState::Pending { deadline } => vec![("Decide before", *deadline)],
            CardState::NeedsInfo { answer_by, .. } => vec![("The agent must answer before", *answer_by)],
            CardState::Approved { at, valid_until, .. } => {
                vec![("Approved", *at), ("To be used before", *valid_until)]
            }
            CardState::Rejected { at, .. } => vec![("Rejected", *at)],
            CardState::Expired { at } | CardState::Undeliverable { at } => vec![("Time ran out", *at)],
            CardState::Withdrawn { at, .. } => vec![("Withdrawn", *at)],
            CardState::Revoked { at, .. } => vec![("Revoked", *at)],
            CardState::Lapsed { at } => vec![("Lapsed", *at)],
            CardState::Denied { at, .. } => vec![("Denied", *at)],
            CardState::Consumed { at } => vec![("Started", *at)],
            CardState::Succeeded { at } | CardState::Failed { at } | CardState::Unknown { at } => {
                vec![("Ended", *at)]
            }
        }
    }
}
