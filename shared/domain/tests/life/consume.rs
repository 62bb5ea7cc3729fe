//! The single use of an approval, and what it came to.

use countersign_domain::Code;

use crate::kit::{agent, hash, since_start};
use crate::notation::{check, check_refused, run};

const APPROVED: &str = "ask executor; approve ann";

#[test]
fn only_the_agent_or_the_executor_it_named_may_run() {
    check(&format!("{APPROVED}; consume"), "execution.consumed: consumed");
    check(&format!("{APPROVED}; consume executor"), "execution.consumed: consumed");
    check(&format!("{APPROVED}; consume stranger"), "forbidden: approved");
    check("ask; approve ann; consume executor", "forbidden: approved");
    check("ask allow; consume", "execution.consumed: consumed");
    check("ask; consume", "not_actionable: pending");
    check_refused(
        "ask; approve ann; consume stranger",
        Code::Forbidden,
        "only the agent that asked, or the executor it named, may do this",
    );
}

#[test]
fn the_same_attempt_has_the_same_answer_and_another_none() {
    let consumed = format!("{APPROVED}; @60 consume a1");
    check(&format!("{consumed}; consume a1"), "nothing: consumed");
    check(&format!("{consumed}; @99999 consume a1"), "nothing: consumed");
    check(&format!("{consumed}; consume a2"), "already_consumed: consumed");
    check(&format!("{consumed}; consume executor a1"), "already_consumed: consumed");
    check(&format!("{consumed}; consume executor a2"), "already_consumed: consumed");
    check(&format!("{consumed}; consume stranger a1"), "forbidden: consumed");
    check(&format!("{consumed}; consume a1 #2"), "digest_mismatch: consumed");
    check(&format!("{APPROVED}; consume executor a1; consume executor a1"), "nothing: consumed");
    check(&format!("{APPROVED}; consume executor a1; consume a1"), "already_consumed: consumed");
    for outcome in ["succeeded", "failed", "unknown"] {
        for attempt in ["a1", "a2", "executor a1"] {
            check(
                &format!("{consumed}; {outcome}; consume {attempt}"),
                &format!("already_consumed: {outcome}"),
            );
        }
    }
    let request = run(&format!("{consumed}; @70 consume a1")).history.request.expect("a request");
    let consumption = request.consumption.expect("a consumption");
    assert_eq!((consumption.by, consumption.attempt), (agent("agent"), hash("a1")));
    assert_eq!(since_start(consumption.at), 60_000);
}

#[test]
fn it_runs_what_was_approved_and_nothing_else() {
    check(&format!("{APPROVED}; consume #2"), "digest_mismatch: approved");
    check("ask allow; consume #2", "digest_mismatch: approved");
    check("ask; question ann; answer new; approve ann; consume #1", "digest_mismatch: approved");
    check("ask; question ann; answer new; approve ann; consume #2", "execution.consumed: consumed");
}

#[test]
fn a_mark_voids_what_was_asked_until_then() {
    check(&format!("{APPROVED}; consume void=0"), "agent_frozen: approved");
    check(&format!("{APPROVED}; consume void=60"), "agent_frozen: approved");
    check(&format!("{APPROVED}; consume void=-0.001"), "execution.consumed: consumed");
    check("ask allow; consume void=0", "agent_frozen: approved");
    check("ask allow; consume recovered=0", "not_actionable: approved");
    check(&format!("{APPROVED}; consume recovered=60"), "not_actionable: approved");
    check(&format!("{APPROVED}; consume recovered=-0.001"), "execution.consumed: consumed");
    check(&format!("{APPROVED}; consume; consume recovered=60"), "nothing: consumed");
    check(&format!("{APPROVED}; consume; consume void=60"), "nothing: consumed");
    check("@10 ask; revoke void=9.999", "not_actionable: pending");
    check("@10 ask; revoke void=10", "request.revoked: revoked");
    check("@10 ask; question ann; revoke void=10", "request.revoked: revoked");
    check("@10 ask; approve ann; revoke void=10", "request.revoked: revoked");
    check("@10 ask; approve ann; consume; revoke void=10", "not_actionable: consumed");
    check_refused(
        &format!("{APPROVED}; consume void=0"),
        Code::AgentFrozen,
        "the agent was frozen at 2026-11-25T00:00:00.000Z; what it asked before is void",
    );
}

#[test]
fn an_allowed_ask_may_be_consumed_in_the_same_breath() {
    check("ask allow consume=a1", "request.created policy.evaluated execution.consumed: consumed");
    check("ask allow consume=a1; consume a1", "nothing: consumed");
    check("ask allow consume=a1; consume a2", "already_consumed: consumed");
    check("ask consume=a1", "request.created policy.evaluated: pending");
    check("ask deny consume=a1", "request.created policy.evaluated request.denied: denied");
    check(
        "@10 ask allow consume=a1 void=9.999",
        "request.created policy.evaluated execution.consumed: consumed",
    );
    let void = run_refused("@10 ask allow consume=a1 void=10");
    assert_eq!(void, Code::AgentFrozen);
}

fn run_refused(history: &str) -> Code {
    let ran = run(history);
    assert_eq!(ran.history.request, None, "nothing is recorded");
    ran.last.expect_err(history).code()
}

#[test]
fn who_consumed_says_how_it_ended_once() {
    for outcome in ["succeeded", "failed", "unknown"] {
        let consumed = format!("{APPROVED}; consume executor");
        check(&format!("{consumed}; {outcome} executor"), &format!("execution.{outcome}: {outcome}"));
        check(&format!("{consumed}; {outcome} executor; {outcome} executor"), &format!("nothing: {outcome}"));
        check(&format!("{consumed}; {outcome}"), "forbidden: consumed");
        check(&format!("{consumed}; {outcome} stranger"), "forbidden: consumed");
        check(&format!("{consumed}; {outcome} executor; {outcome}"), &format!("not_actionable: {outcome}"));
        check(&format!("{APPROVED}; {outcome}"), "not_actionable: approved");
    }
    check(&format!("{APPROVED}; consume; unknown; succeeded"), "not_actionable: unknown");
    check(&format!("{APPROVED}; consume; failed; succeeded"), "not_actionable: failed");
    // However late: the outcome is a fact.
    check(&format!("{APPROVED}; consume; @999999 failed"), "execution.failed: failed");
}
