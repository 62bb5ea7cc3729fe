//! What is recorded on the way: denials, notices, refusals, each once.

use std::collections::BTreeSet;

use countersign_domain::request::Command;
use countersign_domain::{Code, Time, decide};

use crate::kit::{at, groups, groups_of, id};
use crate::notation::{check, go_on, run};

#[test]
fn a_denial_is_a_recorded_request() {
    check("ask deny", "request.created policy.evaluated request.denied: denied");
    for code in ["policy_denied", "agent_unknown", "agent_frozen", "no_eligible_reviewer"] {
        let request = run(&format!("ask deny={code}")).history.request.expect("a request");
        assert_eq!(request.code.map(Code::as_str), Some(code));
        assert_eq!((request.next_deadline(), request.review), (None, None));
    }
}

#[test]
fn a_notice_is_recorded_once_per_channel() {
    check("ask; sent C01", "notification.sent: pending");
    check("ask; sent C01; sent C01", "nothing: pending");
    check("ask; sent C01; sent C02", "notification.sent: pending");
    check("ask; unsent C01", "notification.failed: pending");
    check("ask; unsent C01; unsent C01", "nothing: pending");
    check("ask; unsent C01; sent C01", "notification.sent: pending");
    check("ask; sent C01; question ann; answer new; sent C01", "nothing: pending");
    // A card may be late; its end is no obstacle.
    check("ask; approve ann; sent C01", "notification.sent: approved");
    check("ask; approve ann; sent C01; sent C01", "nothing: approved");
    check("ask allow; sent C01", "nothing: approved");
    check("ask deny; unsent C01", "nothing: denied");
}

#[test]
fn a_refusal_is_recorded_once_per_who_and_why() {
    check("ask; refused ann not_eligible", "decision.refused: pending");
    check("ask; refused ann not_eligible; refused ann not_eligible", "nothing: pending");
    check("ask; refused ann not_eligible; refused ann expired", "decision.refused: pending");
    check("ask; refused ann not_eligible; refused ben not_eligible", "decision.refused: pending");
    check("ask; refused - not_eligible", "decision.refused: pending");
    check("ask; refused - not_eligible; refused - not_eligible", "nothing: pending");
    check("ask; refused ann expired; question ann; answer new; refused ann expired", "nothing: pending");
    check("ask; refused-run stranger forbidden", "execution.refused: pending");
    check("ask; refused-run stranger forbidden; refused-run stranger forbidden", "nothing: pending");
    check("ask; refused-run stranger forbidden; refused-run agent forbidden", "execution.refused: pending");
    // It changes nothing of what is refused.
    check("ask; refused ann not_eligible; approve ann", "vote.cast decision.approved: approved");
}

#[test]
fn refusals_are_recorded_up_to_a_number() {
    let mut history = run("ask").history;
    let fill = (0..200).map(|n| format!("refused p{n} expired; refused-run a{n} forbidden"));
    history = go_on(history, &fill.collect::<Vec<_>>().join(";")).history;
    assert_eq!(history.leaves.len(), 2 + 2 * 200);
    for one_more in ["refused ann expired", "refused-run stranger forbidden"] {
        assert_eq!(go_on(history.clone(), one_more).last, Ok(Vec::new()), "{one_more}");
    }
}

#[test]
fn nothing_can_be_asked_of_what_does_not_exist() {
    let before = Time::from_millis(0);
    for command in [Command::Tick, Command::void(before), Command::RecordSent { to: id("sns") }] {
        assert_eq!(decide(None, command, before).map_err(|r| r.code()), Err(Code::Forbidden));
    }
}

#[test]
fn a_request_is_read_by_those_whom_it_concerns() {
    fn check(history: &str, expect: &str) {
        let request = run(history).history.request.expect("a request");
        let sees = |person: &&str| request.is_visible_to(&id(person), &groups_of(person));
        let seen = ["ann", "cyd", "dan", "eve", "root", "sam"].into_iter().filter(sees).collect::<Vec<_>>();
        assert_eq!(seen.join(" "), expect, "{history}");
    }
    check("ask", "ann cyd root");
    check("ask bound=ann", "ann cyd root");
    check("ask gate=security:1:0/security,60/leads", "cyd dan eve root");
    check("ask bound=sam", "ann cyd root sam");
    check("ask allow", "root");
    check("ask; approve ann; consume; succeeded", "ann cyd root");
    let request = run("ask allow").history.request.expect("a request");
    assert!(request.is_visible_to(&id("sam"), &groups("auditors")));
    assert!(!request.is_visible_to(&id("sam"), &BTreeSet::new()));
}

#[test]
fn what_is_due_by_itself_has_a_time() {
    check("ask; approve ann; consume", "execution.consumed: consumed");
    let next = |history: &str| run(history).history.request.expect("a request").next_deadline();
    assert_eq!(next("ask"), Some(at(3_600_000)));
    for ended in ["ask deny", "ask; reject ann", "ask; withdraw", "ask; approve ann; consume"] {
        assert_eq!(next(ended), None, "{ended}");
    }
}
