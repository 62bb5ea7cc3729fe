//! A person stops an agent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign_domain::AgentId;
use countersign_tests::{Agent, Reviewer, eventually, seconds};
use futures::future::join_all;
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
async fn an_agent_that_asks_without_pause_is_frozen_at_the_first_call() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let agent_id = AgentId::of("role", "000000000000", &agent.role);
    agent.asks("s3.sync").await;
    let stop = AtomicBool::new(false);
    let asks = async || {
        let mut made = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            // One that meets the others too often is told so, and asks anew.
            let asked = agent.ask("s3.sync", Value::Null).await;
            made.extend([asked.body].into_iter().filter(|body| body["id"].is_string()));
        }
        made
    };
    let freeze = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let path = format!("/v1/review/agents/{agent_id}/freeze");
        let answer = Reviewer::new("grace").await.post(&path, &json!({"reason": "a flood"})).await;
        stop.store(true, Ordering::Relaxed);
        answer
    };
    let (made, answer) = tokio::join!(join_all((0..6).map(|_| asks())), freeze);
    assert_eq!(answer.expect(200)["frozen"], true);
    let made: Vec<_> = made.into_iter().flatten().collect();
    assert!(!made.is_empty());
    for request in &made {
        let look = async || {
            let status = agent.read(request).await["status"].clone();
            (status == "revoked" || status == "denied").then_some(())
        };
        eventually("nothing that it asked is open", seconds(30), look).await;
    }
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
