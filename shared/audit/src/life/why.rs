//! Why an event cannot follow, in words for a person: the decider says only that it cannot.

use countersign_domain::request::IllegalEvent;
use countersign_domain::{Digest, Event, Fact, PersonId, Request, Status};

/// Why. The snapshot is what the decider left of it.
pub fn why(request: Option<&Request>, event: &Event, illegal: &IllegalEvent) -> String {
    let reason = request.map_or_else(
        || Some("a life begins with request.created".to_owned()),
        |request| reason(request, event, illegal.status.unwrap_or(request.status)),
    );
    match reason {
        Some(reason) => format!("{illegal}: {reason}"),
        None => illegal.to_string(),
    }
}

fn reason(request: &Request, event: &Event, status: Status) -> Option<String> {
    match &event.fact {
        Fact::Consumed { by, digest, .. } => {
            let until = request.valid_until.filter(|until| event.time >= *until);
            let over = until.map(|until| format!("it ran after its approval was over, at {until}"));
            let approved = status == Status::Approved;
            let reason = (!approved).then(|| format!("it ran without approval, the request was {status}"));
            let stranger = !request.is_party(by);
            reason
                .or_else(|| other_digest(request, digest, "what ran"))
                .or(over)
                .or_else(|| stranger.then(|| format!("it ran for {by}, whose request it is not")))
        }
        Fact::VoteCast { digest, vote } => {
            let person = &vote.actor.person;
            let review = request.review.as_ref();
            let late = review.is_some_and(|review| vote.at >= review.deadline);
            let eligible = review.is_some_and(|review| !review.gates_of(person, &vote.groups).is_empty());
            bound(request, person)
                .or_else(|| other_digest(request, digest, "what was voted on"))
                .or_else(|| (!status.is_open()).then(|| format!("the vote is on what was {status}")))
                .or_else(|| (!eligible).then(|| format!("{person} is in no group that may decide")))
                .or_else(|| late.then(|| format!("{person} voted after the time to decide")))
        }
        Fact::Approved { digest, .. } => {
            let met = request.review.as_ref().is_some_and(countersign_domain::request::Review::is_met);
            let late = request.review.as_ref().is_some_and(|review| event.time >= review.deadline);
            other_digest(request, digest, "what was approved")
                .or_else(|| (!met).then(|| "a gate has not its quorum".to_owned()))
                .or_else(|| late.then(|| "the time to decide was over".to_owned()))
        }
        Fact::InfoRequested { actor, .. } => bound(request, &actor.person),
        _ => None,
    }
}

fn other_digest(request: &Request, digest: &Digest, what: &str) -> Option<String> {
    (*digest != request.digest)
        .then(|| format!("{what} ({digest}) is not what is asked ({})", request.digest))
}

fn bound(request: &Request, person: &PersonId) -> Option<String> {
    let excluded = request.review.as_ref().is_some_and(|review| review.excluded.contains_key(person));
    let bound = excluded || request.on_behalf_of.contains_key(person);
    bound.then(|| format!("{person} is bound to the agent and may not decide"))
}
