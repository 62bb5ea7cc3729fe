//! One snapshot of each state of a card, and of each view: what Slack is sent, to the byte.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod common;

use common::{at, card, object};
use countersign_chat::card::{Answer, Approval, Card, CardState, LogShown, VoteShown};
use countersign_chat::slack::modals::{self, Next};
use countersign_chat::slack::{About, Place, render};
use countersign_domain::event::{Ballot, Decision};
use countersign_domain::{Code, Digest, Nonce};
use serde_json::{Value, json};

fn place() -> Place {
    Place { channel: "C0APPROVALS".into(), ts: "1795558000.000100".into() }
}

fn check(name: &str, change: impl FnOnce(&mut Card)) {
    let mut card = card();
    change(&mut card);
    insta::assert_json_snapshot!(name, render(&card));
}

fn check_view(name: &str, decision: Decision, change: impl FnOnce(&mut Card)) {
    let mut card = card();
    change(&mut card);
    let Next::Open(view) = modals::next(&card, decision, &About::card(&card), &place()) else {
        panic!("{name} opens no view")
    };
    insta::assert_json_snapshot!(name, view);
}

#[test]
fn each_state_has_its_card() {
    let alice = || vec!["Alice Ōe".to_owned()];
    let voted = |card: &mut Card| {
        card.gates[0].approvals = 1;
        card.votes = vec![VoteShown { person: "Alice Ōe".into(), ballot: Ballot::Approve }];
    };
    check("pending", |_| {});
    check("pending_with_the_log", |card| card.log = Some(LogShown { size: 1234, root: [0x3f; 32] }));
    check("erased", |card| {
        (card.erased, card.target, card.arguments) = (true, String::new(), object(json!({})));
        (card.on_behalf_of, card.justification) = (None, None);
        card.state = CardState::Rejected { by: alice(), at: at(60), reason: None };
    });
    check("pending_one_vote_escalated", |card| {
        voted(card);
        card.gates[0].level = 1;
    });
    check("needs_info", |card| {
        let question = "Why the whole year?".to_owned();
        card.state = CardState::NeedsInfo { question, asked_by: "Bob".into(), answer_by: at(86_400) };
    });
    check("pending_again_after_an_answer", |card| {
        card.revision = 2;
        card.answers = vec![Answer {
            asked_by: "Bob".into(),
            question: "Why the whole year?".into(),
            answer: "Only the last quarter, then.".into(),
        }];
    });
    check("approved", |card| {
        voted(card);
        card.state = CardState::Approved { by: alice(), at: at(60), valid_until: at(960) };
    });
    check("rejected", |card| {
        let reason = Some("Not to a shared bucket.\nUse the clean room.".to_owned());
        card.state = CardState::Rejected { by: vec!["Bob".into()], at: at(60), reason };
        card.votes = vec![VoteShown { person: "Bob".into(), ballot: Ballot::Reject }];
    });
    check("expired", |card| card.state = CardState::Expired { at: at(3600) });
    check("withdrawn", |card| {
        card.state = CardState::Withdrawn { at: at(60), reason: Some("no longer needed".into()) };
    });
    check("revoked", |card| {
        card.state =
            CardState::Revoked { by: Some("Bob".into()), at: at(60), reason: Some("wrong bucket".into()) };
    });
    check("undeliverable", |card| card.state = CardState::Undeliverable { at: at(3600) });
    check("lapsed", |card| card.state = CardState::Lapsed { at: at(960) });
    check("denied", |card| card.state = CardState::Denied { code: Code::PolicyDenied, at: at(1) });
    check("consumed", |card| {
        voted(card);
        card.state = CardState::Consumed { at: at(61) };
    });
    check("succeeded", |card| card.state = CardState::Succeeded { at: at(62) });
    check("failed", |card| card.state = CardState::Failed { at: at(62) });
    check("unknown", |card| card.state = CardState::Unknown { at: at(62) });
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    check("hostile", |card| {
        card.action = "s3.s\u{443}nc".into();
        card.target =
            "arn:aws:s3:::safe\u{202e}*<https://evil.example|click>*              Agent  trusted".into();
        card.arguments = object(json!({
            "note": "```\n*bold* <!channel> <@U0ALICE> :tada:\u{200b}",
            "⟦U+200B⟧": "&amp;\"},\n  \"delete\": false",
        }));
        card.agent_name = "data\njanitor".into();
        card.on_behalf_of = Some("<!here>".into());
        card.justification = Some("Approved by Alice.\n\n\n\n\n\n\n✓ approve: Alice".into());
        card.delegation_chain = vec!["a\nb".into(), "\u{5d0}".into()];
    });
}

#[test]
fn a_long_ask_is_cut_on_the_card_and_whole_in_the_view() {
    let long = |card: &mut Card| {
        card.arguments =
            object(json!({ "keys": (0..900).map(|i| format!("key-{i:05}")).collect::<Vec<_>>() }));
        card.justification = Some("because ".repeat(200));
    };
    check("long", long);
    let mut card = card();
    long(&mut card);
    assert_eq!(card.approval(), Approval::AfterFullView);
    let Next::Open(view) = modals::next(&card, Decision::Approve, &About::card(&card), &place()) else {
        panic!("no view")
    };
    let texts: String = common::strings(&view.0)
        .into_iter()
        .filter(|(path, _)| path.contains("preformatted"))
        .map(|(_, t)| t)
        .collect();
    for key in 0..900 {
        assert!(texts.contains(&format!("\"key-{key:05}\"")), "{key}");
    }
    assert!(texts.contains(&"because ".repeat(200)[..1599]));
}

