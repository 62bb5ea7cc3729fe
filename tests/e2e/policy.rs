//! What policy says without anybody's decision.

use countersign_domain::AgentId;
use countersign_tests::{Agent, Reviewer, engine};
use serde_json::{Value, json};

use crate::shared;

#[tokio::test]
async fn policy_denies_and_says_what_to_do() {
    let _stack = shared().await;
    let denied = Agent::ordinary().await.ask("test.deny", Value::Null).await.expect(201);
    assert_eq!((denied["status"].as_str(), denied["code"].as_str()), (Some("denied"), Some("policy_denied")));
    assert!(denied["agent_guidance"].is_string());
}

#[tokio::test]
async fn an_agent_that_nobody_registered_is_denied() {
    let _stack = shared().await;
    let denied = Agent::new("nobody-knows-me").await.ask("s3.sync", Value::Null).await.expect(201);
    assert_eq!((denied["status"].as_str(), denied["code"].as_str()), (Some("denied"), Some("agent_unknown")));
    assert!(denied["agent_guidance"].as_str().unwrap().contains("agents.toml"));
}

#[tokio::test]
async fn explain_says_the_same_and_records_nothing() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let body = |action: &str| json!({"action": action, "target": "t", "arguments": {}});
    let told = agent.post("/v1/explain", &body("test.twogates")).await.expect(200);
    assert_eq!((told["outcome"].as_str(), told["gates"].as_array().map(Vec::len)), (Some("review"), Some(2)));
    assert_eq!(agent.post("/v1/explain", &body("test.deny")).await.expect(200)["code"], "policy_denied");
    assert_eq!(agent.post("/v1/explain", &body("test.allow")).await.expect(200)["outcome"], "allow");
    assert_eq!(
        agent.post("/v1/explain", &body("test.nobody")).await.expect(200)["code"],
        "no_eligible_reviewer"
    );
    assert_eq!(agent.get("/v1/requests").await.expect(200)["requests"], json!([]));
    let agent_id = AgentId::of("role", "000000000000", &agent.role);
    assert!(engine::partition(&format!("AGENT#{agent_id}")).await.is_empty(), "not even that it asked");
    assert_eq!(agent.asks("s3.sync").await["status"], "pending");
    let unknown = Agent::new("nobody-knows-me").await;
    assert_eq!(unknown.post("/v1/explain", &body("s3.sync")).await.expect(200)["code"], "agent_unknown");
}

#[tokio::test]
async fn a_rejected_ask_cools_down() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.cooldown").await;
    Reviewer::new("alice").await.decide(&request, "reject", Some("no")).await.expect(200);
    let again = agent.ask("test.cooldown", Value::Null).await.expect(201);
    assert_eq!((again["status"].as_str(), again["code"].as_str()), (Some("denied"), Some("policy_denied")));
    agent.ask("test.cooldown", json!({"target": "another"})).await.expect(202);
}
