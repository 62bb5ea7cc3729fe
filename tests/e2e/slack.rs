//! Chat: signatures, accounts, retries.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, control, shows};
use countersign_tests::{Agent, Chat, engine};
use serde_json::{Value, json};

use crate::shared;

#[tokio::test]
async fn what_slack_did_not_sign_just_now_is_refused() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let shown = card(&request, "C0DATA").await;
    let alice = Chat::new("U0ALICE");
    for wrong in [
        json!({"secret": "not-the-signing-secret-at-all"}),
        json!({"timestamp_shift_s": -301}),
        // Well past the window: what the press takes to arrive must not bring it back in.
        json!({"timestamp_shift_s": 330}),
        json!({"timestamp": "soon"}),
        json!({"signature": "v0=00"}),
        json!({"omit": ["X-Slack-Signature"]}),
        json!({"mutate": {"from": "approve", "to": "approvf"}}),
    ] {
        let answer = alice.press_on(&shown, "approve", wrong.clone()).await;
        assert_eq!(answer["status"], 401, "{wrong} {answer}");
    }
    assert_eq!(agent.read(&request).await["status"], "pending");
}

#[tokio::test]
async fn a_press_that_is_delivered_again_counts_once() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    let shown = card(&request, "C0APPROVALS").await;
    let first = Chat::new("U0ALICE").press_on(&shown, "approve", json!({})).await;
    for _ in 0..2 {
        let again = control("resend", &first["raw"]).await;
        assert_eq!((&again["status"], &again["body"]), (&first["status"], &first["body"]));
    }
    assert_eq!(agent.read(&request).await["gates"][0]["approvals"], 1);
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(kinds.iter().filter(|k| *k == "vote.cast").count(), 1);
    assert!(!kinds.contains(&"decision.refused".to_owned()), "a retry is no second vote: {kinds:?}");
}

#[tokio::test]
async fn accounts_that_are_no_reviewers_are_told_so_and_recorded_once() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.unrouted").await;
    let shown = card(&request, "C0APPROVALS").await;
    for account in ["U0MALLORY", "U0GUEST", "U0ULTRA", "U0CONNECT", "U0BOT"] {
        let chat = Chat::new(account);
        for button in ["approve", "reject"] {
            chat.press_on(&shown, button, json!({})).await;
        }
        assert!(chat.told(&shown).await.iter().any(|t| t.contains("cannot decide")), "{account}");
    }
    // These see nothing in the channel, so Slack tells them nothing.
    for account in ["U0GONE", "U0STRANGE", "U0COUNTERSIGN"] {
        assert_eq!(
            Chat::new(account).press_on(&shown, "approve", json!({})).await["status"],
            200,
            "{account}"
        );
    }
    let other = Chat::new("U0ALICE");
    other.press_on(&shown, "approve", json!({"app": "A0OTHER"})).await;
    other.press_on(&shown, "approve", json!({"user_team": "T0OTHER"})).await;
    assert_eq!(agent.read(&request).await["status"], "pending");
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(kinds.iter().filter(|k| *k == "decision.refused").count(), 1, "{kinds:?}");
    // A person of another group: known, and not eligible here.
    let dave = Chat::new("U0DAVE");
    dave.press_on(&shown, "approve", json!({})).await;
    assert!(dave.told(&shown).await.iter().any(|t| t.contains("not among the reviewers")));
}

#[tokio::test]
async fn a_required_comment_is_asked_for_in_chat() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.comment").await;
    let done = Chat::new("U0BOB").press_and_say(&request, "C0APPROVALS", "approve", "checked the list").await;
    assert_eq!(done["status"], 200, "{done}");
    let ended = agent.wait(&request, 10).await;
    assert_eq!(
        (ended["status"].as_str(), ended["decision"]["comment"].as_str()),
        (Some("approved"), Some("checked the list"))
    );
}

#[tokio::test]
async fn long_arguments_are_opened_whole_before_they_are_approved() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let lines: Vec<String> = (0..300).map(|n| format!("bucket/{n}/object-with-a-long-name")).collect();
    let request = agent.ask("s3.sync", json!({"arguments": {"objects": lines}})).await.expect(202);
    let bob = Chat::new("U0BOB");
    let pressed = bob.press(&request, "C0DATA", "approve").await;
    assert_eq!(pressed["status"], 200, "{pressed}");
    assert_eq!(agent.read(&request).await["status"], "pending", "the press alone does not approve");
    let view = bob.view(&request).await.expect("the whole opens");
    bob.submit(&view, "read it").await;
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
    shows(&request, "C0DATA", "Bob Brandt").await;
}

#[tokio::test]
async fn the_url_is_proved_to_slack() {
    let _stack = shared().await;
    let event = json!({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"});
    let answer: Value = control("event", &json!({"event": event, "payload": event, "body": event})).await;
    assert!(answer.to_string().contains("3eZbrw1aBm2r"), "{answer}");
}
