//! A person stops an agent.

use countersign_domain::AgentId;
use countersign_tests::{Agent, Reviewer, eventually, seconds};
use serde_json::{Value, json};

use crate::shared;

#[tokio::test]
async fn freezing_denies_new_asks_and_voids_the_old_ones_for_good() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let agent_id = AgentId::of("role", "000000000000", &agent.role);
    let (open, approved) = (agent.asks("s3.sync").await, agent.asks("s3.sync").await);
    Reviewer::new("bob").await.approve(&approved).await.expect(200);

    let path = format!("/v1/review/agents/{agent_id}");
    Reviewer::new("bob").await.post(&format!("{path}/freeze"), &json!({})).await.problem(403, "not_eligible");
    let grace = Reviewer::new("grace").await;
    let frozen = grace.post(&format!("{path}/freeze"), &json!({"reason": "odd"})).await.expect(200);
    assert_eq!(frozen["frozen"], true);
    let code = agent.consume(&approved).await;
    assert!(
        ["agent_frozen", "not_actionable"].contains(&code.body["code"].as_str().unwrap()),
        "{:?}",
        code.body
    );
    let denied = agent.ask("s3.sync", Value::Null).await.expect(201);
    assert_eq!((denied["status"].as_str(), denied["code"].as_str()), (Some("denied"), Some("agent_frozen")));
    for request in [&open, &approved] {
        let look = async || (agent.read(request).await["status"] == "revoked").then_some(());
        eventually("what was asked before is revoked", seconds(20), look).await;
    }

    grace.post(&format!("{path}/unfreeze"), &json!({})).await.expect(200);
    assert_eq!(agent.asks("s3.sync").await["status"], "pending");
    assert_eq!(agent.read(&approved).await["status"], "revoked", "unfreezing brings nothing back");
}

#[tokio::test]
async fn an_executor_that_was_frozen_consumes_nothing() {
    let _stack = shared().await;
    let (agent, executor) = (Agent::ordinary().await, Agent::new("executor").await);
    let executor_id = AgentId::of("role", "000000000000", &executor.role);
    let request = agent.ask("s3.sync", json!({"executor": executor_id})).await.expect(202);
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    let path = format!("/v1/review/agents/{executor_id}/freeze");
    Reviewer::new("alice").await.post(&path, &json!({})).await.expect(200);
    executor.consume(&request).await.problem(403, "agent_frozen");
    assert_eq!(agent.read(&request).await["status"], "revoked");
}

#[tokio::test]
async fn a_frozen_executor_consumes_nothing_that_is_asked_for_it_afterwards() {
    let _stack = shared().await;
    let (agent, executor) = (Agent::ordinary().await, Agent::new("executor").await);
    let executor_id = AgentId::of("role", "000000000000", &executor.role);
    let path = format!("/v1/review/agents/{executor_id}/freeze");
    Reviewer::new("alice").await.post(&path, &json!({})).await.expect(200);
    let request = agent.ask("s3.sync", json!({"executor": executor_id})).await.expect(202);
    Reviewer::new("bob").await.approve(&request).await.expect(200);
    executor.consume(&request).await.problem(403, "agent_frozen");
}
