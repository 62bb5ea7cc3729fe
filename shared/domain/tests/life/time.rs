//! Deadlines to the millisecond, pauses and their cap, and levels.

use countersign_domain::Code;

use crate::kit::at;
use crate::notation::{check, check_refused, run};

#[test]
fn the_time_to_decide_ends_at_its_deadline() {
    check("ask review=60", "request.created policy.evaluated: pending until 60");
    check("ask review=60; @59.999 approve ann", "vote.cast decision.approved: approved");
    check("ask review=60; @60 approve ann", "expired: pending");
    check("ask review=60; @60 question ann", "expired: pending");
    check("ask review=60; @59.999 question ann", "info.requested: needs_info");
    check("ask review=60; @59.999 tick", "nothing: pending");
    check("ask review=60; sent; @60 tick", "request.expired: expired");
    check("ask review=60; sent; @99999 tick", "request.expired: expired");
    check_refused(
        "ask review=60; @61 approve ann",
        Code::Expired,
        "the time for this ended at 2026-11-25T00:01:00.000Z",
    );

    let overdue = |history: &str, now| run(history).history.request.expect("a request").is_overdue(at(now));
    assert!(!overdue("ask review=60", 59_999));
    assert!(overdue("ask review=60", 60_000));
    assert!(!overdue("ask review=60; question ann", 60_000));
    assert!(!overdue("ask review=60; approve ann", 60_000));
    assert!(!overdue("ask review=60; @60 tick", 60_000));
}

#[test]
fn until_the_end_is_recorded_a_late_reject_ends_it() {
    check("ask review=60; sent; @61 reject ann", "vote.cast decision.rejected: rejected");
    check("ask review=60; sent; @61 tick; reject ann", "already_decided: expired");
    check("ask review=60 rejects=2; sent; @61 reject ann", "vote.cast: pending");
    check("ask review=60 rejects=2; sent; @61 reject ann; tick", "request.expired: expired");
    check("ask review=60; @61 withdraw", "request.withdrawn: withdrawn");
}

#[test]
fn it_is_undeliverable_only_if_nothing_says_that_it_reached_anybody() {
    check("ask review=60; @60 tick", "request.undeliverable: undeliverable");
    check("ask review=60; unsent; @60 tick", "request.undeliverable: undeliverable");
    check("ask review=60; sent; @60 tick", "request.expired: expired");
    check("ask review=60; unsent; sent; @60 tick", "request.expired: expired");
    check("ask review=60 gate=ops:2; approve ann; @60 tick", "request.expired: expired");
    check("ask review=60; question ann; answer; @60 tick", "request.expired: expired");
    check("ask review=60; question ann; answer new review=60; @60 tick", "request.expired: expired");
    // Without channels nobody was to be reached.
    check("ask review=60 quiet; @60 tick", "request.expired: expired");
}

#[test]
fn an_agent_may_ask_for_less_time_and_never_gets_more() {
    check("ask review=60 expires=30", "request.created policy.evaluated: pending until 30");
    check("ask review=60 expires=90", "request.created policy.evaluated: pending until 60");
    check("ask review=60 expires=30; @30 approve ann", "expired: pending");
    check("ask review=60 expires=30; @29.999 approve ann", "vote.cast decision.approved: approved");
    // It holds for new arguments as well, from their time on.
    check(
        "ask review=60 expires=30; @10 question ann; @20 answer new review=60",
        "info.supplied request.revised policy.evaluated: pending until 50",
    );
    check(
        "ask review=60 expires=30; @10 question ann; @20 answer new review=20",
        "info.supplied request.revised policy.evaluated: pending until 40",
    );
}

