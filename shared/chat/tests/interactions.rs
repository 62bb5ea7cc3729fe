//! What comes back from Slack: the payload of a click and of a submission, and all that can be wrong with one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod common;

use common::{card, form, signed};
use countersign_chat::slack::interaction::{
    By, Click, Interaction, InteractionError, SlackUser, Submission, parse,
};
use countersign_chat::slack::modals::{self, Next};
use countersign_chat::slack::{About, Place, render};
use countersign_domain::event::Decision;
use serde_json::{Value, json};

fn place() -> Place {
    Place { channel: "C0APPROVALS".into(), ts: "1795558000.000100".into() }
}

/// What Slack sends when the button of our own card is pressed.
fn click(action_id: &str) -> Value {
    let message = serde_json::to_value(render(&card())).unwrap();
    let buttons = message["blocks"].as_array().unwrap().iter().find(|b| b["type"] == "actions").unwrap();
    let button =
        buttons["elements"].as_array().unwrap().iter().find(|e| e["action_id"] == action_id).unwrap();
    json!({
        "type": "block_actions",
        "user": { "id": "U0ALICE", "username": "alice", "name": "alice", "team_id": "T0OURS" },
        "api_app_id": "A0OURS",
        "token": "never read",
        "container": { "type": "message", "message_ts": place().ts, "channel_id": place().channel, "is_ephemeral": false },
        "trigger_id": "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        "team": { "id": "T0OURS", "domain": "ours" },
        "enterprise": null,
        "is_enterprise_install": false,
        "channel": { "id": place().channel, "name": "approvals" },
        "message": { "type": "message", "ts": place().ts },
        "response_url": "https://hooks.slack.com/actions/T0OURS/1/x",
        "actions": [{
            "type": "button", "action_id": action_id, "block_id": "decide", "value": button["value"],
            "text": { "type": "plain_text", "text": "Approve", "emoji": true }, "action_ts": "1795558003.000200",
        }],
    })
}

/// What Slack sends when the view that such a click opened is submitted.
fn submission(decision: Decision, words: Value) -> Value {
    let mut commented = card();
    commented.require_comment = true;
    let Next::Open(view) = modals::next(&commented, decision, &About::card(&commented), &place()) else {
        panic!("no view")
    };
    json!({
        "type": "view_submission",
        "team": { "id": "T0OURS", "domain": "ours" },
        "user": { "id": "U0ALICE", "name": "alice", "team_id": "T0OURS" },
        "api_app_id": "A0OURS",
        "trigger_id": "398738663016.47445629121.903a0bc887a14d10d2c447fce8b6703c",
        "view": {
            "id": "V0VIEW", "team_id": "T0OURS", "type": "modal",
            "callback_id": view.0["callback_id"], "private_metadata": view.0["private_metadata"],
            "state": { "values": { "words": { "words": { "type": "plain_text_input", "value": words } } } },
            "hash": "1795558004.abc", "root_view_id": "V0VIEW", "app_id": "A0OURS",
        },
        "response_urls": [],
        "is_enterprise_install": false,
        "enterprise": null,
    })
}

fn by() -> By {
    let user = SlackUser { team: "T0OURS".into(), enterprise: None, id: "U0ALICE".into() };
    By { user, app: "A0OURS".into() }
}

fn read(payload: &Value) -> Result<Option<Interaction>, InteractionError> {
    signed(&form(payload), parse)
}

