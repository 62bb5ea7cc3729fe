//! The only way a snapshot changes: one total match over (status, event). Anything else is an illegal event.

use std::collections::BTreeSet;

use super::decide::{assured, may_revoke, revocable};
use super::{Answered, Change, Consumption, Decided, Question, Request, Review, Status};
use crate::event::{Ballot, Event, Fact, RevokedBecause, Vote, WithdrawnBecause};
use crate::ids::RequestId;
use crate::review::{ADMINS, Evaluation, Outcome, is_in};
use crate::time::Time;

/// An event that cannot follow. It means that a log was tampered with, or that this code is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow when the status is {status:?}")]
pub struct IllegalEvent {
    /// The status before; `None` where nothing was recorded yet.
    pub status: Option<Status>,
    /// The event's type.
    pub event: &'static str,
}

/// The request after `event`. `id` is needed for the first event alone, which does not hold it.
///
/// # Errors
/// [`IllegalEvent`] when the event cannot follow.
pub fn evolve(
    request: Option<&Request>,
    event: &Event,
    id: Option<&RequestId>,
) -> Result<Request, IllegalEvent> {
    let illegal = || IllegalEvent { status: request.map(|r| r.status), event: event.fact.kind() };
    let Some(request) = request else {
        return match id {
            Some(id) => create(id, event).ok_or_else(illegal),
            None => Err(illegal()),
        };
    };
    let mut next = request.clone();
    advance(&mut next, event)?;
    Ok(next)
}

/// The same where the snapshot is not needed any more: who reads a million events copies none of them.
///
/// # Errors
/// [`IllegalEvent`] when the event cannot follow. What is left of the snapshot then means nothing.
pub fn advance(request: &mut Request, event: &Event) -> Result<(), IllegalEvent> {
    let illegal = IllegalEvent { status: Some(request.status), event: event.fact.kind() };
    let Some(seq) = request.seq.checked_add(1) else { return Err(illegal) };
    request.seq = seq;
    apply(request, event).ok_or(illegal)
}

fn create(id: &RequestId, event: &Event) -> Option<Request> {
    let Fact::Created { agent, agent_name, action, digest, executor, on_behalf_of, expires_in, .. } =
        &event.fact
    else {
        return None;
    };
    Some(Request {
        id: id.clone(),
        agent: agent.clone(),
        agent_name: agent_name.clone(),
        status: Status::Pending,
        action: action.clone(),
        revision: 1,
        digest: digest.clone(),
        executor: executor.clone(),
        on_behalf_of: on_behalf_of.clone(),
        expires_in: *expires_in,
        created: event.time,
        outcome: None,
        policy_digest: None,
        review: None,
        valid_until: None,
        changed: Change { at: event.time, seq: 1, by: BTreeSet::new() },
        decided: None,
        code: None,
        consumption: None,
        erased: None,
        refused: BTreeSet::new(),
        refused_executions: BTreeSet::new(),
        seq: 1,
    })
}