#[test]
fn the_time_to_consume_ends_too() {
    check("ask ttl=60; @10 approve ann", "vote.cast decision.approved: approved until 70");
    check("ask ttl=60; @10 approve ann; @69.999 consume", "execution.consumed: consumed");
    check("ask ttl=60; @10 approve ann; @70 consume", "expired: approved");
    check("ask ttl=60; @10 approve ann; @69.999 tick", "nothing: approved");
    check("ask ttl=60; @10 approve ann; @70 tick", "request.lapsed: lapsed");
    check("ask ttl=60; @10 approve ann; @70 tick; consume", "expired: lapsed");
    check_refused(
        "ask ttl=60; @10 approve ann; @99 tick; @100 consume",
        Code::Expired,
        "the time for this ended at 2026-11-25T00:01:10.000Z",
    );
    check("ask allow ttl=60", "request.created policy.evaluated: approved until 60");
    check("ask allow ttl=60; @59.999 consume", "execution.consumed: consumed");
    check("ask allow ttl=60; @60 consume", "expired: approved");
    check("ask allow ttl=60; @60 tick", "request.lapsed: lapsed");
    // The answer to the same attempt does not depend on time.
    check("ask ttl=60; approve ann; consume; @9999 consume", "nothing: consumed");
}

#[test]
fn the_clock_stands_still_while_the_agent_owes_an_answer() {
    check("ask review=60 answer=100; @10 question ann", "info.requested: needs_info until 110");
    check("ask review=60 answer=100; @10 question ann; @35 answer", "info.supplied: pending until 85");
    check(
        "ask review=60 answer=100; @10 question ann; @35 answer; @84.999 approve ann",
        "vote.cast decision.approved: approved",
    );
    check("ask review=60 answer=100; @10 question ann; @35 answer; @85 approve ann", "expired: pending");
    // Past the first deadline while it stands still: nothing is due.
    check("ask review=60 answer=100; @10 question ann; @109 tick", "nothing: needs_info until 110");
    // Pauses add up, and so does their cap.
    let twice = "ask review=60 answer=100; @10 question ann; @40 answer; @50 question ben";
    check(twice, "info.requested: needs_info until 120");
    check(&format!("{twice}; @119.999 answer"), "info.supplied: pending until 159.999");
    let thrice = format!("{twice}; @110 answer; @120 question ann");
    check(&thrice, "info.requested: needs_info until 130");
    check(&format!("{thrice}; @129.999 answer"), "info.supplied: pending until 159.999");
    check(&format!("{thrice}; @130 answer"), "expired: needs_info");
    // A clock that runs a little behind pauses nothing.
    check("ask review=60 answer=100; @10 question ann; @9 answer", "info.supplied: pending until 60");
}

#[test]
fn an_answer_that_is_owed_too_long_ends_it_as_withdrawn() {
    let asked = "ask answer=100; @10 question ann";
    check(&format!("{asked}; @109.999 answer"), "info.supplied: pending");
    check(&format!("{asked}; @110 answer"), "expired: needs_info");
    check(&format!("{asked}; @110 answer new"), "expired: needs_info");
    check(&format!("{asked}; @109.999 tick"), "nothing: needs_info");
    check(&format!("{asked}; @110 tick"), "request.withdrawn: withdrawn");
    check(&format!("{asked}; @110 tick; answer"), "not_actionable: withdrawn");
    check(&format!("{asked}; @110 tick; withdraw"), "nothing: withdrawn");
    check(&format!("{asked}; @110 reject ben"), "vote.cast decision.rejected: rejected");
}

#[test]
fn a_question_is_the_agents_to_answer_and_one_at_a_time() {
    check("ask; question ann; question ben", "not_actionable: needs_info");
    check("ask; question ann; approve ben", "not_actionable: needs_info");
    check("ask; question ann; reject ben", "vote.cast decision.rejected: rejected");
    check("ask rejects=2; question ann; reject ben", "vote.cast: needs_info");
    check("ask rejects=2; question ann; reject ben; reject ann", "vote.cast decision.rejected: rejected");
    check(
        "ask rejects=2; question ann; reject ben; answer; approve ann",
        "vote.cast decision.approved: approved",
    );
    check("ask executor; question ann; answer executor", "forbidden: needs_info");
    check("ask; question ann; answer; answer", "not_actionable: pending");
    check(
        "ask; question ann; answer; question ann; answer; approve ann",
        "vote.cast decision.approved: approved",
    );
    check(
        "ask gate=ops:2; approve ann; question ann; answer; approve ben",
        "vote.cast decision.approved: approved",
    );
    check("ask gate=ops:2; approve ann; question ben; answer; approve ann", "already_decided: pending");

    let after = run("ask; question ann; answer; question ben; answer").history.request.expect("a request");
    let review = after.review.expect("a review");
    let answered: Vec<_> =
        review.answered.iter().map(|a| (a.asked_by.as_str(), a.question, a.answer)).collect();
    assert_eq!(answered, [("ann", 3, 4), ("ben", 5, 6)]);
    assert_eq!(review.question, None);
}

