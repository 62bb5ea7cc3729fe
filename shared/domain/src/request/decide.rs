//! Which events a command makes, or why it is refused. Pure: all it rests on is in the snapshot and the command.

use std::collections::BTreeSet;

use super::command::{Command, Consume, Create, Decide, NewRevision};
use super::evolve::evolve;
use super::{MAX_REFUSALS, Request, Review, Status};
use crate::event::{
    Ballot, Decision, Event, Evidence, ExecutionOutcome, Fact, RevokedBecause, Vote, WithdrawnBecause,
};
use crate::ids::{AgentId, GroupName, PersonId};
use crate::refusal::Refusal;
use crate::review::{ADMINS, Evaluation, Outcome, Reviewer, is_in};
use crate::time::{Seconds, Time};

/// The events that `command` makes of the request as it stands (`None`: it does not exist yet), at `now`.
///
/// No events means that what is asked for is so already.
///
/// # Errors
/// A [`Refusal`]; nothing happened then.
pub fn decide(request: Option<&Request>, command: Command, now: Time) -> Result<Vec<Event>, Refusal> {
    let facts = match (request, command) {
        (None, Command::Create(create)) => return create_request(*create, now),
        (Some(_), Command::Create(_)) => return Err(Refusal::Exists),
        (None, _) => return Err(Refusal::NotYours),
        (Some(request), Command::Respond { agent, answer, revision }) => {
            owned(request, &agent)?;
            let revision = revision.map(|r| *r);
            respond(request, Fact::InfoSupplied { answer }, revision, now)?
        }
        (Some(request), Command::Withdraw { agent, reason }) => {
            owned(request, &agent)?;
            if request.status == Status::Withdrawn {
                return Ok(Vec::new());
            }
            live(request)?;
            vec![Fact::Withdrawn { because: WithdrawnBecause::Agent, reason }]
        }
        (Some(request), Command::Decide(decide)) => person_decides(request, *decide, now)?,
        (Some(request), Command::Consume(consume)) => consume_approval(request, consume, now)?,
        (Some(request), Command::Report { by, outcome, detail }) => {
            let consumed_by = request.consumption.as_ref().map(|c| &c.by);
            match (request.status, consumed_by == Some(&by)) {
                (Status::Consumed, true) => vec![report(by, outcome, detail)],
                (Status::Consumed, false) => return Err(Refusal::NotYours),
                (status, true) if status == reported(outcome) => return Ok(Vec::new()),
                (status, _) => return Err(Refusal::NotActionable(status)),
            }
        }
        (Some(request), Command::Revoke { because, groups, reason }) => {
            revoke(request, because, groups, reason, now)?
        }
        (Some(request), Command::Erase { by, groups, reason }) => {
            if !is_in(&groups, ADMINS) {
                return Err(Refusal::NotEligible);
            }
            if request.status.is_live() {
                return Err(Refusal::NotActionable(request.status));
            }
            assured(None, &by.evidence, now)?;
            if request.erased.is_some() {
                return Ok(Vec::new());
            }
            let groups = groups.into_iter().filter(|group| group.as_str() == ADMINS).collect();
            vec![Fact::DataErased { actor: by, groups, reason }]
        }
        (Some(request), Command::Tick) => due(request, now),
        (Some(request), Command::RecordSent { to }) => match &request.review {
            Some(review) if !review.sent.contains(&to) => vec![Fact::NotificationSent { to }],
            _ => Vec::new(),
        },
        (Some(request), Command::RecordNotSent { to, error }) => match &request.review {
            Some(review) if !review.failed.contains(&to) => vec![Fact::NotificationFailed { to, error }],
            _ => Vec::new(),
        },
        (Some(request), Command::RecordRefusedDecision(refused)) => {
            let known = request.refused.contains(&(refused.person.clone(), refused.code));
            if known || request.refused.len() >= MAX_REFUSALS {
                return Ok(Vec::new());
            }
            vec![Fact::DecisionRefused(refused)]
        }
        (Some(request), Command::RecordRefusedExecution { by, code }) => {
            let known = request.refused_executions.contains(&(by.clone(), code));
            if known || request.refused_executions.len() >= MAX_REFUSALS {
                return Ok(Vec::new());
            }
            vec![Fact::ExecutionRefused { by, code }]
        }
    };
    Ok(facts.into_iter().map(|fact| Event { time: now, fact }).collect())
}

