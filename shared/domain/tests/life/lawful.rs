//! What holds for every sequence of commands.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::{Refusal, Request, Status};
use serde_json::Value;

use crate::auditor::audit;
use crate::generate::{for_all, plan};
use crate::history::History;
use crate::kit::{agent, at, hash};
use crate::plan::{AGENTS, Act, Plan};

/// How often something was seen.
type Seen = BTreeMap<String, u32>;

/// One run over all histories: the fold of what was written is the snapshot, ends are final (both asserted where a
/// command is executed), an auditor finds nothing, and each step did only what it may. Then, that it was not empty.
#[test]
fn no_sequence_of_commands_leads_where_it_must_not() {
    let seen = RefCell::new(Seen::new());
    for_all(1000, &plan(24), |plan| {
        let history = plan.live(|before, act, done| a_step(&mut seen.borrow_mut(), before, act, done));
        let journal: Vec<Value> =
            history.journal.iter().map(|leaf| serde_json::from_slice(leaf).expect("JSON")).collect();
        audit(&journal).unwrap_or_else(|wrong| panic!("{wrong}: {journal:#?}"));
        again(&history);
        count(&mut seen.borrow_mut(), &plan, &history);
    });
    let seen = seen.into_inner();
    for status in Status::ALL {
        assert!(seen.contains_key(status.as_str()), "{status} was never reached: {seen:?}");
    }
    for special in SPECIAL {
        let count = seen.get(special).copied().unwrap_or_default();
        assert!(count >= 5, "{special} was seen {count} times: {seen:?}");
    }
}

/// What the histories must have come to at least, so that the test is about it.
const SPECIAL: [&str; 18] = [
    "consumed after review",
    "consumed after a pause",
    "consumed after two gates",
    "consumed after two people",
    "consumed after a level",
    "consumed after a second vote",
    "consumed after a reject",
    "consumed in a later revision",
    "consumed by the executor",
    "consumed at once",
    "the same attempt again",
    "clock went back",
    "refused self_approval_denied",
    "refused digest_mismatch",
    "refused agent_frozen",
    "refused already_consumed",
    "refused assurance_required",
    "refused expired",
];

fn a_step(seen: &mut Seen, before: &Request, act: &Act, done: Result<&Request, &Refusal>) {
    let mut note = |what: String| *seen.entry(what).or_default() += 1;
    let after = match done {
        Err(refusal) => return note(format!("refused {}", refusal.code())),
        Ok(after) => after,
    };
    if after.changed.at < before.changed.at {
        note("clock went back".into());
    }
    match act {
        // What binds a person today is not in the leaves, so the auditor cannot see it.
        Act::Decide { bound, stale, .. } => assert!(!bound && !stale, "{act:?} was taken"),
        Act::Consume { stale, .. } => {
            assert!(!stale, "{act:?} was taken");
            if after == before {
                note("the same attempt again".into());
            }
        }
        Act::Respond { revision: Some(_), .. } => {
            assert_eq!(after.revision, before.revision + 1);
            let votes = after.review.as_ref().map_or(0, |review| review.votes.len());
            assert_eq!(votes, 0, "votes are reset");
        }
        _ => {}
    }
}

/// Consuming again: the one attempt that did it has its answer while nobody knows how it ended, and no other has any.
fn again(history: &History) {
    let Some(consumption) = history.request.as_ref().and_then(|r| r.consumption.clone()) else { return };
    let mut again = history.clone();
    for (by, attempt) in [(0, 0), (0, 1), (0, 2), (0, 9), (1, 0), (1, 1), (1, 2), (1, 9), (2, 0)] {
        let act = Act::Consume { by, attempt, stale: false };
        let done = act.execute(&mut again, 99_999_999);
        let by = agent(AGENTS[by]);
        let same = consumption.by == by && consumption.attempt == hash(&format!("attempt {attempt}"));
        let may = same && history.status() == Status::Consumed;
        assert_eq!(done.is_ok(), may, "{act:?} on {:?}", history.request);
        assert_eq!(again.request, history.request, "it was given out once");
    }
}

fn count(seen: &mut Seen, plan: &Plan, history: &History) {
    let mut note = |what: &str| *seen.entry(what.to_owned()).or_default() += 1;
    history.statuses.iter().copied().collect::<BTreeSet<_>>().into_iter().for_each(|s| note(s.as_str()));
    let Request { consumption: Some(consumption), review, revision, .. } =
        history.request.as_ref().expect("a request")
    else {
        return;
    };
    if *revision > 1 {
        note("consumed in a later revision");
    }
    if consumption.by != agent("agent") {
        note("consumed by the executor");
    }
    if plan.consume.is_some() && consumption.at == at(0) {
        note("consumed at once");
    }
    let Some(review) = review else { return };
    note("consumed after review");
    let approvals =
        review.votes.iter().filter(|v| v.ballot == countersign_domain::event::Ballot::Approve).count();
    let people = review.votes.iter().map(|v| &v.actor.person).collect::<BTreeSet<_>>().len();
    for (holds, what) in [
        (review.paused_ms > 0, "consumed after a pause"),
        (review.gates.len() > 1, "consumed after two gates"),
        (people > 1, "consumed after two people"),
        (people < review.votes.len(), "consumed after a second vote"),
        (review.level > 0, "consumed after a level"),
        (approvals < review.votes.len(), "consumed after a reject"),
    ] {
        if holds {
            note(what);
        }
    }
}
