//! What time alone makes of a request. The tests ring the sweep themselves.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, cards, shows};
use countersign_tests::{Agent, Chat, Reviewer, engine, eventually, seconds};
use serde_json::Value;

use crate::shared;

async fn becomes(agent: &Agent, request: &Value, status: &str) -> Value {
    let what = format!("{} becomes {status}", id(request));
    let look = async || {
        engine::sweep().await;
        let now = agent.read(request).await;
        (now["status"] == status).then_some(now)
    };
    eventually(&what, seconds(25), look).await
}

#[tokio::test]
async fn a_request_that_nobody_decides_expires() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.expire").await;
    let posted = card(&request, "C0APPROVALS").await;
    let look = async || {
        (agent.read(&request).await["overdue"] == true || agent.read(&request).await["status"] == "expired")
            .then_some(())
    };
    eventually("the deadline passes", seconds(10), look).await;
    Reviewer::new("alice").await.approve(&request).await.body["code"]
        .as_str()
        .filter(|c| ["expired", "already_decided"].contains(c))
        .expect("refused");
    becomes(&agent, &request, "expired").await;
    shows(&request, "C0APPROVALS", "Expired").await;

    let late = Chat::new("U0ALICE").press_on_old(&posted, "approve").await;
    assert_eq!(late["status"], 200);
    assert!(
        Chat::new("U0ALICE").told(&posted).await.iter().any(|t| t.contains("expired already")),
        "told so"
    );
    assert_eq!(agent.read(&request).await["status"], "expired");
    agent.consume(&request).await.problem(409, "not_actionable");
}

#[tokio::test]
async fn the_second_level_decides_only_once_it_is_reached() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.escalate").await;
    let early = Reviewer::new("erin").await.approve(&request).await;
    assert_eq!((early.status, early.body["code"].as_str()), (403, Some("not_eligible")));
    let look = async || {
        engine::sweep().await;
        cards(&request).await.into_iter().find(|c| c["channel"] == "C0ESCALATE")
    };
    eventually("a card on the second level's channel", seconds(20), look).await;
    let done = Reviewer::new("erin").await.approve(&request).await.expect(200);
    assert_eq!(done["status"], "approved");
    assert!(engine::kinds(id(&request)).await.contains(&"request.escalated".to_owned()));
}
