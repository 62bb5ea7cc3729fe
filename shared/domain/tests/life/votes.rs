//! Who may decide, what a vote counts for, and what refuses it.

use countersign_domain::Code;

use crate::kit::{digest, groups};
use crate::notation::{check, check_refused, run};

#[test]
fn one_of_one_gate() {
    check("ask; approve ann", "vote.cast decision.approved: approved");
    check("ask; reject ann", "vote.cast decision.rejected: rejected");
    check("ask; approve sam", "not_eligible: pending");
    check("ask; reject sam", "not_eligible: pending");
    check("ask; question sam", "not_eligible: pending");
    check("ask gate=ops:1:0/@sam; approve sam", "vote.cast decision.approved: approved");
    // Today's groups hold, not those of another day.
    check("ask; approve ann in=", "not_eligible: pending");
    check("ask; approve sam in=ops", "vote.cast decision.approved: approved");
    // No admin is a reviewer by being one.
    check("ask; approve root", "not_eligible: pending");
}

#[test]
fn a_quorum_is_of_different_people() {
    check("ask gate=ops:2; approve ann", "vote.cast: pending");
    check("ask gate=ops:2; approve ann; approve ben", "vote.cast decision.approved: approved");
    check("ask gate=ops:2; approve ann; approve ann", "already_decided: pending");
    check("ask gate=ops:2; approve ann; approve ann api=0", "already_decided: pending");
    check("ask gate=ops:2; approve ann; reject ann", "already_decided: pending");
    check("ask gate=ops:3; approve ann; approve ben; approve cyd", "vote.cast decision.approved: approved");
    check_refused(
        "ask gate=ops:2; approve ann; approve ann",
        Code::AlreadyDecided,
        "you have voted on this revision already",
    );
    // A gate of nobody is nobody's.
    check("ask gate=ops:0; approve sam", "not_eligible: pending");
    check("ask gate=ops:0; approve ann", "vote.cast decision.approved: approved");
}

#[test]
fn all_gates_must_be_met_and_one_vote_counts_in_each_of_the_persons() {
    let two = "ask gate=ops:1 gate=security:1";
    check(&format!("{two}; approve ann"), "vote.cast: pending");
    // What has its quorum takes no more votes for, but one against.
    check_refused(
        &format!("{two}; approve ann; approve ben"),
        Code::AlreadyDecided,
        "the gates that you decide in have their approvals already",
    );
    check(&format!("{two}; approve ann; reject ben"), "vote.cast decision.rejected: rejected");
    check(&format!("{two}; approve ann; approve eve"), "vote.cast decision.approved: approved");
    check(&format!("{two}; approve cyd"), "vote.cast decision.approved: approved");
    let four = "ask gate=ops:2 gate=security:2";
    check(&format!("{four}; approve ann; approve cyd"), "vote.cast: pending");
    check(&format!("{four}; approve ann; approve cyd; approve eve"), "vote.cast decision.approved: approved");
    check(&format!("{four}; approve ann; approve ben; approve eve"), "vote.cast: pending");

    let after = run(&format!("{two}; approve cyd in=ops+security+staff")).history.request.expect("a request");
    let vote = &after.review.expect("a review").votes[0];
    assert_eq!(vote.gates.iter().map(|g| g.as_str()).collect::<Vec<_>>(), ["ops", "security"]);
    assert_eq!(vote.groups, groups("ops+security"), "only what the vote rests on");
    assert_eq!(after.changed.by.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["cyd"]);
}

#[test]
fn who_approved_may_approve_again_where_they_were_not_admitted_then_and_nowhere_else() {
    let later = "ask gate=ops:1 gate=security:1:0/security,60/ops rejects=2";
    check(&format!("{later}; approve ann; approve ann"), "already_decided: pending");
    check(&format!("{later}; approve ann; @60 approve ann"), "already_decided: pending");
    check(&format!("{later}; approve ann; @60 tick; approve ann"), "vote.cast decision.approved: approved");
    check(&format!("{later}; approve ann; @60 tick; approve ann #2"), "digest_mismatch: pending");
    check(
        &format!("{later}; approve ann; @60 tick; approve ann bound=owner"),
        "self_approval_denied: pending",
    );
    // For only: a person's reject is one, and final.
    check(&format!("{later}; approve ann; @60 tick; reject ann"), "already_decided: pending");
    check(&format!("{later}; reject ann; @60 tick; approve ann"), "already_decided: pending");
    check(&format!("{later}; reject ann; @60 tick; reject ann"), "already_decided: pending");

    // The other gate still wants two people, and the one that has its vote counts it once.
    let two = "ask gate=ops:3 gate=security:2:0/security,60/ops; approve ann; @60 tick; approve ann";
    check(two, "vote.cast: pending");
    check(&format!("{two}; approve ann"), "already_decided: pending");
    check(&format!("{two}; approve ben"), "vote.cast: pending");
    check(&format!("{two}; approve ben; approve cyd"), "vote.cast decision.approved: approved");
    let review = run(two).history.request.and_then(|r| r.review).expect("a review");
    let gates = review.votes.iter().map(|v| v.gates.iter().map(|g| g.as_str()).collect::<Vec<_>>());
    assert_eq!(gates.collect::<Vec<_>>(), [["ops"], ["security"]]);
    assert_eq!(review.gates.iter().map(|g| review.approvals(g)).collect::<Vec<_>>(), [1, 1]);

    // A group that the person joined since is one more gate, too; new arguments have no votes yet.
    let joined = "ask gate=ops:1 gate=security:1; approve ann";
    check(&format!("{joined}; approve ann in=ops+security"), "vote.cast decision.approved: approved");
    check(&format!("{joined}; approve ann in=security"), "vote.cast decision.approved: approved");
    check(
        "ask gate=ops:2; approve ann; question ben; answer new gate=ops:2; approve ann",
        "vote.cast: pending",
    );
}

