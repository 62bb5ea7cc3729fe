//! The main job: an agent asks, a person approves, the agent wakes, runs once, and says how it went.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, shows};
use countersign_tests::{Agent, Chat, Reviewer, engine};
use serde_json::json;

use crate::shared;

#[tokio::test]
async fn a_person_approves_in_chat_and_the_agent_runs() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let answer = agent.ask("s3.sync", json!({"justification": "move <https://evil.example|me>"})).await;
    assert_eq!(answer.header("location"), format!("/v1/requests/{}", id(&answer.body)));
    assert!(!answer.header("retry-after").is_empty() && !answer.header("etag").is_empty());
    let request = answer.expect(202);
    assert_eq!(request["status"], "pending");

    let shown = card(&request, "C0DATA").await;
    assert!(!shown["text"].as_str().unwrap().contains("evil"), "agent text only where it is literal");
    let alice = Chat::new("U0ALICE");
    let (woken, pressed) = tokio::join!(agent.wait(&request, 25), alice.press(&request, "C0DATA", "approve"));
    assert_eq!(pressed["status"], 200, "{pressed}");
    assert_eq!(woken["status"], "approved");
    assert_eq!(woken["decision"]["by"], json!(["alice"]));

    let consumed = agent.consume(&woken).await.expect(200);
    assert_eq!(consumed["approved"]["arguments"], json!({"prefix": "users/"}));
    let ended = agent.outcome(&woken, "succeeded").await.expect(200);
    assert_eq!(
        (ended["status"].as_str(), ended["decision"]["decision"].as_str()),
        (Some("succeeded"), Some("approved"))
    );
    shows(&request, "C0DATA", "succeeded").await;
    engine::workflow_ends(id(&request)).await;
}

#[tokio::test]
async fn a_person_approves_by_api() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    card(&request, "C0DATA").await;
    let bob = Reviewer::new("bob").await;
    assert!(bob.list("status=pending").await.iter().any(|listed| id(listed) == id(&request)));
    assert_eq!(bob.read(&request).await["arguments"], json!({"prefix": "users/"}));
    let decided = bob.decide(&request, "approve", Some("looks right")).await.expect(200);
    assert_eq!(decided["status"], "approved");
    assert_eq!(decided["votes"][0]["channel"], "api");
    assert_eq!(agent.read(&request).await["decision"]["comment"], "looks right");
    shows(&request, "C0DATA", "Bob Brandt").await;
    let events = bob.get(&format!("/v1/review/requests/{}/events", id(&request))).await.expect(200);
    assert_eq!(events["events"][0]["type"], "request.created");
    let text = events.to_string();
    assert!(
        !text.contains("looks right") && !text.contains("users/"),
        "no free text and no argument in the log"
    );
}

#[tokio::test]
async fn a_person_rejects_with_a_reason() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let done = Chat::new("U0CAROL").press_and_say(&request, "C0DATA", "reject", "not on a Friday").await;
    assert_eq!((done["status"].as_u64(), done["open"].as_bool()), (Some(200), Some(false)), "{done}");
    let ended = agent.wait(&request, 10).await;
    assert_eq!(
        (ended["status"].as_str(), ended["decision"]["comment"].as_str()),
        (Some("rejected"), Some("not on a Friday"))
    );
    agent.consume(&request).await.problem(409, "not_actionable");
    shows(&request, "C0DATA", "not on a Friday").await;
    Reviewer::new("bob").await.approve(&request).await.problem(409, "already_decided");
}