fn create_request(create: Create, now: Time) -> Result<Vec<Event>, Refusal> {
    let consume = create.consume;
    let created = Fact::Created {
        agent: create.agent.id,
        agent_name: create.agent.name,
        action: create.action,
        digest: create.digest.clone(),
        executor: create.executor,
        on_behalf_of: create.on_behalf_of,
        expires_in: create.expires_in,
        justification: create.justification,
    };
    let mut events = vec![Event { time: now, fact: created }];
    let revision = NewRevision {
        digest: create.digest,
        justification: None,
        evaluation: create.evaluation,
        recorded: create.recorded,
    };
    events.extend(evaluated(1, revision, now).into_iter().map(|fact| Event { time: now, fact }));

    // An allowed ask may be consumed in the same breath, by the same rules as at any later time.
    let Some(consume) = consume else { return Ok(events) };
    let mut steps = events.iter();
    let request = steps.try_fold(None, |request: Option<Request>, event| {
        evolve(request.as_ref(), event, Some(&create.id)).map(Some)
    });
    // Events that cannot follow are told by whoever folds them, which is before anything is recorded.
    if let Ok(Some(request)) = request
        && request.status == Status::Approved
    {
        let facts = consume_approval(&request, consume, now)?;
        events.extend(facts.into_iter().map(|fact| Event { time: now, fact }));
    }
    Ok(events)
}

/// What policy's answer to a revision makes of the request.
fn evaluated(revision: u32, new: NewRevision, now: Time) -> Vec<Fact> {
    let NewRevision { digest, evaluation, recorded, .. } = new;
    let denied = match &evaluation {
        Evaluation { outcome: Outcome::Deny { code }, .. } => Some(Fact::Denied { code: *code }),
        _ => None,
    };
    let valid_until = match &evaluation.outcome {
        Outcome::Allow { approval_ttl, .. } => Some(now + *approval_ttl),
        _ => None,
    };
    let fact = Fact::Evaluated { revision, digest, evaluation, recorded, valid_until };
    std::iter::once(fact).chain(denied).collect()
}

fn owned(request: &Request, agent: &AgentId) -> Result<(), Refusal> {
    if request.agent == *agent { Ok(()) } else { Err(Refusal::NotYours) }
}

fn live(request: &Request) -> Result<(), Refusal> {
    if request.status.is_live() { Ok(()) } else { Err(Refusal::NotActionable(request.status)) }
}

fn respond(
    request: &Request,
    supplied: Fact,
    revision: Option<NewRevision>,
    now: Time,
) -> Result<Vec<Fact>, Refusal> {
    let question = request.review.as_ref().and_then(|r| r.question.as_ref());
    let (Status::NeedsInfo, Some(question)) = (request.status, question) else {
        return Err(Refusal::NotActionable(request.status));
    };
    if now >= question.answer_by {
        return Err(Refusal::Expired(question.answer_by));
    }
    let mut facts = vec![supplied];
    if let Some(new) = revision {
        let number = request.revision + 1;
        let revised = Fact::Revised {
            revision: number,
            digest: new.digest.clone(),
            justification: new.justification.clone(),
        };
        facts.push(revised);
        facts.extend(evaluated(number, new, now));
    }
    Ok(facts)
}

fn person_decides(request: &Request, decide: Decide, now: Time) -> Result<Vec<Fact>, Refusal> {
    let review = match (&request.review, request.status.is_open()) {
        (Some(review), true) => review,
        _ => return Err(Refusal::AlreadyDecided(request.status)),
    };
    if decide.digest != request.digest {
        return Err(Refusal::DigestMismatch { revision: request.revision });
    }
    if decide.answers.is_some_and(|seen| usize::try_from(seen) != Ok(review.answered.len())) {
        return Err(Refusal::Answered);
    }
    eligible(request, review, &decide)?;
    assured(Some(review), &decide.actor.evidence, now)?;

    match decide.decision {
        Decision::RequestInfo => request_info(request, review, decide, now),
        Decision::Approve if request.status == Status::NeedsInfo => {
            Err(Refusal::NotActionable(request.status))
        }
        Decision::Approve if now >= review.deadline => Err(Refusal::Expired(review.deadline)),
        Decision::Approve if review.rules.require_comment && decide.text.is_none() => {
            Err(Refusal::CommentRequired)
        }
        Decision::Approve => vote(request, review, decide, Ballot::Approve, now),
        Decision::Reject if decide.text.is_none() => Err(Refusal::CommentRequired),
        Decision::Reject => vote(request, review, decide, Ballot::Reject, now),
    }
}

