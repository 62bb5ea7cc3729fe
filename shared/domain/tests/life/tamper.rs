//! Forged logs. Whoever holds the key can write any leaves and chain them well; what ran without approval must still
//! not fold. Whatever the fold takes is shown to the auditor, and nothing makes it panic.

use std::cell::Cell;

use countersign_domain::event::{Ballot, Event, Fact, Vote};
use countersign_domain::{AgentId, Request, Status, Time, evolve};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::auditor::audit;
use crate::generate::{for_all, plan};
use crate::history::History;
use crate::kit::{PEOPLE, agent, digest, groups_of, hash, id, request_id, slack};

/// The snapshot that the leaves make, if they can follow each other.
fn fold(leaves: &[Value]) -> Option<Request> {
    fold_on(None, leaves)
}

fn fold_on(start: Option<Request>, leaves: &[Value]) -> Option<Request> {
    let mut request = start;
    for leaf in leaves {
        let event: Event = serde_json::from_value(leaf.clone()).ok()?;
        let next = evolve(request.as_ref(), &event, Some(&request_id())).ok()?;
        let ended = request.filter(|before| before.status.is_end());
        assert!(ended.is_none_or(|before| before.status == next.status), "an end is final: {event:?}");
        request = Some(next);
    }
    request
}

/// The request's leaves as JSON.
fn leaves(history: &History) -> Vec<Value> {
    history.leaves.iter().map(|leaf| serde_json::from_slice(&leaf.bytes).expect("JSON")).collect()
}

/// An event as a leaf, without what the fold does not read.
fn leaf(time: Time, fact: Fact) -> Value {
    let mut leaf = json!(Event { time, fact });
    leaf["subject"] = json!(request_id());
    leaf
}

fn consumed(time: Time, by: AgentId, digest: countersign_domain::Digest) -> Value {
    leaf(time, Fact::Consumed { by, digest, attempt: hash("attempt") })
}

fn time(leaf: &Value) -> Time {
    id(leaf["time"].as_str().expect("a time"))
}

fn after(time: Time, millis: i64) -> Time {
    Time::from_millis(time.millis() + millis)
}

/// On every state that commands lead to, a use is taken just where the auditor finds it right.
#[test]
fn a_use_folds_where_it_may_be_and_nowhere_else() {
    let (right, wrong) = (Cell::new(0), Cell::new(0));
    for_all(80, &plan(20), |plan| {
        let leaves = leaves(&plan.live(|_, _, _| {}));
        let mut request = None;
        for (i, last) in leaves.iter().enumerate() {
            request = fold_on(request, &leaves[i..=i]);
            let now = request.as_ref().expect("a history that was lived through");
            let until = now.valid_until.unwrap_or(after(time(last), 10));
            for (by, used, at) in [
                ("agent", &now.digest, time(last)),
                ("executor", &now.digest, after(until, -1)),
                ("agent", &now.digest, until),
                ("stranger", &now.digest, time(last)),
                ("agent", &digest(now.revision + 1), time(last)),
                ("agent", &digest(now.revision.saturating_sub(1)), time(last)),
            ] {
                let used = consumed(at, agent(by), used.clone());
                let folds = fold_on(Some(now.clone()), std::slice::from_ref(&used)).is_some();
                let mut all = leaves[..=i].to_vec();
                all.push(used);
                let verdict = audit(&all);
                assert_eq!(folds, verdict.is_ok(), "{verdict:?}: {}", json!(all));
                let count = if folds { &right } else { &wrong };
                count.set(count.get() + 1);
            }
        }
    });
    assert!(right.get() > 50 && wrong.get() > 1000, "{} {}", right.get(), wrong.get());
}