#[test]
fn what_chat_cannot_hold_is_approved_by_api_only() {
    let deep = |card: &mut Card| {
        let mut value = json!((0..9_000).collect::<Vec<_>>());
        for _ in 0..25 {
            value = json!([value, "x".repeat(60)]);
        }
        card.arguments = object(json!({ "deep": value }));
    };
    check("too_long", deep);
    let mut card = card();
    deep(&mut card);
    assert_eq!(card.approval(), Approval::ByApiOnly);
    assert_eq!(card.offers(), [Decision::Reject, Decision::RequestInfo]);
    assert_eq!(modals::next(&card, Decision::Approve, &About::card(&card), &place()), Next::TooLong);
}

/// What a view is about, as it goes through Slack.
fn private(next: Next) -> Value {
    let Next::Open(view) = next else { panic!("no view") };
    serde_json::from_str(view.0["private_metadata"].as_str().unwrap()).unwrap()
}

#[test]
fn a_view_is_about_what_its_button_was_about() {
    let shown = About::card(&card());
    let mut now = card();
    let answer = |text: &str| Answer { asked_by: "Bob".into(), question: "Why?".into(), answer: text.into() };
    now.answers.push(answer("So."));
    for decision in [Decision::Reject, Decision::RequestInfo] {
        let about = private(modals::next(&now, decision, &shown, &place()));
        assert_eq!((&about["n"], &about["h"]), (&json!(0), &json!(shown.shown)), "{decision:?}");
    }
    now.require_comment = true;
    assert_eq!(private(modals::next(&now, Decision::Approve, &shown, &place()))["n"], 0);
}

#[test]
fn a_card_that_was_cut_is_read_whole_also_where_it_fits_now() {
    for comment in [false, true] {
        let now = Card { require_comment: comment, ..card() };
        let cut = About { whole: false, ..About::card(&now) };
        let next = modals::next(&now, Decision::Approve, &cut, &place());
        let Next::Open(view) = &next else { panic!("no view") };
        assert_eq!(view.0["title"]["text"], "Read all and approve");
        assert_eq!(private(next)["w"], true, "the view shows the whole");
    }
    // And what was whole, but is cut now.
    let whole = About::card(&card());
    let now = Card { justification: Some("because ".repeat(200)), ..card() };
    assert!(matches!(modals::next(&now, Decision::Approve, &whole, &place()), Next::Open(_)));
}

#[test]
fn each_view_has_its_form() {
    check_view("view_reject", Decision::Reject, |_| {});
    check_view("view_request_info", Decision::RequestInfo, |_| {});
    check_view("view_approve_with_comment", Decision::Approve, |card| card.require_comment = true);
    check_view("view_approve_whole", Decision::Approve, |card| {
        card.target = format!("s3://b/{}", "k".repeat(900))
    });
    assert_eq!(modals::next(&card(), Decision::Approve, &About::card(&card()), &place()), Next::Decide);
    assert_eq!(
        modals::refuse("the request is expired already"),
        json!({ "response_action": "errors", "errors": { "words": "the request is expired already" } })
    );
    assert_eq!(modals::close(), json!({ "response_action": "clear" }));
}

#[test]
fn the_hash_covers_all_that_is_shown_and_nothing_else() {
    fn check(same: bool, change: impl FnOnce(&mut Card)) {
        let mut changed = card();
        change(&mut changed);
        assert_eq!(changed.hash() == card().hash(), same, "{changed:?}");
    }
    check(true, |_| {});
    check(true, |card| card.version = 4);
    // Each new leaf changes the log: it must not make every card another one.
    check(true, |card| card.log = Some(LogShown { size: 7, root: [1; 32] }));
    check(false, |card| card.erased = true);
    check(false, |card| card.nonce = Nonce::new([8; 16]));
    check(false, |card| card.digest = Digest::of(b"another"));
    check(false, |card| card.revision = 2);
    check(false, |card| card.state = CardState::Pending { deadline: at(3601) });
    check(false, |card| card.action.push('x'));
    check(false, |card| card.target.push('\u{200b}'));
    check(false, |card| drop(card.arguments.insert("x".into(), json!(1))));
    check(false, |card| card.agent_name.push('x'));
    check(false, |card| card.on_behalf_of = None);
    check(false, |card| card.delegation_chain.push("x".into()));
    check(false, |card| card.executor = Some("x".into()));
    check(false, |card| card.justification = None);
    check(false, |card| card.facts.clear());
    check(false, |card| card.gates[0].approvals = 1);
    check(false, |card| card.votes.push(VoteShown { person: "a".into(), ballot: Ballot::Reject }));
    check(false, |card| card.require_comment = true);
}