/// Whether a gate admits the person. What binds people to the agent is the recorded and today's, both.
fn eligible(request: &Request, review: &Review, decide: &Decide) -> Result<(), Refusal> {
    let person = &decide.actor.person;
    let mut relations = request.recorded_relations(person);
    relations.extend(&decide.relations);
    if !relations.is_empty() {
        return Err(Refusal::SelfApproval(relations));
    }
    if review.gates_of(person, &decide.groups).is_empty() { Err(Refusal::NotEligible) } else { Ok(()) }
}

/// The oldest sign-in where no profile says one.
const MAX_AUTH_AGE: Seconds = Seconds(15 * 60);

/// A token must rest on a recent sign-in. A chat platform says nothing of sign-ins; its signature is fresh.
pub(crate) fn assured(review: Option<&Review>, evidence: &Evidence, now: Time) -> Result<(), Refusal> {
    let max_age = review.map_or(MAX_AUTH_AGE, |r| r.rules.max_auth_age);
    match evidence {
        Evidence::Slack { .. } => Ok(()),
        Evidence::Api { auth_time: Some(signed_in), .. } if *signed_in + max_age >= now => Ok(()),
        Evidence::Api { .. } => Err(Refusal::AssuranceRequired { max_age }),
    }
}

fn request_info(request: &Request, review: &Review, decide: Decide, now: Time) -> Result<Vec<Fact>, Refusal> {
    if request.status == Status::NeedsInfo {
        return Err(Refusal::NotActionable(request.status));
    }
    if now >= review.deadline {
        return Err(Refusal::Expired(review.deadline));
    }
    let question = decide.text.ok_or(Refusal::CommentRequired)?;
    Ok(vec![Fact::InfoRequested {
        digest: request.digest.clone(),
        groups: rested_on(review, &decide.actor.person, decide.groups),
        actor: decide.actor,
        shown: decide.shown,
        question,
        answer_by: review.answer_by(now),
    }])
}

fn vote(
    request: &Request,
    review: &Review,
    decide: Decide,
    ballot: Ballot,
    now: Time,
) -> Result<Vec<Fact>, Refusal> {
    let gates = review.counts_in(&decide.actor.person, &decide.groups, ballot);
    if gates.is_empty() {
        let voted = review.votes.iter().any(|v| v.actor.person == decide.actor.person);
        return Err(if voted { Refusal::AlreadyVoted } else { Refusal::GatesMet });
    }
    let vote = Vote {
        groups: rested_on(review, &decide.actor.person, decide.groups),
        gates,
        actor: decide.actor,
        ballot,
        shown: decide.shown,
        comment: decide.text,
        at: now,
    };
    let mut after = review.clone();
    after.votes.push(vote.clone());
    let digest = request.digest.clone();
    let mut facts = vec![Fact::VoteCast { digest: digest.clone(), vote }];
    let latency_ms = now.millis_since(request.created);
    if after.is_rejected() {
        facts.push(Fact::Rejected { digest, votes: after.votes, latency_ms });
    } else if ballot == Ballot::Approve && after.is_met() {
        let valid_until = now + review.rules.approval_ttl;
        facts.push(Fact::Approved { digest, votes: after.votes, valid_until, latency_ms });
    }
    Ok(facts)
}

/// The groups by which the gates admit the person: the log need not know what else a person belongs to.
fn rested_on(review: &Review, person: &PersonId, groups: BTreeSet<GroupName>) -> BTreeSet<GroupName> {
    let gates = review.gates_of(person, &groups).into_iter().map(|i| &review.gates[i]);
    let named: BTreeSet<&Reviewer> = gates.flat_map(|g| &g.levels).flat_map(|l| &l.reviewers).collect();
    groups.into_iter().filter(|group| named.contains(&Reviewer::Group(group.clone()))).collect()
}

