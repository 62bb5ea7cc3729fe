//! Forgeries, one by one: a lawful history, a change to its leaves, and the first leaf that cannot follow then.

use countersign_domain::event::Event;
use countersign_domain::evolve;
use serde_json::{Value, json};

use crate::kit::{at, request_id};
use crate::notation::run;

fn leaves(history: &str) -> Vec<Value> {
    let ran = run(history);
    ran.last.unwrap_or_else(|refusal| panic!("{history}: {refusal}"));
    ran.history.leaves.iter().map(|leaf| serde_json::from_slice(&leaf.bytes).expect("JSON")).collect()
}

/// The type of the first leaf that cannot follow; empty if all can.
fn refused(leaves: &[Value]) -> String {
    let mut request = None;
    for leaf in leaves {
        let kind = || leaf["type"].as_str().expect("a type").to_owned();
        let Ok(event) = serde_json::from_value::<Event>(leaf.clone()) else { return kind() };
        match evolve(request.as_ref(), &event, Some(&request_id())) {
            Ok(next) => request = Some(next),
            Err(illegal) => {
                assert_eq!(illegal.event, kind());
                assert_eq!(illegal.status, request.map(|r| r.status));
                return kind();
            }
        }
    }
    String::new()
}

/// Edits have spaces between: `-kind` drops the last leaf of that type, `kind>other` moves it before the last of another,
/// `kind/field=value` sets a field of its data (nothing: removes it), `kind@60` its time; `kind!other` makes it another type.
#[track_caller]
fn check(history: &str, edits: &str, expect: &str) {
    let mut leaves = leaves(history);
    assert_eq!(refused(&leaves), "", "{history}");
    for edit in edits.split_whitespace() {
        let find = |leaves: &[Value], kind: &str| {
            let found = leaves.iter().rposition(|leaf| leaf["type"] == kind);
            found.unwrap_or_else(|| panic!("{history}: no {kind}"))
        };
        if let Some(kind) = edit.strip_prefix('-') {
            let i = find(&leaves, kind);
            leaves.remove(i);
        } else if let Some((kind, other)) = edit.split_once('>') {
            let i = find(&leaves, kind);
            let leaf = leaves.remove(i);
            let before = find(&leaves, other);
            leaves.insert(before, leaf);
        } else if let Some((kind, other)) = edit.split_once('!') {
            let i = find(&leaves, kind);
            leaves[i]["type"] = json!(other);
        } else if let Some((place, value)) = edit.split_once('=') {
            let (kind, field) = place.split_once('/').expect("kind/field");
            let i = find(&leaves, kind);
            let (parent, key) = field.rsplit_once('/').unwrap_or(("", field));
            let parent = if parent.is_empty() { "/data".to_owned() } else { format!("/data/{parent}") };
            let parent = leaves[i].pointer_mut(&parent).and_then(Value::as_object_mut).expect("an object");
            match value {
                "" => drop(parent.remove(key)),
                _ => drop(parent.insert(key.to_owned(), self::value(value))),
            }
        } else {
            let (kind, time) = edit.split_once('@').expect("an edit");
            let i = find(&leaves, kind);
            leaves[i]["time"] = self::value(&format!("@{time}"));
        }
    }
    assert_eq!(refused(&leaves), expect, "{history} with {edits}");
}

