//! New arguments are a new ask under the same id.

use countersign_domain::{Code, Status};

use crate::kit::{digest, since_start};
use crate::notation::{check, run};

#[test]
fn policy_is_asked_anew() {
    let asked = "ask; question ann";
    check(&format!("{asked}; answer new"), "info.supplied request.revised policy.evaluated: pending");
    check(&format!("{asked}; answer new allow"), "info.supplied request.revised policy.evaluated: approved");
    check(
        &format!("{asked}; answer new deny"),
        "info.supplied request.revised policy.evaluated request.denied: denied",
    );
    check(&format!("{asked}; answer new gate=security:1; approve ann"), "not_eligible: pending");
    check(
        &format!("{asked}; answer new gate=security:1; approve eve"),
        "vote.cast decision.approved: approved",
    );
    check(&format!("{asked}; answer new bound=ann; approve ann"), "self_approval_denied: pending");
    check("ask bound=ann; question ben; answer new; approve ann", "vote.cast decision.approved: approved");
    // Whom the agent acts for is not the arguments'.
    check("ask for=ann; question ben; answer new; approve ann", "self_approval_denied: pending");
    check(&format!("{asked}; answer new allow; consume #1"), "digest_mismatch: approved");
    check(&format!("{asked}; answer new allow; consume #2"), "execution.consumed: consumed");

    let denied = run(&format!("{asked}; answer new deny=agent_frozen")).history.request.expect("a request");
    assert_eq!((denied.code, denied.outcome.as_deref()), (Some(Code::AgentFrozen), Some("deny")));
}

#[test]
fn an_answer_that_a_person_did_not_see_stops_their_decision() {
    check("ask; approve ann seen=0", "vote.cast decision.approved: approved");
    let answered = "ask; question ann; answer";
    for decision in ["approve", "reject", "question"] {
        check(&format!("{answered}; {decision} ben seen=0"), "stale_version: pending");
    }
    check(&format!("{answered}; approve ben seen=1"), "vote.cast decision.approved: approved");
    check(&format!("{answered}; approve ben"), "vote.cast decision.approved: approved");
    // New arguments do not begin the count anew.
    check(&format!("{answered} new; approve ben seen=0"), "stale_version: pending");
    check(&format!("{answered} new; approve ben seen=1"), "vote.cast decision.approved: approved");
}

#[test]
fn votes_are_reset() {
    let voted = "ask gate=ops:2; approve ann; question ben";
    check(&format!("{voted}; answer; approve ben"), "vote.cast decision.approved: approved");
    check(&format!("{voted}; answer new gate=ops:2; approve ben"), "vote.cast: pending");
    check(
        &format!("{voted}; answer new gate=ops:2; approve ben; approve ann"),
        "vote.cast decision.approved: approved",
    );
    check(
        "ask rejects=2; reject ann; question ben; answer new rejects=2; reject ben; approve cyd",
        "vote.cast decision.approved: approved",
    );
    let denied = run(&format!("{voted}; answer new deny")).history.request.expect("a request");
    assert_eq!(denied.review.expect("the review that was").votes, []);
}

#[test]
fn what_policy_allows_now_keeps_what_was_asked_and_shown_but_no_vote() {
    let allowed = "ask gate=ops:2; sent C01; approve ann; question ben; answer new allow";
    let request = run(allowed).history.request.expect("a request");
    assert_eq!((request.status, request.changed.by.len()), (Status::Approved, 0));
    let review = request.review.expect("the review that was");
    assert_eq!((review.votes.len(), review.answered.len(), review.sent.len()), (0, 1, 1));
    check(&format!("{allowed}; approve ann"), "already_decided: approved");
    // Who was asked may still take it back.
    check(&format!("{allowed}; revoke ben"), "request.revoked: revoked");
    check(&format!("{allowed}; revoke sam"), "not_eligible: approved");
    check(&format!("{allowed}; consume"), "execution.consumed: consumed");
}

#[test]
fn times_and_levels_start_anew_and_what_was_said_and_shown_is_kept() {
    let history = "ask review=100 answer=100 gate=ops:1:0/ops,20/leads; sent COPS0; unsent COPS1; @30 tick;
        @40 question dan; @50 answer new review=100 answer=100 gate=ops:1:0/ops,20/leads";
    let request = run(history).history.request.expect("a request");
    assert_eq!((request.revision, &request.digest, request.status), (2, &digest(2), Status::Pending));
    let review = request.review.expect("a review");
    assert_eq!((review.level, review.paused_ms, since_start(review.started)), (0, 0, 50_000));
    assert_eq!(since_start(review.deadline), 150_000);
    assert_eq!(review.answered.len(), 1);
    assert_eq!((review.sent.len(), review.failed.len()), (1, 1));
    // The whole cap is there again.
    check(&format!("{history}; @60 question ann"), "info.requested: needs_info until 160");
    check(&format!("{history}; @60 question ann; @159.999 answer"), "info.supplied: pending");
}

#[test]
fn a_revision_may_follow_another() {
    let twice = "ask; question ann; answer new; question ann; answer new";
    check(&format!("{twice}; approve ann #2"), "digest_mismatch: pending");
    check(&format!("{twice}; approve ann #3; consume #2"), "digest_mismatch: approved");
    check(&format!("{twice}; approve ann #3; consume #3"), "execution.consumed: consumed");
}