#[test]
fn a_level_begins_in_review_time() {
    let two = "ask review=100 answer=100 gate=ops:1:0/ops,60/leads";
    check(two, "request.created policy.evaluated: pending until 60");
    check(&format!("{two}; @59.999 tick"), "nothing: pending");
    check(&format!("{two}; @59.999 approve dan"), "not_eligible: pending");
    check(&format!("{two}; @60 tick"), "request.escalated: pending until 100");
    check(&format!("{two}; @60 tick; tick"), "nothing: pending until 100");
    check(&format!("{two}; @60 tick; approve dan"), "vote.cast decision.approved: approved");
    check(&format!("{two}; @60 tick; approve ann"), "vote.cast decision.approved: approved");
    check(&format!("{two}; sent; @100 tick"), "request.expired: expired");
    // A level exists once it is recorded.
    check(&format!("{two}; @70 approve dan"), "not_eligible: pending");
    // A pause is no review time.
    check(&format!("{two}; @50 question ann; @80 tick"), "nothing: needs_info until 150");
    check(&format!("{two}; @50 question ann; @80 answer"), "info.supplied: pending until 90");
    check(&format!("{two}; @50 question ann; @80 answer; @89.999 tick"), "nothing: pending");
    check(&format!("{two}; @50 question ann; @80 answer; @90 tick"), "request.escalated: pending until 130");
    // The channels of a level count only once it has begun.
    check(&format!("{two}; @60 tick; sent COPS1; @100 tick"), "request.expired: expired");
    check(
        "ask review=100 gate=ops:1:0/ops,20/leads,40/staff; @50 tick; tick; tick",
        "nothing: pending until 100",
    );
}

#[test]
fn gates_reach_their_levels_each_at_its_own_time() {
    let two = "ask review=100 gate=ops:1:0/ops,20/leads gate=security:1:0/security,60/staff";
    check(two, "request.created policy.evaluated: pending until 20");
    check(&format!("{two}; @20 tick"), "request.escalated: pending until 60");
    check(&format!("{two}; @20 tick; approve dan"), "vote.cast: pending");
    check(&format!("{two}; @20 tick; approve sam"), "not_eligible: pending");
    check(&format!("{two}; @20 tick; @60 tick; approve sam"), "vote.cast: pending");
    check(&format!("{two}; @60 tick; approve sam"), "not_eligible: pending");
    check(
        &format!("{two}; @60 tick; tick; approve sam; approve dan"),
        "vote.cast decision.approved: approved",
    );

    let channels = |history: &str| {
        let request = run(history).history.request.expect("a request");
        let channels = request.review.expect("a review").channels();
        channels.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(channels(two), ["slack:COPS0", "slack:CSECURITY0"]);
    assert_eq!(channels(&format!("{two}; @20 tick")), ["slack:COPS0", "slack:COPS1", "slack:CSECURITY0"]);
    assert_eq!(channels(&format!("{two}; @60 tick; tick")).len(), 4);
    let levels = |history: &str| {
        let review = run(history).history.request.and_then(|r| r.review).expect("a review");
        review.gates.iter().map(|gate| review.level_of(gate)).collect::<Vec<_>>()
    };
    assert_eq!(levels(two), [0, 0]);
    assert_eq!(levels(&format!("{two}; @20 tick")), [1, 0]);
    assert_eq!(levels(&format!("{two}; @60 tick; tick")), [1, 1]);
}