fn value(text: &str) -> Value {
    match text.strip_prefix('@') {
        Some(seconds) => json!(at(seconds.parse::<i64>().expect("seconds") * 1000)),
        None => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}

/// Whether the last leaf of another history can follow this one.
#[track_caller]
fn check_after(history: &str, other: &str, follows: bool) {
    let mut all = leaves(history);
    all.extend(leaves(other).pop());
    assert_eq!(refused(&all).is_empty(), follows, "{history} then the end of {other}");
}

const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn what_is_recorded_together_stays_together() {
    check("ask; question ann", "-policy.evaluated", "info.requested");
    check("ask deny; refused ann expired", "-request.denied", "decision.refused");
    check("ask; question ann; answer new deny; refused ann expired", "-request.denied", "decision.refused");
    check("ask; approve ann; consume", "-decision.approved", "execution.consumed");
    check("ask; approve ann; withdraw", "-decision.approved", "request.withdrawn");
    check("ask; reject ann; refused ann expired", "-decision.rejected", "decision.refused");
    check(
        "ask rejects=2; question ann; reject ann; reject ben; refused ann expired",
        "-decision.rejected",
        "decision.refused",
    );
    check("ask; question ann; answer new; approve ann", "-policy.evaluated", "vote.cast");
    check("ask; question ann; answer new", "-info.supplied", "request.revised");
    check("ask; sent; question ann; answer new", "notification.sent>request.revised", "request.revised");
    check("ask; sent; question ann; answer new", "notification.sent>policy.evaluated", "notification.sent");
    check("ask; question ann; answer; sent", "notification.sent!request.created", "request.created");
    check_after("ask", "ask", false);
}

#[test]
fn policy_speaks_once_of_each_revision_and_of_no_other() {
    check("ask", &format!("policy.evaluated/digest={OTHER}"), "policy.evaluated");
    check("ask", "policy.evaluated/revision=2", "policy.evaluated");
    check("ask allow ttl=60", "policy.evaluated/valid_until=@61", "policy.evaluated");
    check("ask allow ttl=60", "policy.evaluated/valid_until=", "policy.evaluated");
    check("ask", "policy.evaluated/valid_until=@61", "policy.evaluated");
    check("ask; question ann; answer new", "request.revised/revision=3", "request.revised");
    check("ask deny", "request.denied/code=agent_frozen", "request.denied");
    check("ask deny", "request.denied!request.revised", "request.revised");
    check_after("ask", "ask allow", false);
    check_after("ask; approve ann", "ask allow", false);
    // A denied revision has no votes of the review before it.
    let denied = "policy.evaluated/outcome=deny policy.evaluated/code=policy_denied";
    check("ask; question ann; answer new; approve ann; consume", denied, "vote.cast");
}

#[test]
fn a_vote_is_by_somebody_free_on_this_digest_in_time_and_counts_where_it_may() {
    check("ask bound=ben; approve ann", "vote.cast/person=ben", "vote.cast");
    check("ask for=ben; approve ann", "vote.cast/person=ben", "vote.cast");
    check("ask; approve ann", &format!("vote.cast/digest={OTHER}"), "vote.cast");
    check("ask; approve ann", "vote.cast/groups=[]", "vote.cast");
    check("ask; approve ann", "vote.cast/groups=[\"leads\"]", "vote.cast");
    check("ask; approve ann", "vote.cast/gates=[]", "vote.cast");
    check(
        "ask gate=ops:1 gate=security:1; approve ann",
        "vote.cast/gates=[\"ops\",\"security\"]",
        "vote.cast",
    );
    check("ask gate=ops:1 gate=security:1; approve cyd", "vote.cast/gates=[\"ops\"]", "vote.cast");
    check("ask gate=ops:2; approve ann; approve ben", "vote.cast/person=ann", "vote.cast");
    check("ask; approve ann", "vote.cast/at=@1", "vote.cast");
    check("ask review=60; @59 approve ann", "vote.cast@60 vote.cast/at=@60", "vote.cast");
    check("ask review=60; @59 reject ann", "vote.cast@60 vote.cast/at=@60", "decision.rejected");
    check("ask gate=ops:2; question ann; answer; approve ben", "-info.supplied", "vote.cast");
    check("ask comment; approve ann said", "vote.cast/comment=", "vote.cast");
    check("ask; reject ann", "vote.cast/comment=", "vote.cast");
    check("ask auth=60; approve ann api=60", "vote.cast/auth_time=@-61", "vote.cast");
    check("ask auth=60; approve ann api=60", "vote.cast/auth_time=", "vote.cast");
    check("ask gate=ops:1:0/ops,60/leads; @60 tick; approve dan", "-request.escalated", "vote.cast");
}

#[test]
fn a_second_vote_counts_where_the_first_did_not_and_is_for() {
    let again = "ask gate=ops:3 gate=security:1:0/security,60/ops rejects=2;
        approve ann said; @60 tick; approve ann said";
    check(again, "vote.cast/gates=[\"ops\"]", "vote.cast");
    check(again, "vote.cast/gates=[\"ops\",\"security\"]", "vote.cast");
    check(again, "vote.cast/gates=[]", "vote.cast");
    check(again, "vote.cast/ballot=reject", "vote.cast");
    check(again, "-request.escalated", "vote.cast");
    check_after(again, "ask gate=ops:3; approve ann", false);
    let met = "ask gate=ops:2 gate=security:1; approve ann; approve ben; approve eve";
    check(met, "policy.evaluated/gates/0/quorum=1", "vote.cast");
    check("ask gate=ops:3 rejects=3; approve ben; reject ann", "vote.cast/person=ben", "vote.cast");
    check("ask gate=ops:3 rejects=3; reject ben; approve ann", "vote.cast/person=ben", "vote.cast");
    check("ask gate=ops:3 rejects=3; reject ben; reject ann", "vote.cast/person=ben", "vote.cast");
}

#[test]
fn a_decision_is_what_the_votes_make_it() {
    check("ask gate=ops:2; approve ann; approve ben", "policy.evaluated/gates=[]", "vote.cast");
    check("ask gate=ops:3; approve ann; approve ben; approve cyd", "-vote.cast", "decision.approved");
    check("ask; approve ann", &format!("decision.approved/digest={OTHER}"), "decision.approved");
    check("ask; approve ann", "decision.approved/votes=[]", "decision.approved");
    check("ask ttl=60; approve ann", "decision.approved/valid_until=@61", "decision.approved");
    check(
        "ask review=60 ttl=60; @59 approve ann",
        "decision.approved@60 decision.approved/valid_until=@120",
        "decision.approved",
    );
    check("ask; reject ann", "decision.rejected/votes=[]", "decision.rejected");
    check("ask; reject ann", &format!("decision.rejected/digest={OTHER}"), "decision.rejected");
    check("ask rejects=2; reject ann; reject ben", "-vote.cast", "decision.rejected");
    check("ask rejects=2; reject ann; reject ben", "policy.evaluated/rules/rejects=1", "vote.cast");
    check("ask rejects=2; reject ann; approve ben; consume", "policy.evaluated/rules/rejects=1", "vote.cast");
    check(
        "ask rejects=2 gate=ops:2; reject ann; approve ben; approve cyd said",
        "vote.cast/ballot=reject",
        "decision.approved",
    );
}

#[test]
fn time_is_what_the_rules_make_it() {
    check("ask answer=60; question ann", "info.requested/answer_by=@61", "info.requested");
    check(
        "ask review=60 answer=60; @59 question ann",
        "info.requested@60 info.requested/answer_by=@120",
        "info.requested",
    );
    check("ask answer=60; question ann; @59 answer", "info.supplied@60", "info.supplied");
    check("ask answer=60; question ann; @60 tick", "request.withdrawn@59", "request.withdrawn");
    check("ask bound=ben; question ann", "info.requested/person=ben", "info.requested");
    check("ask for=ben; question ann", "info.requested/person=ben", "info.requested");
    check("ask auth=60; question ann api=60", "info.requested/auth_time=@-61", "info.requested");
    check("ask gate=ops:1:0/ops,60/leads; @60 tick", "request.escalated@59", "request.escalated");
    check("ask gate=ops:1:0/ops,60/leads; @60 tick", "request.escalated/level=2", "request.escalated");
    check("ask review=60; sent; @60 tick", "request.expired@59", "request.expired");
    check("ask review=60; sent; @60 tick", "request.expired/deadline=@59", "request.expired");
    check("ask review=60; sent; @60 tick", "request.expired!request.undeliverable", "request.undeliverable");
    check("ask review=60; @60 tick", "request.undeliverable!request.expired", "request.expired");
    check("ask ttl=60; approve ann; @60 tick", "request.lapsed@59", "request.lapsed");
    check("ask ttl=60; approve ann; @61 tick", "request.lapsed/valid_until=@59", "request.lapsed");
    check("ask ttl=60; approve ann; @59 consume", "execution.consumed@60", "execution.consumed");
}

#[test]
fn what_runs_is_what_was_approved_by_whom_it_is_for() {
    let stranger = crate::kit::agent("stranger");
    check("ask; approve ann; consume", &format!("execution.consumed/by={stranger}"), "execution.consumed");
    check("ask executor; approve ann; consume executor", "request.created/executor=", "execution.consumed");
    check("ask; approve ann; consume", &format!("execution.consumed/digest={OTHER}"), "execution.consumed");
    check(
        "ask; approve ann; consume; failed",
        &format!("execution.failed/by={stranger}"),
        "execution.failed",
    );
    check("ask; approve ann; consume; failed", "-execution.consumed", "execution.failed");
    check_after("ask", "ask; approve ann; consume", false);
    check_after("ask; approve ann; consume", "ask; approve ann; consume a2", false);
    check_after("ask; approve ann; consume; failed", "ask; approve ann; consume; succeeded", false);
}

#[test]
fn an_end_is_final() {
    let unanswered = "ask answer=60; question ann; @60 tick";
    let ends = [
        "ask deny",
        "ask; reject ann",
        "ask answer=60; question ann; reject ben",
        "ask; withdraw",
        "ask answer=60; question ann; withdraw",
        "ask answer=60; question ann; revoke void=0",
        unanswered,
        "ask review=60; @60 tick",
        "ask review=60; sent; @60 tick",
        "ask; approve ann; revoke ben",
        "ask ttl=60; approve ann; @60 tick",
        "ask; approve ann; consume; unknown",
    ];
    let others = [
        "ask; withdraw",
        unanswered,
        "ask; approve ann; revoke ben",
        "ask; approve ann; consume",
        "ask; revoke recovery",
        "ask; revoke void=0",
        "ask; question ann",
        "ask gate=ops:2; approve ann",
        "ask ttl=60; approve ann; @60 tick",
        "ask review=60; @60 tick",
        "ask; approve ann; consume; failed",
    ];
    for end in ends {
        for other in others {
            check_after(end, other, false);
        }
        check_after(end, "ask; withdraw; erase root", true);
        check_after(&format!("{end}; erase root"), "ask; withdraw; erase root", false);
        check_after(&format!("{end}; erase root"), "ask; refused ann expired", true);
        check_after(end, "ask; refused ann expired", true);
        check_after(end, "ask; refused-run stranger forbidden", true);
    }
}

#[test]
fn only_what_may_be_taken_back_is() {
    check_after("ask; approve ann", "ask; approve ann; revoke ben", true);
    check_after("ask", "ask; approve ann; revoke ben", false);
    check_after("ask", "ask; approve ann; revoke policy", false);
    check_after("ask", "ask; revoke recovery", true);
    check_after("ask; approve ann; consume", "ask; revoke recovery", false);
    check_after("ask; approve ann; consume", "ask; withdraw", false);
    check("ask; revoke void=60", "request.revoked/void_before=@-1", "request.revoked");
    let taken_back = "ask auth=60; approve ann; revoke ben api=60";
    check(taken_back, "request.revoked/auth_time=@-61", "request.revoked");
    check(taken_back, "request.revoked/auth_time=", "request.revoked");
    check(taken_back, "request.revoked/groups=", "request.revoked");
}

#[test]
fn notes_are_taken_once() {
    for note in ["sent", "unsent", "refused ann expired", "refused-run stranger forbidden"] {
        check_after("ask", &format!("ask; {note}"), true);
        check_after(&format!("ask; {note}"), &format!("ask; {note}"), false);
    }
    check_after("ask allow", "ask; sent", false);
    check_after("ask deny", "ask; unsent", false);
}

#[test]
fn only_an_admin_erases_and_only_what_has_ended() {
    for live in ["ask", "ask; question ann", "ask; approve ann", "ask allow"] {
        check_after(live, "ask; withdraw; erase root", false);
    }
    check_after("ask; approve ann; consume", "ask; withdraw; erase root", true);
    let erased = "ask; withdraw; erase root api=60";
    check(erased, "data.erased/groups=[]", "data.erased");
    check(erased, "data.erased/groups=[\"ops\"]", "data.erased");
    check(erased, "data.erased/auth_time=", "data.erased");
    check(erased, "data.erased/auth_time=@-901", "data.erased");
    check(erased, "data.erased>request.withdrawn", "data.erased");
}