fn consume_approval(request: &Request, consume: Consume, now: Time) -> Result<Vec<Fact>, Refusal> {
    if !request.is_party(&consume.by) {
        return Err(Refusal::NotYours);
    }
    match (request.status, &request.consumption) {
        (Status::Consumed, Some(first)) if first.by == consume.by && first.attempt == consume.attempt => {
            return match consume.digest == request.digest {
                true => Ok(Vec::new()),
                false => Err(Refusal::DigestMismatch { revision: request.revision }),
            };
        }
        (_, Some(_)) => return Err(Refusal::AlreadyConsumed),
        (Status::Approved, None) => {}
        (Status::Lapsed, None) => return Err(Refusal::Expired(request.valid_until.unwrap_or(now))),
        (status, None) => return Err(Refusal::NotActionable(status)),
    }
    if consume.digest != request.digest {
        return Err(Refusal::DigestMismatch { revision: request.revision });
    }
    if let Some(mark) = consume.void_before.filter(|mark| request.created <= *mark) {
        return Err(Refusal::Void(mark));
    }
    if let Some(mark) = consume.recovered.filter(|mark| request.created <= *mark) {
        return Err(Refusal::Recovered(mark));
    }
    match request.valid_until {
        Some(until) if now < until => {}
        until => return Err(Refusal::Expired(until.unwrap_or(now))),
    }
    Ok(vec![Fact::Consumed { by: consume.by, digest: consume.digest, attempt: consume.attempt }])
}

fn report(by: AgentId, outcome: ExecutionOutcome, detail: Option<crate::Digest>) -> Fact {
    match outcome {
        ExecutionOutcome::Succeeded => Fact::Succeeded { by, detail },
        ExecutionOutcome::Failed => Fact::Failed { by, detail },
        ExecutionOutcome::Unknown => Fact::Unknown { by, detail },
    }
}

fn reported(outcome: ExecutionOutcome) -> Status {
    match outcome {
        ExecutionOutcome::Succeeded => Status::Succeeded,
        ExecutionOutcome::Failed => Status::Failed,
        ExecutionOutcome::Unknown => Status::Unknown,
    }
}

fn revoke(
    request: &Request,
    because: RevokedBecause,
    groups: BTreeSet<GroupName>,
    reason: Option<crate::Digest>,
    now: Time,
) -> Result<Vec<Fact>, Refusal> {
    if !revocable(request, &because) {
        return Err(Refusal::NotActionable(request.status));
    }
    let mut rested = BTreeSet::new();
    if let RevokedBecause::Person(actor) = &because {
        if !may_revoke(request, &actor.person, &groups) {
            return Err(Refusal::NotEligible);
        }
        assured(request.review.as_ref(), &actor.evidence, now)?;
        rested.extend(groups.iter().filter(|g| g.as_str() == ADMINS).cloned());
        rested.extend(request.review.iter().flat_map(|r| rested_on(r, &actor.person, groups.clone())));
    }
    Ok(vec![Fact::Revoked { because, groups: rested, reason }])
}

/// Whether a person of these groups may take an approval back: its reviewers of the level reached, and admins.
pub(super) fn may_revoke(request: &Request, person: &PersonId, groups: &BTreeSet<GroupName>) -> bool {
    let reviews = request.review.as_ref().is_some_and(|r| !r.gates_of(person, groups).is_empty());
    reviews || is_in(groups, ADMINS)
}

/// Whether the request can be taken back as it stands.
pub(super) fn revocable(request: &Request, because: &RevokedBecause) -> bool {
    match because {
        // A person rejects what is open; only an approval can be taken back.
        RevokedBecause::Person(_) | RevokedBecause::Policy => request.status == Status::Approved,
        RevokedBecause::Frozen { void_before } => request.status.is_live() && request.created <= *void_before,
        RevokedBecause::Recovery => request.status.is_live(),
    }
}

/// What time alone makes of the request. One step at a time: the caller repeats until nothing is due.
fn due(request: &Request, now: Time) -> Vec<Fact> {
    match (request.status, &request.review) {
        (Status::Pending, Some(review)) if now >= review.deadline => {
            let deadline = review.deadline;
            match review.reached_nobody() {
                true => vec![Fact::Undeliverable { deadline }],
                false => vec![Fact::Expired { deadline }],
            }
        }
        (Status::Pending, Some(review)) if review.next_level().is_some_and(|at| now >= at) => {
            vec![Fact::Escalated { level: review.level.saturating_add(1) }]
        }
        (Status::NeedsInfo, Some(Review { question: Some(question), .. })) if now >= question.answer_by => {
            vec![Fact::Withdrawn { because: WithdrawnBecause::Unanswered, reason: None }]
        }
        (Status::Approved, _) => match request.valid_until {
            Some(valid_until) if now >= valid_until => vec![Fact::Lapsed { valid_until }],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