#[test]
fn the_profile_says_how_many_rejects_end_it() {
    let two = "ask gate=ops:2 rejects=2";
    check(&format!("{two}; reject ann"), "vote.cast: pending");
    check(&format!("{two}; reject ann; reject ben"), "vote.cast decision.rejected: rejected");
    check(&format!("{two}; reject ann; reject ann"), "already_decided: pending");
    check(&format!("{two}; reject ann; approve ann"), "already_decided: pending");
    check(&format!("{two}; reject ann; approve ben; approve cyd"), "vote.cast decision.approved: approved");
    check(&format!("{two}; approve ben; reject ann; reject cyd"), "vote.cast decision.rejected: rejected");
    // Rejects of any gate add up.
    check(
        "ask gate=ops:1 gate=security:1 rejects=2; reject ann; reject eve",
        "vote.cast decision.rejected: rejected",
    );
    check("ask rejects=0; reject ann", "vote.cast decision.rejected: rejected");

    let by = |history: &str| run(history).history.request.expect("a request").changed.by;
    assert_eq!(by(&format!("{two}; approve ben; reject ann; reject cyd")).len(), 2, "those who rejected");
    assert_eq!(by(&format!("{two}; reject ann; approve ben; approve cyd")).len(), 2, "those who approved");
}

#[test]
fn nobody_bound_to_the_agent_decides() {
    for relation in ["owner", "can_act_as", "on_behalf_of", "delegation"] {
        for decision in ["approve", "reject", "question"] {
            check(&format!("ask; {decision} ann bound={relation}"), "self_approval_denied: pending");
        }
    }
    // What was recorded holds although it is not so today.
    check("ask bound=ann; approve ann", "self_approval_denied: pending");
    check("ask bound=ann; question ann", "self_approval_denied: pending");
    check("ask bound=ann; approve ben", "vote.cast decision.approved: approved");
    check("ask for=ann; approve ann", "self_approval_denied: pending");
    check("ask for=ann; reject ann", "self_approval_denied: pending");
    check("ask for=ann; question ann", "self_approval_denied: pending");
    check("ask for=sam; approve sam in=ops", "self_approval_denied: pending");
    check("ask for=ann; approve ben", "vote.cast decision.approved: approved");
    // No exemption for admins, and none by rank of gates.
    check("ask gate=admins:1; approve root bound=owner", "self_approval_denied: pending");
    check("ask gate=ops:1 gate=security:1; approve cyd bound=can_act_as", "self_approval_denied: pending");
    check_refused(
        "ask bound=ann; approve ann bound=delegation",
        Code::SelfApprovalDenied,
        "you may not decide here: you own this agent, you are in its delegation chain",
    );
    check_refused(
        "ask for=ann; approve ann",
        Code::SelfApprovalDenied,
        "you may not decide here: the agent acts for you",
    );
}

#[test]
fn a_decision_is_on_the_digest_as_it_stands() {
    for decision in ["approve", "reject", "question"] {
        check(&format!("ask; {decision} ann #2"), "digest_mismatch: pending");
        check(&format!("ask; question ann; answer new; {decision} ann #1"), "digest_mismatch: pending");
    }
    check("ask; question ann; answer new; approve ann #2", "vote.cast decision.approved: approved");
    let after = run("ask; question ann; answer new; approve ann").history.request.expect("a request");
    assert_eq!(after.digest, digest(2));
    check_refused(
        "ask; question ann; answer new; approve ann #1",
        Code::DigestMismatch,
        "the digest is not that of revision 2",
    );
}

#[test]
fn words_are_required_of_a_reject_and_where_the_profile_says_so() {
    check("ask; reject ann silent", "invalid_request: pending");
    check("ask; question ann silent", "invalid_request: pending");
    check("ask comment; approve ann", "invalid_request: pending");
    check("ask comment; approve ann said", "vote.cast decision.approved: approved");
    let refusal = run("ask; reject ann silent").last.expect_err("no words");
    assert_eq!(
        (refusal.pointer(), refusal.to_string().as_str()),
        (Some("/comment"), "a comment is required here")
    );
}

#[test]
fn a_token_rests_on_a_sign_in_that_is_not_too_old() {
    for decision in ["approve", "reject", "question"] {
        check(&format!("ask auth=60; {decision} ann api=none"), "assurance_required: pending");
        check(&format!("ask auth=60; {decision} ann api=60.001"), "assurance_required: pending");
    }
    check("ask auth=60; approve ann api=60", "vote.cast decision.approved: approved");
    check("ask auth=60; approve ann", "vote.cast decision.approved: approved");
    check("ask auth=60; approve ann; revoke ann api=60.001", "assurance_required: approved");
    check("ask auth=60; approve ann; revoke ann api=60", "request.revoked: revoked");
    check("ask allow; revoke root api=900.001", "assurance_required: approved");
    check("ask allow; revoke root api=900", "request.revoked: revoked");
    check_refused(
        "ask auth=60; approve ann api=none",
        Code::AssuranceRequired,
        "this decision needs a sign-in not older than 60 s",
    );
}

#[test]
fn reviewers_and_admins_take_an_approval_back() {
    check("ask; approve ann; revoke ben", "request.revoked: revoked");
    check("ask; approve ann; revoke sam", "not_eligible: approved");
    check("ask; approve ann; revoke root", "request.revoked: revoked");
    check("ask allow; revoke ann", "not_eligible: approved");
    check("ask allow; revoke root", "request.revoked: revoked");
    check("ask gate=ops:1:0/ops,600/leads; approve ann; revoke dan", "not_eligible: approved");
}
