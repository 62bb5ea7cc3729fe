//! The stable codes of every "no", and why the decider refuses a command.
//!
//! A code is what a program acts on; it never changes its meaning. How a code becomes an HTTP answer is not known
//! here.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::request::Status;
use crate::review::Relation;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $guidance:literal;)*) => {
        /// A stable, machine-readable reason for a refusal or a denial.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the contract.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as the API writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// One sentence that a model can act on.
            pub fn guidance(self) -> &'static str {
                match self { $(Code::$name => $guidance,)* }
            }
        }
    };
}

codes! {
    /// The person is the agent's owner, can act as it, or is whom it acts for.
    SelfApprovalDenied = "self_approval_denied", "Nobody decides on their own ask: let another reviewer decide.";
    /// The person is in none of the review's gates.
    NotEligible = "not_eligible", "You are not a reviewer of this request: ask somebody in its reviewers' groups.";
    /// The person has voted, or the request has its decision.
    AlreadyDecided = "already_decided", "This is decided already: read the request for its result.";
    /// The request moved on between read and write.
    StaleVersion = "stale_version", "The request changed meanwhile: read it again and repeat what still applies.";
    /// The digest echoed is not that of the revision as it stands.
    DigestMismatch = "digest_mismatch", "The digest is not that of the current revision: read the request again and look at what it asks now.";
    /// Policy denies the ask.
    PolicyDenied = "policy_denied", "Policy denies this action: do not ask again unchanged; choose another way or ask a person.";
    /// Policy changed since the approval.
    PolicyChanged = "policy_changed", "Policy changed since the approval: ask again.";
    /// agents.toml does not know the agent.
    AgentUnknown = "agent_unknown", "This agent is not registered: a platform engineer adds a pattern with its owners to agents.toml.";
    /// A person froze the agent.
    AgentFrozen = "agent_frozen", "A person froze this agent: stop, and wait until a person unfreezes it.";
    /// The time to decide or to consume is over.
    Expired = "expired", "The time for this request is over: ask again if the action is still wanted.";
    /// The request's status does not allow this.
    NotActionable = "not_actionable", "The request's status does not allow this: read it and act on its status.";
    /// The sign-in is too weak or too old for this decision.
    AssuranceRequired = "assurance_required", "This decision needs a fresh sign-in: sign in again and repeat it.";
    /// The whole of long arguments was not opened.
    FullViewRequired = "full_view_required", "Open the whole of the arguments before you approve.";
    /// The single use is spent.
    AlreadyConsumed = "already_consumed", "This approval was used already: do not run the action again; report its outcome.";
    /// The decision is not in the log yet.
    NotSealed = "not_sealed", "The decision is not in the log yet: try again in a moment.";
    /// Nobody could approve this.
    NoEligibleReviewer = "no_eligible_reviewer", "Nobody independent could approve this: a platform engineer adds reviewers to the profile.";
    /// The idempotency key belongs to another body.
    IdempotencyKeyReused = "idempotency_key_reused", "This Idempotency-Key was used with another body: use a new key for a new ask.";
    /// The arguments have no exact canonical form.
    ArgumentsNotCanonical = "arguments_not_canonical", "The arguments have no exact canonical form: mend the place named, e.g. write big numbers as strings.";
    /// The body is over the limit.
    PayloadTooLarge = "payload_too_large", "The body is too large: pass a reference to the data instead of the data.";
    /// Nobody vouches for the caller.
    Unauthenticated = "unauthenticated", "Sign the call with valid credentials.";
    /// The caller may not do this.
    Forbidden = "forbidden", "These credentials may not do this.";
    /// There is no such thing, or it is not yours.
    NotFound = "not_found", "There is no such request for these credentials: check the id.";
    /// Too many calls.
    RateLimited = "rate_limited", "Too many asks: wait as long as Retry-After says.";
    /// The archive does not answer.
    AuditUnavailable = "audit_unavailable", "The archive is not available, so nothing is released: try again later.";
    /// A part of the service does not answer; nothing was recorded or released.
    Unavailable = "unavailable", "The service is not available right now: try again with the same Idempotency-Key or attempt.";
    /// The call is not of the API's form.
    InvalidRequest = "invalid_request", "Mend the field that the message names and send the call again.";
}

