//! A request as the API shows it: to its agent, and with the arguments and votes to reviewers.

use std::collections::BTreeSet;

use countersign_domain::event::{Decision, Evidence};
use countersign_domain::ids::{AgentId, GroupName, PersonId, ProfileName, RequestId};
use countersign_domain::refusal::Code;
use countersign_domain::request::Review;
use countersign_domain::review::Relation;
use countersign_domain::{Digest, Status, Time};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::store::{Stored, Whole};

/// What its agent sees.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct RequestView {
    pub id: RequestId,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    pub revision: u32,
    pub version: u32,
    pub digest: Digest,
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub agent: AgentView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<AgentId>,
    pub created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
    pub overdue: bool,
    pub erased: bool,
    pub gates: Vec<GateView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<QuestionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_guidance: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consume: Option<ConsumeView>,
}

/// The agent that asked.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct AgentView {
    pub id: AgentId,
    pub name: String,
}

/// How far a gate is.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct GateView {
    pub profile: ProfileName,
    pub quorum: u8,
    pub approvals: usize,
    pub level: u8,
}

/// What the agent owes an answer to.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct QuestionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub asked_at: Time,
    pub answer_by: Time,
}

/// How people decided.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct DecisionView {
    pub decision: Status,
    pub by: BTreeSet<PersonId>,
    pub at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The single use.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct ConsumeView {
    pub by: AgentId,
    pub consumed_at: Time,
}

/// What a reviewer sees: all of it.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct ReviewView {
    #[serde(flatten)]
    pub request: RequestView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    pub delegation_chain: Vec<String>,
    pub votes: Vec<VoteView>,
    pub excluded: Vec<ExcludedView>,
}

/// One vote.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct VoteView {
    pub person: PersonId,
    pub decision: Decision,
    pub at: Time,
    pub channel: &'static str,
    pub gates: BTreeSet<ProfileName>,
    pub groups: BTreeSet<GroupName>,
}

/// Who may not decide, and why.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct ExcludedView {
    pub person: PersonId,
    pub reasons: BTreeSet<Relation>,
}

impl RequestView {
    /// The view of a request at `now`.
    pub fn of(whole: &Whole, now: Time) -> Self {
        let mut view = Self::listed(&whole.stored, now);
        let request = &whole.stored.request;
        view.target = whole.ask.as_ref().map(|a| a.action.target.clone());
        if let Some(ask) = &whole.ask {
            view.agent.name.clone_from(&ask.agent_name);
        }
        let text = |seq: u32| whole.texts.get(&seq).map(|words| words.text.clone());
        let open = request.review.as_ref().filter(|_| request.status == Status::NeedsInfo);
        view.question = open.and_then(|r| r.question.as_ref()).map(|q| QuestionView {
            text: text(q.seq),
            asked_at: q.at,
            answer_by: q.answer_by,
        });
        if let (Some(decision), Some(decided)) = (&mut view.decision, &request.decided) {
            // The deciding vote stands just before the decision; a revocation holds its own reason.
            let seq = decided.change.seq;
            decision.comment =
                text(if decided.status == Status::Revoked { seq } else { seq.saturating_sub(1) });
        }
        view
    }

    /// The view from the state alone, for listings: without target, question and comment.
    pub fn listed(stored: &Stored, now: Time) -> Self {
        let request = &stored.request;
        // An allowed ask is approved by policy: that is an outcome, and nobody's decision.
        let by_policy = request.outcome.as_deref() == Some("allow");
        let review = request.review.as_ref().filter(|_| !by_policy);
        let decided = request.decided.as_ref().filter(|_| !by_policy || request.status == Status::Revoked);
        RequestView {
            id: request.id.clone(),
            status: request.status,
            outcome: request.outcome.clone(),
            revision: request.revision,
            version: stored.version(),
            digest: request.digest.clone(),
            action: request.action.clone(),
            target: None,
            agent: AgentView { id: request.agent.clone(), name: request.agent_name.clone() },
            executor: request.executor.clone(),
            created_at: request.created,
            expires_at: review.filter(|_| request.status.is_open()).map(|r| r.deadline),
            valid_until: request.valid_until,
            overdue: request.is_overdue(now),
            erased: request.erased.is_some(),
            gates: review.map(gates).unwrap_or_default(),
            question: None,
            decision: decided.map(|d| DecisionView {
                decision: d.status,
                by: d.change.by.clone(),
                at: d.change.at,
                comment: None,
            }),
            code: request.code,
            agent_guidance: request.code.map(Code::guidance).or(guidance(request.status)),
            consume: request
                .consumption
                .as_ref()
                .map(|c| ConsumeView { by: c.by.clone(), consumed_at: c.at }),
        }
    }
}

impl ReviewView {
    /// The reviewer's view of a request at `now`.
    pub fn of(whole: &Whole, now: Time) -> Self {
        let review = whole.stored.request.review.as_ref();
        let ask = whole.ask.as_ref();
        ReviewView {
            request: RequestView::of(whole, now),
            arguments: ask.map(|a| a.action.arguments.clone()),
            justification: ask.and_then(|a| a.justification.as_ref()).map(|words| words.text.clone()),
            on_behalf_of: ask.and_then(|a| a.on_behalf_of.clone()),
            delegation_chain: ask.map(|a| a.delegation_chain.clone()).unwrap_or_default(),
            votes: review.map(votes).unwrap_or_default(),
            excluded: review
                .map(|r| {
                    r.excluded.iter().map(|(p, why)| ExcludedView { person: p.clone(), reasons: why.clone() })
                })
                .map(Iterator::collect)
                .unwrap_or_default(),
        }
    }
}

fn gates(review: &Review) -> Vec<GateView> {
    let view = |gate: &countersign_domain::review::Gate| GateView {
        profile: gate.profile.clone(),
        quorum: gate.quorum,
        approvals: review.approvals(gate),
        level: review.level_of(gate),
    };
    review.gates.iter().map(view).collect()
}

fn votes(review: &Review) -> Vec<VoteView> {
    let view = |vote: &countersign_domain::event::Vote| VoteView {
        person: vote.actor.person.clone(),
        decision: match vote.ballot {
            countersign_domain::event::Ballot::Approve => Decision::Approve,
            countersign_domain::event::Ballot::Reject => Decision::Reject,
        },
        at: vote.at,
        channel: match vote.actor.evidence {
            Evidence::Slack { .. } => "slack",
            Evidence::Api { .. } => "api",
        },
        gates: vote.gates.clone(),
        groups: vote.groups.clone(),
    };
    review.votes.iter().map(view).collect()
}

/// What the agent does next, by the status alone.
fn guidance(status: Status) -> Option<&'static str> {
    Some(match status {
        Status::Pending => {
            "People decide: read the request again with Prefer: wait=25 until the status changes."
        }
        Status::NeedsInfo => {
            "Answer the question by POST to responses, with new arguments if they must change."
        }
        Status::Approved => "Consume it with its digest just before you run exactly this action.",
        Status::Consumed => "Run the action once and report its outcome.",
        Status::Rejected => "People said no: do not ask again unchanged.",
        Status::Expired | Status::Undeliverable => "Nobody decided in time: ask again if it is still wanted.",
        Status::Lapsed => "The approval ran out unused: ask again if it is still wanted.",
        Status::Revoked => "The approval was taken back: do not run the action.",
        Status::Withdrawn => "It was withdrawn: ask anew if it is still wanted.",
        Status::Succeeded | Status::Failed | Status::Unknown | Status::Denied => return None,
    })
}
