//! What a card shows of a request. Pure.

use std::collections::BTreeSet;

use countersign_chat::card::{Answer, Card, CardState, GateState, VoteShown};
use countersign_domain::ids::PersonId;
use countersign_domain::request::Review;
use countersign_domain::{Nonce, Status};
use countersign_policy::Policy;

use crate::store::Whole;

/// A notice holds no word of the agent's: e-mail clients make links of anything.
pub(super) fn notice(card: &Card) -> String {
    let gates: Vec<_> = card.gates.iter().map(|g| format!("{} ({} needed)", g.profile, g.quorum)).collect();
    format!(
        "An agent asks for approval.\n\nRequest: {}\nAgent: {}\nNeeds: {}\n\nDecide in chat or by API; nothing can be decided from this notice.\n",
        card.request,
        card.agent,
        gates.join(", "),
    )
}

/// The card of a request; `None` when nobody was ever to decide, or its ask is not there and was not erased.
pub fn card(whole: &Whole, policy: Option<&Policy>) -> Option<Card> {
    let request = &whole.stored.request;
    let review = request.review.as_ref()?;
    let erased = request.erased.is_some();
    let ask = whole.ask.as_ref().filter(|_| !erased);
    if ask.is_none() && !erased {
        return None;
    }
    let text = |seq: u32| whole.texts.get(&seq).map(|words| words.text.clone());
    Some(Card {
        request: request.id.clone(),
        digest: request.digest.clone(),
        revision: request.revision,
        version: u64::from(whole.stored.version()),
        state: state(whole, policy)?,
        action: request.action.clone(),
        target: ask.map(|ask| ask.action.target.clone()).unwrap_or_default(),
        arguments: ask.map(|ask| ask.action.arguments.clone()).unwrap_or_default(),
        agent_name: ask.map_or_else(|| request.agent_name.clone(), |ask| ask.agent_name.clone()),
        agent: request.agent.clone(),
        on_behalf_of: ask.and_then(|ask| ask.on_behalf_of.clone()),
        delegation_chain: ask.map(|ask| ask.delegation_chain.clone()).unwrap_or_default(),
        executor: request.executor.as_ref().map(ToString::to_string),
        justification: ask.and_then(|ask| ask.justification.as_ref()).map(|words| words.text.clone()),
        answers: review
            .answered
            .iter()
            .filter(|_| !erased)
            .map(|a| Answer {
                asked_by: name(&a.asked_by, policy),
                question: text(a.question).unwrap_or_default(),
                answer: text(a.answer).unwrap_or_default(),
            })
            .collect(),
        // What policy allows needs nobody.
        gates: if request.outcome.as_deref() == Some("allow") { Vec::new() } else { gates(review) },
        votes: votes(review, policy),
        facts: Vec::new(),
        require_comment: review.rules.require_comment,
        erased,
        log: None,
        // What was removed is in no hash any more, so there is nothing to hide.
        nonce: ask.map_or_else(|| Nonce::new([0; 16]), |ask| ask.nonce.clone()),
    })
}

/// Each person's vote once, also where it was cast again for one more gate.
fn votes(review: &Review, policy: Option<&Policy>) -> Vec<VoteShown> {
    let mut seen = BTreeSet::new();
    let first = review.votes.iter().filter(|v| seen.insert(&v.actor.person));
    first.map(|v| VoteShown { person: name(&v.actor.person, policy), ballot: v.ballot }).collect()
}

fn gates(review: &Review) -> Vec<GateState> {
    let state = |gate: &countersign_domain::review::Gate| GateState {
        profile: gate.profile.clone(),
        quorum: gate.quorum,
        approvals: u8::try_from(review.approvals(gate)).unwrap_or(u8::MAX),
        level: review.level_of(gate),
    };
    review.gates.iter().map(state).collect()
}

fn state(whole: &Whole, policy: Option<&Policy>) -> Option<CardState> {
    let request = &whole.stored.request;
    let at = request.changed.at;
    let by = || request.changed.by.iter().map(|person| name(person, policy)).collect::<Vec<_>>();
    let words = |seq: u32| whole.texts.get(&seq).map(|words| words.text.clone());
    let reason = words(request.changed.seq);
    Some(match request.status {
        Status::Pending => CardState::Pending { deadline: request.review.as_ref()?.deadline },
        Status::NeedsInfo => {
            let question = request.review.as_ref()?.question.as_ref()?;
            CardState::NeedsInfo {
                question: words(question.seq).unwrap_or_default(),
                asked_by: name(&question.actor.person, policy),
                answer_by: question.answer_by,
            }
        }
        Status::Approved => CardState::Approved { by: by(), at, valid_until: request.valid_until? },
        // The reason came with the vote, which stands just before.
        Status::Rejected => {
            CardState::Rejected { by: by(), at, reason: words(request.changed.seq.checked_sub(1)?) }
        }
        Status::Expired => CardState::Expired { at },
        Status::Withdrawn => CardState::Withdrawn { at, reason },
        Status::Revoked => CardState::Revoked { by: by().into_iter().next(), at, reason },
        Status::Undeliverable => CardState::Undeliverable { at },
        Status::Lapsed => CardState::Lapsed { at },
        Status::Denied => CardState::Denied { code: request.code?, at },
        Status::Consumed => CardState::Consumed { at },
        Status::Succeeded => CardState::Succeeded { at },
        Status::Failed => CardState::Failed { at },
        Status::Unknown => CardState::Unknown { at },
    })
}

fn name(person: &PersonId, policy: Option<&Policy>) -> String {
    policy.and_then(|p| p.person(person)).map_or_else(|| person.to_string(), |p| p.name.clone())
}