/// On every state, a made-up vote of anybody, a decision that rests on it, and a use: taken only if the vote would
/// have been right.
#[test]
fn a_forged_vote_makes_no_approval_that_an_auditor_would_not_grant() {
    let (right, wrong) = (Cell::new(0), Cell::new(0));
    let forgery = (0..PEOPLE.len(), 0..PEOPLE.len(), any::<bool>(), -3_000..60_000_i64);
    for_all(100, &(plan(14), vec(forgery, 12)), |(plan, forgeries)| {
        let leaves = leaves(&plan.live(|_, _, _| {}));
        let mut states = vec![];
        for i in 0..leaves.len() {
            states.push(
                fold_on(states.last().cloned(), &leaves[i..=i]).expect("a history that was lived through"),
            );
        }
        for (i, (who, groups, all_gates, later)) in forgeries.into_iter().enumerate() {
            let i = i % states.len();
            let Some(review) = &states[i].review else { continue };
            let at = after(time(&leaves[i]), later);
            let groups = groups_of(PEOPLE[groups].0);
            let person = PEOPLE[who].0;
            let admitted = review.gates_of(&id(person), &groups);
            let gates = review.gates.iter().enumerate();
            let gates =
                gates.filter(|(n, _)| all_gates || admitted.contains(n)).map(|(_, g)| g.profile.clone());
            let vote = Vote {
                actor: slack(person),
                ballot: Ballot::Approve,
                gates: gates.collect(),
                groups,
                shown: None,
                comment: Some(hash("words")),
                at,
            };
            let digest = states[i].digest.clone();
            let votes = review.votes.iter().cloned().chain([vote.clone()]).collect();
            let valid_until = at + review.rules.approval_ttl;
            let forged = [
                leaf(at, Fact::VoteCast { digest: digest.clone(), vote }),
                leaf(at, Fact::Approved { digest: digest.clone(), votes, valid_until, latency_ms: 0 }),
                consumed(at, agent("agent"), digest),
            ];
            if fold_on(Some(states[i].clone()), &forged).is_none() {
                wrong.set(wrong.get() + 1);
                continue;
            }
            right.set(right.get() + 1);
            let all: Vec<Value> = leaves[..=i].iter().chain(&forged).cloned().collect();
            audit(&all).unwrap_or_else(|wrong| panic!("{wrong}: {}", json!(all)));
        }
    });
    assert!(right.get() > 30 && wrong.get() > 500, "{} {}", right.get(), wrong.get());
}

/// One change to a lawful history.
#[derive(Debug, Clone)]
enum Change {
    Drop(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    /// A leaf of another history.
    Foreign(Index, Index),
    /// One value within one leaf, or one time, becomes another.
    Value(Index, Index, Index),
    /// Something within a leaf is gone.
    Remove(Index, Index),
    /// One person stands wherever another stood.
    Person(usize, usize),
    /// All from one leaf on happens later, or earlier.
    Later(Index, i64),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let person = || 0..PEOPLE.len();
    prop_oneof![
        2 => index().prop_map(Change::Drop),
        1 => (index(), index()).prop_map(|(i, to)| Change::Repeat(i, to)),
        2 => (index(), index()).prop_map(|(i, j)| Change::Swap(i, j)),
        2 => (index(), index()).prop_map(|(i, at)| Change::Foreign(i, at)),
        8 => (index(), index(), index()).prop_map(|(i, place, value)| Change::Value(i, place, value)),
        2 => (index(), index()).prop_map(|(i, place)| Change::Remove(i, place)),
        1 => (person(), person()).prop_map(|(from, to)| Change::Person(from, to)),
        1 => (index(), -100_000..100_000_i64).prop_map(|(i, millis)| Change::Later(i, millis)),
    ]
}

#[test]
fn a_history_that_is_changed_does_not_fold_or_is_still_right() {
    let (taken, refused, ran) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    for_all(120, &(plan(16), plan(16), vec(change(), 25)), |(plan, other, changes)| {
        let lawful = leaves(&plan.live(|_, _, _| {}));
        let other = leaves(&other.live(|_, _, _| {}));
        let end = fold(&lawful).expect("a history that was lived through");
        let used = consumed(time(&lawful[lawful.len() - 1]), agent("agent"), end.digest);
        for (n, change) in changes.into_iter().enumerate() {
            let mut forged = lawful.clone();
            if n % 2 == 0 || end.status == Status::Approved {
                // In the end somebody uses it, by right or not.
                forged.push(used.clone());
            }
            apply(&change, &mut forged, &other);
            match fold(&forged) {
                None => count(&refused),
                Some(request) => {
                    count(&taken);
                    audit(&forged)
                        .unwrap_or_else(|wrong| panic!("{wrong} after {change:?}: {}", json!(forged)));
                    if request.consumption.is_some() {
                        count(&ran);
                    }
                }
            }
        }
    });
    let counts = [&taken, &refused, &ran].map(Cell::get);
    assert!(counts[0] > 400 && counts[1] > 1500 && counts[2] > 100, "{counts:?}");
}

fn apply(change: &Change, leaves: &mut Vec<Value>, other: &[Value]) {
    match change {
        Change::Drop(i) => {
            leaves.remove(i.index(leaves.len()));
        }
        Change::Repeat(i, to) => {
            let leaf = leaves[i.index(leaves.len())].clone();
            leaves.insert(to.index(leaves.len() + 1), leaf);
        }
        Change::Swap(i, j) => {
            let [i, j] = [i, j].map(|index| index.index(leaves.len()));
            leaves.swap(i, j);
        }
        Change::Foreign(i, at) => {
            leaves.insert(at.index(leaves.len() + 1), other[i.index(other.len())].clone());
        }
        Change::Value(i, place, value) => {
            let i = i.index(leaves.len());
            let places = places(&leaves[i], &|value| !value.is_object() && !value.is_array());
            let place = &places[place.index(places.len())];
            if let Some(old) = leaves[i].pointer_mut(place) {
                *old = instead(old, value);
            }
        }
        Change::Remove(i, place) => {
            let i = i.index(leaves.len());
            let places = places(&leaves[i], &|_| true);
            let place = &places[place.index(places.len())];
            let Some((parent, key)) = place.rsplit_once('/') else { return };
            match leaves[i].pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.remove(key)),
                Some(Value::Array(list)) => drop(list.remove(key.parse().expect("an index"))),
                _ => {}
            }
        }
        Change::Person(from, to) => {
            let [from, to] = [from, to].map(|who| format!("{:?}", PEOPLE[*who].0));
            let text = json!(leaves).to_string().replace(&from, &to);
            *leaves = serde_json::from_str(&text).expect("JSON");
        }
        Change::Later(i, millis) => {
            let i = i.index(leaves.len());
            for leaf in &mut leaves[i..] {
                leaf["time"] = json!(after(time(leaf), *millis));
            }
        }
    }
}

