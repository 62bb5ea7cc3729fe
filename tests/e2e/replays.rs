//! The bytes of a press, taken and sent again: by Slack, which does so when an answer is late, and by others.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, cards, control};
use countersign_tests::{Agent, Chat, Reviewer, engine, eventually, history, seconds};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::shared;

/// A press whose first delivery was lost on the way: its signed bytes.
async fn undelivered(account: &str, card: &Value) -> Value {
    let nowhere = json!({"url": "http://127.0.0.1:1/slack/interactions"});
    let pressed = Chat::new(account).press_on(card, "approve", nowhere).await;
    assert_eq!(pressed["failed"], "network", "{pressed}");
    let address = control("config", &json!({})).await["interactions_url"].clone();
    let mut raw = pressed["raw"].clone();
    raw["url"] = address;
    raw
}

#[tokio::test]
async fn deliveries_of_one_press_at_once_are_one_vote() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    let shown = card(&request, "C0APPROVALS").await;
    let raw = undelivered("U0ALICE", &shown).await;
    let sent = join_all((0..5).map(|_| control("resend", &raw))).await;
    assert!(sent.iter().all(|answer| answer["status"] == 200), "{sent:?}");
    assert_eq!(agent.read(&request).await["gates"][0]["approvals"], 1);
    assert_eq!(history::count(id(&request), "vote.cast").await, 1);
    assert_eq!(history::count(id(&request), "decision.refused").await, 0, "a retry is no second vote");
    history::folded(id(&request)).await;
}

#[tokio::test]
async fn a_press_that_comes_again_after_the_end_changes_and_records_nothing() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    let shown = card(&request, "C0APPROVALS").await;
    let alice = Chat::new("U0ALICE");
    let first = alice.press_on(&shown, "approve", json!({})).await;
    Reviewer::new("bob").await.approve(&request).await.expect(200);
    agent.consume(&request).await.expect(200);
    let before = history::kinds(id(&request)).await;
    let mut retried = first["raw"].clone();
    retried["headers"] = json!({"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"});
    let again = control("resend", &retried).await;
    assert_eq!((&again["status"], &again["body"]), (&first["status"], &first["body"]), "the same answer");
    assert_eq!(history::kinds(id(&request)).await, before);
    assert!(alice.told(&shown).await.is_empty(), "who pressed once is told of no second press");
}

#[tokio::test]
async fn a_refused_press_does_not_count_after_an_escalation() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.escalate.late").await;
    let shown = card(&request, "C0APPROVALS").await;
    let erin = Chat::new("U0ERIN");
    let mut refused = Vec::new();
    // The second adds nothing to the record.
    for _ in 0..2 {
        refused.push(erin.press_on(&shown, "approve", json!({})).await);
    }
    let told = erin.told(&shown).await.len();
    assert_eq!((told, history::count(id(&request), "decision.refused").await), (2, 1));
    let look = async || {
        engine::sweep().await;
        cards(&request).await.into_iter().find(|c| c["channel"] == "C0ESCALATE")
    };
    let escalated = eventually("a card on the second level's channel", seconds(30), look).await;
    for press in &refused {
        let again = control("resend", &press["raw"]).await;
        assert_eq!((again["status"].as_u64(), &again["body"]), (Some(200), &press["body"]));
    }
    assert_eq!(agent.read(&request).await["status"], "pending");
    assert_eq!(erin.told(&shown).await.len(), told, "who pressed once is told once");
    assert_eq!(erin.press_on(&escalated, "approve", json!({})).await["status"], 200);
    assert_eq!(agent.wait(&request, 10).await["status"], "approved", "a new press counts");
}

#[tokio::test]
async fn bytes_under_another_time_or_with_other_words_are_not_slacks() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let shown = card(&request, "C0DATA").await;
    let raw = undelivered("U0ALICE", &shown).await;
    let time: u64 = raw["timestamp"].as_str().unwrap().parse().unwrap();
    let body = raw["body"].as_str().unwrap();
    let check = async |field: &str, value: String| {
        let mut other = raw.clone();
        other[field] = value.clone().into();
        assert_eq!(control("resend", &other).await["status"], 401, "{field} {value}");
    };
    check("timestamp", (time + 1).to_string()).await;
    check("timestamp", format!("0{time}")).await;
    check("body", format!("{body}&")).await;
    check("body", body.replace("U0ALICE", "U0CAROL")).await;
    check("signature", raw["signature"].as_str().unwrap()[..66].to_owned()).await;
    assert_eq!(agent.read(&request).await["status"], "pending");

    // An old capture with a good signature: too old by its own, signed time.
    let old = Chat::new("U0ALICE").press_on(&shown, "approve", json!({"timestamp_shift_s": -600})).await;
    assert_eq!(old["status"], 401);
    assert_eq!(control("resend", &old["raw"]).await["status"], 401);
    assert_eq!(agent.read(&request).await["status"], "pending");
    assert_eq!(control("resend", &raw).await["status"], 200, "the bytes as they were signed are good");
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
}

#[tokio::test]
async fn a_modal_that_is_submitted_twice_is_one_vote() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.rejects2").await;
    let first = Chat::new("U0ALICE").press_and_say(&request, "C0APPROVALS", "reject", "no").await;
    let again = control("resend", &first["raw"]).await;
    assert_eq!((&again["status"], &again["body"]), (&first["status"], &first["body"]), "the same answer");
    assert_eq!(history::count(id(&request), "vote.cast").await, 1);
    assert_eq!(history::count(id(&request), "decision.refused").await, 0);
    assert_eq!(agent.read(&request).await["status"], "pending");
}

#[tokio::test]
async fn what_is_signed_and_no_press_of_ours_is_refused_whole() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let shown = card(&request, "C0DATA").await;
    let alice = Chat::new("U0ALICE");
    for value in ["", "{}", "null", "req_nonsense", "{\"request\":7}", &"x".repeat(1900)] {
        let answer = alice.press_on(&shown, "approve", json!({"value": value})).await;
        let status = answer["status"].as_u64().unwrap_or_default();
        assert!((400..500).contains(&status), "{value} {answer}");
    }
    for payload in [json!({"actions": []}), json!({"actions": null}), json!({"type": 7})] {
        let answer = alice.press_on(&shown, "approve", json!({"payload": payload})).await;
        let status = answer["status"].as_u64().unwrap_or_default();
        assert!(status == 200 || (400..500).contains(&status), "{payload} {answer}");
    }
    assert_eq!(agent.read(&request).await["status"], "pending");
    assert_eq!(history::count(id(&request), "vote.cast").await, 0);
}