fn once(payload: &Value) -> String {
    match read(payload) {
        Ok(Some(
            Interaction::Click(Click { once, .. }) | Interaction::Submission(Submission { once, .. }),
        )) => once.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_buttons_come_back_as_clicks() {
    for (action_id, decision) in [
        ("approve", Decision::Approve),
        ("reject", Decision::Reject),
        ("request_info", Decision::RequestInfo),
    ] {
        let Ok(Some(Interaction::Click(click))) = read(&click(action_id)) else { panic!("{action_id}") };
        assert_eq!(click.decision, decision);
        assert_eq!(click.about, About::card(&card()));
        assert_eq!(click.about.shown, Some(card().hash()));
        assert_eq!((click.by, click.place), (by(), place()));
        assert!(click.trigger_id.starts_with("398738663015."));
    }
}

#[test]
fn our_views_come_back_as_submissions() {
    fn check(decision: Decision, words: Value, expect: Option<&str>) {
        let Ok(Some(Interaction::Submission(submission))) = read(&submission(decision, words)) else {
            panic!("{decision:?}")
        };
        assert_eq!((submission.decision, submission.text.as_deref()), (decision, expect));
        assert_eq!((submission.by, submission.place), (by(), place()));
        assert_eq!(submission.about.digest, card().digest);
        assert_eq!(submission.view_id, "V0VIEW");
    }
    check(Decision::Reject, json!(" not\nnow "), Some("not\nnow"));
    check(Decision::RequestInfo, json!("why?"), Some("why?"));
    check(Decision::Approve, json!("looked at it"), Some("looked at it"));
    check(Decision::Approve, json!(null), None);
    check(Decision::Approve, json!("  \n"), None);
}

#[test]
fn a_payload_that_is_not_ours_is_nothing_and_a_wrong_one_is_an_error() {
    fn check(mut payload: Value, pointer: &str, value: Value, expect: Result<(), InteractionError>) {
        *payload.pointer_mut(pointer).unwrap() = value;
        match expect {
            Ok(()) => assert_eq!(read(&payload), Ok(None), "{pointer}"),
            Err(error) => assert_eq!(read(&payload), Err(error), "{pointer}"),
        }
    }
    let wrong = |pointer, expected| Err(InteractionError::Field(pointer, expected));
    let value = |change: fn(&mut Value)| {
        let mut about = serde_json::to_value(About::card(&card())).unwrap();
        change(&mut about);
        json!(about.to_string())
    };

    check(click("approve"), "/type", json!("shortcut"), Ok(()));
    check(click("approve"), "/type", json!("view_closed"), Ok(()));
    check(click("approve"), "/type", json!(null), wrong("/type", "text"));
    check(click("approve"), "/actions/0/action_id", json!("revoke"), Ok(()));
    check(click("approve"), "/actions/0/action_id", json!("Approve"), Ok(()));
    check(click("approve"), "/actions", json!([]), Ok(()));
    check(click("approve"), "/actions", json!(null), wrong("/actions", "a list of one"));
    let two = json!([{ "action_id": "approve" }, { "action_id": "reject" }]);
    check(click("approve"), "/actions", two, wrong("/actions", "a list of one"));

    let bad_value = || wrong("/actions/0/value", "the value of a button of ours");
    check(click("approve"), "/actions/0/value", json!(null), wrong("/actions/0/value", "text"));
    check(click("approve"), "/actions/0/value", json!("x".repeat(2_001)), wrong("/actions/0/value", "text"));
    check(click("approve"), "/actions/0/value", json!("req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW"), bad_value());
    check(click("approve"), "/actions/0/value", value(|v| v["r"] = json!("req_1")), bad_value());
    check(click("approve"), "/actions/0/value", value(|v| v["d"] = json!("sha256:00")), bad_value());
    check(click("approve"), "/actions/0/value", value(|v| v["v"] = json!(-1)), bad_value());
    check(click("approve"), "/actions/0/value", value(|v| v["h"] = json!("no hash")), bad_value());
    check(click("approve"), "/actions/0/value", value(|v| v["more"] = json!(1)), bad_value());

    check(click("approve"), "/user/id", json!("u0alice"), wrong("/user/id", "a user id"));
    check(click("approve"), "/user/id", json!(null), wrong("/user/id", "a user id"));
    check(click("approve"), "/user/team_id", json!(null), wrong("/user/team_id", "a workspace id"));
    check(click("approve"), "/user/team_id", json!("T0/U0"), wrong("/user/team_id", "a workspace id"));
    check(click("approve"), "/enterprise", json!({}), wrong("/enterprise/id", "an enterprise id"));
    check(click("approve"), "/enterprise", json!("E0"), wrong("/enterprise/id", "an enterprise id"));
    check(click("approve"), "/api_app_id", json!(7), wrong("/api_app_id", "an app id"));
    check(click("approve"), "/trigger_id", json!(""), wrong("/trigger_id", "a trigger id"));
    check(
        click("approve"),
        "/container/channel_id",
        json!("#x"),
        wrong("/container/channel_id", "a channel id"),
    );
    let no_ts = wrong("/container/message_ts", "a message timestamp");
    check(click("approve"), "/container/message_ts", json!("now"), no_ts);
    check(click("approve"), "/actions/0/action_ts", json!(1.5), wrong("/actions/0/action_ts", "a timestamp"));

    let reject = || submission(Decision::Reject, json!("no"));
    let bad_private = || wrong("/view/private_metadata", "that of a view of ours");
    check(reject(), "/view/callback_id", json!("theirs"), Ok(()));
    check(reject(), "/view/private_metadata", json!(null), wrong("/view/private_metadata", "text"));
    check(reject(), "/view/private_metadata", json!("{}"), bad_private());
    let replaced = |from: &str, to: &str| {
        let private = reject()["view"]["private_metadata"].as_str().unwrap().replace(from, to);
        assert!(private.contains(to));
        json!(private)
    };
    check(reject(), "/view/private_metadata", replaced("\"reject\"", "\"revoke\""), bad_private());
    check(reject(), "/view/private_metadata", replaced("\"n\":0,", ""), bad_private());
    check(reject(), "/view/private_metadata", replaced("C0APPROVALS", "../x"), bad_private());
    check(reject(), "/view/private_metadata", replaced("1795558000.000100", "x"), bad_private());
    check(reject(), "/view/private_metadata", replaced("\"k\"", "\"more\":1,\"k\""), bad_private());
    check(reject(), "/view/id", json!("v"), wrong("/view/id", "a view id"));
    check(reject(), "/user/team_id", json!(null), wrong("/user/team_id", "a workspace id"));
    let number = wrong("/view/state/values/words/words/value", "text");
    check(reject(), "/view/state/values/words/words/value", json!(7), number);
}

#[test]
fn a_body_without_one_payload_is_an_error() {
    fn check(body: &[u8], expect: InteractionError) {
        assert_eq!(signed(body, parse), Err(expect), "{body:?}");
    }
    check(b"", InteractionError::NoPayload);
    check(b"{\"type\":\"block_actions\"}", InteractionError::NoPayload);
    check(b"payload=%7B%7D&payload=%7B%7D", InteractionError::NoPayload);
    check(b"payload=", InteractionError::NotJson);
    check(b"payload=%5B%5D", InteractionError::NotJson);
    check(b"payload=%7B%22type%22%3A", InteractionError::NotJson);
    check(b"payload=%FF%FE", InteractionError::NotJson);
    check(&[b"payload=".as_slice(), &b"%5B".repeat(100_000)].concat(), InteractionError::NotJson);
    check(b"payload=%7B%7D", InteractionError::Field("/type", "text"));
}

#[test]
fn a_press_is_the_same_however_often_it_is_delivered() {
    fn check(same: bool, pointer: &str, value: Value) {
        let mut again = click("approve");
        *again.pointer_mut(pointer).unwrap() = value;
        assert_eq!(once(&again) == once(&click("approve")), same, "{pointer}");
    }
    check(true, "/token", json!("another"));
    check(true, "/response_url", json!("https://hooks.slack.com/actions/T0OURS/2/y"));
    check(false, "/trigger_id", json!("398738663015.47445629121.1"));
    check(false, "/actions/0/action_ts", json!("1795558003.000201"));
    check(false, "/user/id", json!("U0BOB"));
    check(false, "/user/team_id", json!("T0THEIRS"));
    assert_ne!(once(&click("approve")), once(&click("reject")));
    let submitted = submission(Decision::Reject, json!("no"));
    assert_eq!(once(&submitted), once(&submission(Decision::Reject, json!("no"))));
    assert_ne!(once(&submitted), once(&click("reject")));
}