/// Applies the event; `None` when it cannot follow.
fn apply(request: &mut Request, event: &Event) -> Option<()> {
    if !in_turn(request, &event.fact) {
        return None;
    }
    let status = request.status;
    match &event.fact {
        Fact::Evaluated { revision, digest, evaluation, valid_until, .. } => {
            let until = match &evaluation.outcome {
                Outcome::Allow { approval_ttl, .. } => Some(event.time + *approval_ttl),
                Outcome::Review { .. } | Outcome::Deny { .. } => None,
            };
            let fits = *revision == request.revision && *digest == request.digest && *valid_until == until;
            fits.then(|| evaluate(request, evaluation, until, event.time))
        }
        Fact::Denied { code } => {
            let fits = status == Status::Pending && request.code == Some(*code);
            fits.then(|| end(request, Status::Denied, event.time))
        }
        Fact::Revised { revision, digest, .. } => {
            // New arguments come with an answer only, and are recorded together with it.
            let answer = request.review.as_ref().and_then(|r| r.answered.last()).map(|a| a.answer);
            let fits = status == Status::Pending
                && answer.and_then(|seq| seq.checked_add(1)) == Some(request.seq)
                && Some(*revision) == request.revision.checked_add(1);
            fits.then(|| {
                request.revision = *revision;
                request.digest = digest.clone();
                request.outcome = None;
            })
        }
        Fact::Escalated { level } => {
            let next = |r: &&mut Review| {
                status == Status::Pending
                    && Some(*level) == r.level.checked_add(1)
                    && r.next_level().is_some_and(|at| event.time >= at)
            };
            request.review.as_mut().filter(next)?.level = *level;
            Some(())
        }
        Fact::NotificationSent { to } => request.review.as_mut()?.sent.insert(to.clone()).then_some(()),
        Fact::NotificationFailed { to, .. } => {
            request.review.as_mut()?.failed.insert(to.clone()).then_some(())
        }
        Fact::InfoRequested { digest, actor, groups, answer_by, .. } => {
            let seq = request.seq;
            let bound = !request.recorded_relations(&actor.person).is_empty();
            let fits = status == Status::Pending && !bound && *digest == request.digest;
            let admitted = |r: &&mut Review| fits && !r.gates_of(&actor.person, groups).is_empty();
            let review = request.review.as_mut().filter(admitted)?;
            let in_time = event.time < review.deadline && *answer_by == review.answer_by(event.time);
            if !in_time || assured(Some(review), &actor.evidence, event.time).is_err() {
                return None;
            }
            review.question =
                Some(Question { actor: actor.clone(), seq, at: event.time, answer_by: *answer_by });
            change(request, Status::NeedsInfo, event.time, [actor.person.clone()]);
            Some(())
        }
        Fact::InfoSupplied { .. } => {
            let seq = request.seq;
            let review = request.review.as_mut().filter(|_| status == Status::NeedsInfo)?;
            let question = review.question.take().filter(|q| event.time < q.answer_by)?;
            review.answered.push(Answered {
                asked_by: question.actor.person,
                question: question.seq,
                answer: seq,
            });
            let pause = event.time.millis_since(question.at);
            review.paused_ms = review.paused_ms.saturating_add(pause);
            review.deadline = Time::from_millis(review.deadline.millis().saturating_add_unsigned(pause));
            change(request, Status::Pending, event.time, []);
            Some(())
        }
        Fact::VoteCast { digest, vote } => {
            let fits = status.is_open() && *digest == request.digest && vote.at == event.time;
            if !fits || !independent(request, vote) {
                return None;
            }
            request.review.as_mut()?.votes.push(vote.clone());
            Some(())
        }
        Fact::Approved { digest, votes, valid_until, .. } => {
            let review = request.review.as_ref().filter(|r| status == Status::Pending && r.is_met())?;
            let in_time =
                event.time < review.deadline && *valid_until == event.time + review.rules.approval_ttl;
            if *digest != request.digest || *votes != review.votes || !in_time {
                return None;
            }
            let by: Vec<_> = review
                .votes
                .iter()
                .filter(|v| v.ballot == Ballot::Approve)
                .map(|v| v.actor.person.clone())
                .collect();
            request.valid_until = Some(*valid_until);
            change(request, Status::Approved, event.time, by);
            Some(())
        }
        Fact::Rejected { digest, votes, .. } => {
            let fits = |r: &&Review| r.is_rejected() && status.is_open();
            let review = request.review.as_ref().filter(fits)?;
            if *digest != request.digest || *votes != review.votes {
                return None;
            }
            let by: Vec<_> = review
                .votes
                .iter()
                .filter(|v| v.ballot == Ballot::Reject)
                .map(|v| v.actor.person.clone())
                .collect();
            change(request, Status::Rejected, event.time, by);
            Some(())
        }
        Fact::Expired { deadline } | Fact::Undeliverable { deadline } => {
            let review = request.review.as_ref().filter(|_| status == Status::Pending)?;
            let undeliverable = matches!(event.fact, Fact::Undeliverable { .. });
            let fits = *deadline == review.deadline
                && event.time >= *deadline
                && undeliverable == review.reached_nobody();
            let ended = if undeliverable { Status::Undeliverable } else { Status::Expired };
            fits.then(|| end(request, ended, event.time))
        }
        Fact::Withdrawn { because, .. } => {
            let question = request.review.as_ref().and_then(|r| r.question.as_ref());
            let fits = match because {
                WithdrawnBecause::Agent => status.is_live(),
                WithdrawnBecause::Unanswered => {
                    status == Status::NeedsInfo && question.is_some_and(|q| event.time >= q.answer_by)
                }
            };
            fits.then(|| end(request, Status::Withdrawn, event.time))
        }
        Fact::Revoked { because, groups, .. } => {
            let by = if let RevokedBecause::Person(actor) = because { Some(actor) } else { None };
            let may = by.is_none_or(|actor| {
                may_revoke(request, &actor.person, groups)
                    && assured(request.review.as_ref(), &actor.evidence, event.time).is_ok()
            });
            let by = by.map(|actor| actor.person.clone());
            (may && revocable(request, because)).then(|| change(request, Status::Revoked, event.time, by))
        }
        Fact::Lapsed { valid_until } => {
            let over = request.valid_until == Some(*valid_until) && event.time >= *valid_until;
            (status == Status::Approved && over).then(|| end(request, Status::Lapsed, event.time))
        }
        Fact::Consumed { by, digest, attempt } => {
            let in_time = request.valid_until.is_some_and(|until| event.time < until);
            let fits =
                status == Status::Approved && request.is_party(by) && in_time && *digest == request.digest;
            fits.then(|| {
                request.consumption =
                    Some(Consumption { by: by.clone(), attempt: attempt.clone(), at: event.time });
                end(request, Status::Consumed, event.time);
            })
        }
        Fact::Succeeded { by, .. } => report(request, by, Status::Succeeded, event.time),
        Fact::Failed { by, .. } => report(request, by, Status::Failed, event.time),
        Fact::Unknown { by, .. } => report(request, by, Status::Unknown, event.time),
        Fact::DecisionRefused(refused) => {
            request.refused.insert((refused.person.clone(), refused.code)).then_some(())
        }
        Fact::ExecutionRefused { by, code } => {
            request.refused_executions.insert((by.clone(), *code)).then_some(())
        }
        Fact::DataErased { actor, groups, .. } => {
            let sure = assured(None, &actor.evidence, event.time).is_ok();
            let fits = !status.is_live() && request.erased.is_none() && is_in(groups, ADMINS) && sure;
            fits.then(|| request.erased = Some(event.time))
        }
        Fact::Created { .. }
        | Fact::AgentFrozen { .. }
        | Fact::AgentUnfrozen { .. }
        | Fact::LogGenesis { .. }
        | Fact::LogHeartbeat {}
        | Fact::LogQuarantined { .. }
        | Fact::LogExported { .. }
        | Fact::LogRecovered { .. }
        | Fact::LogKeyAdded { .. }
        | Fact::LogKeyRetired { .. }
        | Fact::LogTamperSuspected { .. } => None,
    }
}

