//! Cards and notices: what a channel shows, and that cards can be had again.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, cards, shows};
use countersign_tests::{Agent, Chat, Reviewer, engine, eventually, seconds};
use serde_json::{Value, json};

use crate::shared;

#[tokio::test]
async fn each_gate_has_its_card_and_all_show_the_same() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.twogates").await;
    card(&request, "C0APPROVALS").await;
    card(&request, "C0DATA").await;
    Chat::new("U0DAVE").press(&request, "C0APPROVALS", "approve").await;
    shows(&request, "C0DATA", "Dave Dorsey").await;
    Chat::new("U0CAROL").press(&request, "C0DATA", "approve").await;
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
    for channel in ["C0APPROVALS", "C0DATA"] {
        let shown = shows(&request, channel, "Approved").await;
        let buttons = shown["blocks"].to_string();
        assert!(!buttons.contains("\"action_id\":\"approve\""), "nothing is left to press: {buttons}");
    }
    assert_eq!(cards(&request).await.len(), 2, "one card for each channel");
}

#[tokio::test]
async fn words_of_the_agent_are_shown_as_they_are_and_mean_nothing() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let hostile = "<!channel> *approved by* <https://evil.example|the auditor> @here `x` :white_check_mark:";
    let more =
        json!({"justification": hostile, "target": hostile, "arguments": {"note": hostile, hostile: 1}});
    let request = agent.ask("s3.sync", more).await.expect(202);
    let shown = card(&request, "C0DATA").await;
    let mut seen = 0;
    let mut look = vec![(shown["blocks"].clone(), false)];
    while let Some((value, literal)) = look.pop() {
        match &value {
            Value::Object(object) => {
                let literal = literal || object.get("type").is_some_and(|t| t == "rich_text_preformatted");
                look.extend(object.values().map(|v| (v.clone(), literal)));
            }
            Value::Array(items) => look.extend(items.iter().map(|v| (v.clone(), literal))),
            Value::String(text) if text.contains("evil.example") => {
                assert!(literal, "outside of preformatted text: {text}");
                seen += 1;
            }
            _ => {}
        }
    }
    assert!(seen > 0, "the reviewer sees it");
    assert!(!shown["text"].to_string().contains("evil"), "{}", shown["text"]);
}

#[tokio::test]
async fn cards_are_posted_again_on_demand() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let first = card(&request, "C0DATA").await;
    let path = format!("/v1/review/requests/{}/cards", id(&request));
    Reviewer::new("dave").await.post(&path, &Value::Null).await.problem(404, "not_found");
    Reviewer::new("alice").await.post(&path, &Value::Null).await.expect(202);
    let again = eventually("another card", seconds(20), async || {
        engine::sweep().await;
        cards(&request).await.into_iter().find(|c| c["ts"] != first["ts"])
    })
    .await;
    Chat::new("U0BOB").press_on(&again, "approve", json!({})).await;
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
    let shown = async || {
        let all = cards(&request).await;
        let approved = all.iter().filter(|card| card["blocks"].to_string().contains("Approved")).count();
        (all.len() == 2 && approved == 2).then_some(())
    };
    eventually("the new card and the old one show the approval", seconds(20), shown).await;
    Reviewer::new("alice").await.post(&path, &Value::Null).await.problem(409, "not_actionable");
}

#[tokio::test]
async fn there_is_an_end_of_cards_that_are_posted_again() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    card(&request, "C0DATA").await;
    let path = format!("/v1/review/requests/{}/cards", id(&request));
    let alice = Reviewer::new("alice").await;
    for n in 2..=6 {
        alice.post(&path, &Value::Null).await.expect(202);
        let posted = async || (cards(&request).await.len() == n).then_some(());
        eventually("one more card", seconds(20), async || {
            engine::sweep().await;
            posted().await
        })
        .await;
    }
    alice.post(&path, &Value::Null).await.problem(409, "not_actionable");
}

#[tokio::test]
async fn a_notice_goes_to_the_topic_and_holds_no_word_of_the_agent() {
    let _stack = shared().await;
    let queue = engine::subscribed_queue().await;
    let agent = Agent::ordinary().await;
    let request = agent.ask("test.sns", json!({"justification": "https://evil.example"})).await.expect(202);
    let notice = eventually("a notice of this request", seconds(20), async || {
        engine::messages(&queue).await.into_iter().find(|text| text.contains(id(&request)))
    })
    .await;
    assert!(!notice.contains("evil") && !notice.contains("users/"), "{notice}");
    card(&request, "C0APPROVALS").await;
}