/// JSON pointers to what is in the leaf's time, type and data.
fn places(leaf: &Value, wanted: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, at: String, wanted: &dyn Fn(&Value) -> bool, places: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(k, v)| walk(v, format!("{at}/{k}"), wanted, places));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, v)| walk(v, format!("{at}/{i}"), wanted, places));
            }
            _ => {}
        }
        if wanted(value) {
            places.push(at);
        }
    }
    let mut places = vec!["/time".to_owned(), "/type".to_owned()];
    walk(&leaf["data"], "/data".into(), wanted, &mut places);
    places
}

/// Another value of the same kind, or of none.
fn instead(old: &Value, pick: &Index) -> Value {
    let pool: Vec<Value> = match old {
        Value::Bool(old) => vec![json!(!old)],
        Value::Number(old) => {
            let old = old.as_u64().unwrap_or_default();
            let edges = [0, 1, 255, 256, u64::from(u32::MAX), i64::MAX as u64, u64::MAX];
            [old.wrapping_add(1), old.wrapping_sub(1), old * 2]
                .into_iter()
                .chain(edges)
                .map(Value::from)
                .collect()
        }
        Value::String(old) => match old.parse::<Time>() {
            Ok(old) => {
                let near = [-10_000_000, -60_000, -1, 1, 60_000, 10_000_000].map(|millis| after(old, millis));
                near.into_iter()
                    .chain([i64::MIN, i64::MAX].map(Time::from_millis))
                    .map(|t| json!(t))
                    .collect()
            }
            Err(_) if old.starts_with("sha256:") => (0..4).map(|n| json!(digest(n))).collect(),
            Err(_) if old.starts_with("agt_") => {
                ["agent", "executor", "stranger"].iter().map(|name| json!(agent(name))).collect()
            }
            Err(_) => {
                let words = "approve reject allow deny review slack api agent unanswered person frozen recovery policy \
                    vote.cast decision.approved decision.rejected execution.consumed request.withdrawn request.expired \
                    request.undeliverable request.escalated info.supplied group:ops person:sam group:staff ops";
                words.split_whitespace().chain(PEOPLE.map(|(name, _)| name)).map(Value::from).collect()
            }
        },
        _ => vec![Value::Null],
    };
    pool[pick.index(pool.len())].clone()
}
