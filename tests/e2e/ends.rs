//! The other ends: withdrawn by the agent, revoked by a person; and that ends are final.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, shows};
use countersign_tests::{Agent, Reviewer, engine};
use serde_json::json;

use crate::shared;

#[tokio::test]
async fn an_agent_withdraws() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    card(&request, "C0DATA").await;
    let path = format!("/v1/requests/{}/withdraw", id(&request));
    let ended = agent.post(&path, &json!({"reason": "not needed"})).await.expect(200);
    assert_eq!(ended["status"], "withdrawn");
    assert_eq!(
        agent.post(&path, &json!({})).await.expect(200)["status"],
        "withdrawn",
        "repeating it is harmless"
    );
    Reviewer::new("alice").await.approve(&request).await.problem(409, "already_decided");
    agent.consume(&request).await.problem(409, "not_actionable");
    shows(&request, "C0DATA", "Withdrawn").await;
    engine::workflow_ends(id(&request)).await;
}

#[tokio::test]
async fn a_reviewer_takes_an_approval_back() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let alice = Reviewer::new("alice").await;
    let path = format!("/v1/review/requests/{}/revoke", id(&request));
    alice.post(&path, &json!({})).await.problem(409, "not_actionable");
    alice.approve(&request).await.expect(200);
    Reviewer::new("dave").await.post(&path, &json!({})).await.problem(403, "not_eligible");
    let revoked =
        Reviewer::new("bob").await.post(&path, &json!({"reason": "wrong bucket"})).await.expect(200);
    assert_eq!(
        (revoked["status"].as_str(), revoked["decision"]["comment"].as_str()),
        (Some("revoked"), Some("wrong bucket"))
    );
    agent.consume(&request).await.problem(409, "not_actionable");
    shows(&request, "C0DATA", "Revoked").await;
}

#[tokio::test]
async fn an_outcome_is_reported_once_by_who_consumed() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    agent.outcome(&request, "succeeded").await.problem(409, "not_actionable");
    agent.consume(&request).await.expect(200);
    assert_eq!(agent.outcome(&request, "failed").await.expect(200)["status"], "failed");
    assert_eq!(
        agent.outcome(&request, "failed").await.expect(200)["status"],
        "failed",
        "a lost answer is asked for again"
    );
    agent.outcome(&request, "succeeded").await.problem(409, "not_actionable");
}