impl Code {
    /// Whether the same call may succeed later without a change.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Code::StaleVersion
                | Code::NotSealed
                | Code::RateLimited
                | Code::AuditUnavailable
                | Code::Unavailable
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the decider does not take a command. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request's status does not allow the command.
    #[error("the request is {0}")]
    NotActionable(Status),
    /// The request has ended or was approved before this decision came.
    #[error("the request is {0} already")]
    AlreadyDecided(Status),
    /// The person has voted on this revision.
    #[error("you have voted on this revision already")]
    AlreadyVoted,
    /// The gates that admit the person have their quorum; others of the review have not.
    #[error("the gates that you decide in have their approvals already")]
    GatesMet,
    /// The person is bound to the agent.
    #[error("you may not decide here: {}", relations(.0))]
    SelfApproval(BTreeSet<Relation>),
    /// The person is in no gate of this review.
    #[error("you are not among the reviewers of this request")]
    NotEligible,
    /// The digest is not the current revision's.
    #[error("the digest is not that of revision {revision}")]
    DigestMismatch {
        /// The revision as it stands.
        revision: u32,
    },
    /// The agent has answered a question since, with the same arguments.
    #[error("the agent has answered since what you saw")]
    Answered,
    /// The deadline has passed.
    #[error("the time for this ended at {0}")]
    Expired(crate::Time),
    /// The sign-in is older than the profile allows, or has no time.
    #[error("this decision needs a sign-in not older than {} s", .max_age.0)]
    AssuranceRequired {
        /// The longest age allowed.
        max_age: crate::time::Seconds,
    },
    /// The decision needs words.
    #[error("a comment is required here")]
    CommentRequired,
    /// The caller is neither the agent nor its executor.
    #[error("only the agent that asked, or the executor it named, may do this")]
    NotYours,
    /// The single use is spent, by another attempt or with an outcome.
    #[error("this approval was consumed already")]
    AlreadyConsumed,
    /// The agent or executor was frozen after the request was made.
    #[error("the agent was frozen at {0}; what it asked before is void")]
    Void(crate::Time),
    /// The log was recovered after the request was made.
    #[error("the log was recovered at {0}; what was asked before is void: ask again")]
    Recovered(crate::Time),
    /// A request with this id exists.
    #[error("the request exists already")]
    Exists,
    /// The request would not fit its leaf.
    #[error("the request is too large to be recorded")]
    TooLarge,
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Refusal::NotActionable(_) | Refusal::Recovered(_) => Code::NotActionable,
            Refusal::AlreadyDecided(_) | Refusal::AlreadyVoted | Refusal::GatesMet => Code::AlreadyDecided,
            Refusal::SelfApproval(_) => Code::SelfApprovalDenied,
            Refusal::NotEligible => Code::NotEligible,
            Refusal::DigestMismatch { .. } => Code::DigestMismatch,
            Refusal::Expired(_) => Code::Expired,
            Refusal::AssuranceRequired { .. } => Code::AssuranceRequired,
            Refusal::CommentRequired => Code::InvalidRequest,
            Refusal::NotYours => Code::Forbidden,
            Refusal::AlreadyConsumed => Code::AlreadyConsumed,
            Refusal::Void(_) => Code::AgentFrozen,
            Refusal::Exists | Refusal::Answered => Code::StaleVersion,
            Refusal::TooLarge => Code::PayloadTooLarge,
        }
    }

    /// The field of the body that is at fault, as a JSON pointer.
    pub fn pointer(&self) -> Option<&'static str> {
        match self {
            Refusal::DigestMismatch { .. } => Some("/digest"),
            Refusal::CommentRequired => Some("/comment"),
            _ => None,
        }
    }
}

fn relations(relations: &BTreeSet<Relation>) -> String {
    relations.iter().map(|r| r.as_words()).collect::<Vec<_>>().join(", ")
}