/// Whether the fact leaves out none that is always recorded together with the one before: policy's answer to an
/// ask, the end of one that policy denies, the decision that a vote makes.
fn in_turn(request: &Request, fact: &Fact) -> bool {
    match (request.outcome.as_deref(), &request.review) {
        (None, _) => matches!(fact, Fact::Evaluated { .. }),
        (Some("deny"), _) if request.status.is_open() => matches!(fact, Fact::Denied { .. }),
        (_, Some(review)) if request.status.is_open() && review.is_rejected() => {
            matches!(fact, Fact::Rejected { .. })
        }
        (_, Some(review)) if request.status.is_open() && review.is_met() => {
            matches!(fact, Fact::Approved { .. })
        }
        _ => !matches!(fact, Fact::Evaluated { .. }),
    }
}

/// Whether the vote is by somebody not bound to the agent, counts just where the groups it rested on admit it and
/// it did not count yet, and is cast as the rules of its review ask.
fn independent(request: &Request, vote: &Vote) -> bool {
    let Some(review) = &request.review else { return false };
    let person = &vote.actor.person;
    let counts = review.counts_in(person, &vote.groups, vote.ballot);
    let free = request.recorded_relations(person).is_empty();
    let fits = match vote.ballot {
        Ballot::Approve => {
            request.status == Status::Pending
                && vote.at < review.deadline
                && (vote.comment.is_some() || !review.rules.require_comment)
        }
        Ballot::Reject => vote.comment.is_some(),
    };
    let sure = assured(Some(review), &vote.actor.evidence, vote.at).is_ok();
    free && fits && sure && !vote.gates.is_empty() && vote.gates == counts
}

fn evaluate(request: &mut Request, evaluation: &Evaluation, valid_until: Option<Time>, now: Time) {
    request.outcome = Some(evaluation.outcome.as_str().to_owned());
    request.policy_digest = Some(evaluation.policy_digest.clone());
    // The votes were on another revision. The rest of a review stays: its cards are there to be brought up to date.
    if let Some(review) = &mut request.review {
        review.votes.clear();
    }
    match &evaluation.outcome {
        Outcome::Allow { .. } => {
            request.valid_until = valid_until;
            change(request, Status::Approved, now, []);
        }
        Outcome::Review { gates, rules } => {
            let time = request.expires_in.map_or(rules.review_for, |asked| asked.min(rules.review_for));
            // Channels that have seen the request keep their cards when it is revised.
            let before = request.review.take().map(|r| (r.answered, r.sent, r.failed));
            let (answered, sent, failed) = before.unwrap_or_default();
            request.review = Some(Review {
                gates: gates.clone(),
                rules: rules.clone(),
                excluded: evaluation.excluded.clone(),
                level: 0,
                started: now,
                deadline: now + time,
                paused_ms: 0,
                votes: Vec::new(),
                question: None,
                answered,
                sent,
                failed,
            });
        }
        Outcome::Deny { code } => request.code = Some(*code),
    }
}

fn report(request: &mut Request, by: &crate::AgentId, ended: Status, now: Time) -> Option<()> {
    let fits =
        request.status == Status::Consumed && request.consumption.as_ref().is_some_and(|c| c.by == *by);
    fits.then(|| end(request, ended, now))
}

fn end(request: &mut Request, status: Status, now: Time) {
    change(request, status, now, []);
}

fn change(request: &mut Request, status: Status, at: Time, by: impl IntoIterator<Item = crate::PersonId>) {
    request.status = status;
    request.changed = Change { at, seq: request.seq, by: by.into_iter().collect() };
    if matches!(status, Status::Approved | Status::Rejected | Status::Revoked) {
        request.decided = Some(Decided { status, change: request.changed.clone() });
    }
}
