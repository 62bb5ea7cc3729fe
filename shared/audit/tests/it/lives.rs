//! Lives that break the rules, told by somebody who holds the log's key and chains and signs all anew.

use serde_json::{Value, json};

use crate::kit::{base, excepts, first, leaf, names, publish, rechained, text, values, verified};
use crate::log::{Export, policy};

/// Changes the leaves and says which one must be named by the check on lives, and how.
fn check(change: impl FnOnce(&mut Vec<Value>) -> usize, words: &str) {
    let mut values = values(base());
    let named = change(&mut values);
    let log = publish(&rechained(values));
    let report = verified(&Export::all(&log).write(&log), &policy(false), None);
    names(&report, 10, &leaf(named));
    let place = leaf(named);
    let found =
        report.findings.iter().find(|f| f.check == 10 && f.place.to_string().contains(&place)).unwrap();
    assert!(found.what.contains(words), "{}", text(&report));
}

/// The leaves of the request whose approval comes next.
fn approved(values: &[Value]) -> (usize, Vec<usize>) {
    let consumed = (250..values.len()).find(|i| {
        let of =
            |kind: &str| values.iter().any(|l| l["subject"] == values[*i]["subject"] && l["type"] == kind);
        values[*i]["type"] == "execution.consumed" && of("decision.approved") && !of("info.requested")
    });
    let subject = &values[consumed.unwrap()]["subject"];
    (consumed.unwrap(), (0..values.len()).filter(|i| values[*i]["subject"] == *subject).collect())
}

#[test]
fn what_ran_is_not_what_was_approved() {
    let other = format!("sha256:{}", "ab".repeat(32));
    check(
        |values| {
            let (consumed, _) = approved(values);
            values[consumed]["data"]["digest"] = json!(other);
            consumed
        },
        "is not what is asked",
    );
}

#[test]
fn it_ran_without_approval() {
    check(
        |values| {
            let (consumed, all) = approved(values);
            let subject = values[consumed]["subject"].clone();
            let before = all.iter().filter(|i| **i < consumed && is_decision(&values[**i])).count();
            values.retain(|leaf| leaf["subject"] != subject || !is_decision(leaf));
            consumed - before
        },
        "without approval",
    );
}

fn is_decision(leaf: &Value) -> bool {
    leaf["type"] == "vote.cast" || leaf["type"] == "decision.approved"
}

#[test]
fn somebody_approved_who_may_not() {
    for (person, words) in [("dan", "is bound to the agent"), ("mallory", "in no group that may decide")] {
        check(
            |values| {
                let (_, all) = approved(values);
                let vote = *all.iter().find(|i| values[**i]["type"] == "vote.cast").unwrap();
                for i in &all {
                    let data = &mut values[*i]["data"];
                    let outsider = person == "mallory";
                    let edit = |vote: &mut Value| {
                        vote["person"] = json!(person);
                        if outsider {
                            vote["groups"] = json!([]);
                        }
                    };
                    if data.get("ballot").is_some() {
                        edit(data);
                    }
                    if let Some(votes) = data.get_mut("votes").and_then(Value::as_array_mut) {
                        votes.iter_mut().for_each(edit);
                    }
                }
                vote
            },
            words,
        );
    }
}

#[test]
fn it_ran_after_its_approval_was_over() {
    check(
        |values| {
            let (consumed, _) = approved(values);
            let time: countersign_domain::Time = values[consumed]["time"].as_str().unwrap().parse().unwrap();
            values[consumed]["time"] = json!(crate::world::at(time.millis() + 16 * 60_000));
            consumed
        },
        "after its approval was over",
    );
}

#[test]
fn it_ran_after_its_end_and_twice() {
    check(
        |values| {
            let (consumed, all) = approved(values);
            let again = values[consumed].clone();
            let last = *all.last().unwrap();
            values.insert(last + 1, again);
            last + 1
        },
        "execution.consumed",
    );
    check(
        |values| {
            let rejected = first(values, "decision.rejected", 250);
            let (consumed, _) = approved(values);
            let mut run = values[consumed].clone();
            for name in ["subject", "rno"] {
                run[name] = values[rejected][name].clone();
            }
            run["time"] = values[rejected]["time"].clone();
            run["data"]["digest"] = values[rejected]["data"]["digest"].clone();
            values.insert(rejected + 1, run);
            rejected + 1
        },
        "after the end",
    );
}

#[test]
fn it_ran_after_its_agent_was_frozen() {
    check(
        |values| {
            let (consumed, all) = approved(values);
            let agent = values[all[0]]["data"]["agent"].clone();
            let frozen = first(values, "agent.frozen", 0);
            let mut freeze = values[frozen].clone();
            values.retain(|leaf| leaf["type"] != "agent.frozen" && leaf["type"] != "agent.unfrozen");
            let gone = if frozen < all[0] { 2 } else { 0 };
            freeze["subject"] = agent;
            freeze["time"] = values[all[0] - gone]["time"].clone();
            freeze["data"]["void_before"] = freeze["time"].clone();
            values.insert(all[0] - gone + 1, freeze);
            consumed - gone + 1
        },
        "was frozen",
    );
}

#[test]
fn an_approval_that_was_quarantined_is_an_exception_and_so_is_what_ran_on_it() {
    let mut values = values(base());
    let (consumed, all) = approved(&values);
    let decision = *all.iter().find(|i| values[**i]["type"] == "decision.approved").unwrap();
    let (gone, run) = (values[decision].clone(), values[consumed].clone());
    let log_itself = values[first(&values, "log.genesis", 0)].clone();
    let mut quarantined = log_itself;
    quarantined["type"] = json!("log.quarantined");
    quarantined["time"] = gone["time"].clone();
    quarantined["data"] = json!({
        "of": gone["subject"], "number": gone["seq"], "hash": "0".repeat(64), "because": "hash", "controls": ["CC7.2"],
    });
    values[decision] = quarantined;
    // What followed it keeps its number: the quarantined event has one.
    let kept: Vec<Value> = all.iter().map(|i| values[*i].clone()).collect();
    let mut leaves = rechained(values);
    for (i, leaf) in all.iter().zip(kept).filter(|(i, _)| **i > decision) {
        leaves[*i] = countersign_domain::canonical::jcs(&leaf);
    }
    let log = publish(&leaves);
    let report = verified(&Export::all(&log).write(&log), &policy(false), None);
    excepts(&report, 9, "by its hash alone");
    excepts(&report, 10, run["id"].as_str().unwrap());
}
