//! Nobody decides on their own ask, by whichever name they are bound to it.

use countersign_tests::agent::id;
use countersign_tests::chat::card;
use countersign_tests::{Agent, Chat, Reviewer, engine};
use serde_json::{Value, json};

use crate::shared;

async fn refused(request: &Value, person: &str, account: &str, channel: &str) {
    let reviewer = Reviewer::new(person).await;
    reviewer.approve(request).await.problem(403, "self_approval_denied");
    reviewer.decide(request, "reject", Some("mine")).await.problem(403, "self_approval_denied");
    let shown = card(request, channel).await;
    let chat = Chat::new(account);
    chat.press_on(&shown, "approve", json!({})).await;
    assert!(chat.told(&shown).await.iter().any(|t| t.contains("may not decide")), "told in chat");
    assert!(chat.view(request).await.is_none());
    let kinds = engine::kinds(id(request)).await;
    assert_eq!(
        kinds.iter().filter(|k| *k == "decision.refused").count(),
        1,
        "once per person and reason: {kinds:?}"
    );
}

#[tokio::test]
async fn the_agents_owner_does_not_decide() {
    let _stack = shared().await;
    let agent = Agent::new("owned-by-alice").await;
    let request = agent.asks("s3.sync").await;
    refused(&request, "alice", "U0ALICE", "C0DATA").await;
    assert_eq!(Reviewer::new("bob").await.approve(&request).await.expect(200)["status"], "approved");
}

#[tokio::test]
async fn who_can_act_as_the_agent_does_not_decide() {
    let _stack = shared().await;
    let request = Agent::new("acts-bob").await.asks("s3.sync").await;
    refused(&request, "bob", "U0BOB", "C0DATA").await;
}

#[tokio::test]
async fn whom_the_agent_acts_for_does_not_decide_by_any_alias() {
    let _stack = shared().await;
    let oidc = format!("oidc:{}#alice", countersign_tests::stack().oidc_url);
    for alias in [
        "alice",
        "alice@example.com",
        "email:ALICE@example.com",
        "slack:T0COUNTER/U0ALICE",
        "sso:alice",
        &oidc,
    ] {
        let agent = Agent::ordinary().await;
        let request = agent.ask("s3.sync", json!({"on_behalf_of": alias})).await.expect(202);
        Reviewer::new("alice").await.approve(&request).await.problem(403, "self_approval_denied");
        let request = agent
            .ask("s3.sync", json!({"delegation_chain": ["nobody@example.com", alias]}))
            .await
            .expect(202);
        Reviewer::new("alice").await.approve(&request).await.problem(403, "self_approval_denied");
    }
}

#[tokio::test]
async fn the_person_behind_an_sso_session_does_not_decide() {
    let _stack = shared().await;
    let role = format!("AWSReservedSSO_Ops_{}", countersign_tests::unique());
    let agent = Agent::with_role(&role, "bob").await;
    let request = agent.asks("s3.sync").await;
    assert!(request["agent"]["name"].as_str().unwrap().contains("/bob"));
    Reviewer::new("bob").await.approve(&request).await.problem(403, "self_approval_denied");
    let leaves = engine::leaves(id(&request)).await;
    let names = leaves.iter().any(|leaf| String::from_utf8_lossy(leaf).contains("/bob\""));
    assert!(!names, "the log names no person by a session");
}

#[tokio::test]
async fn nobody_independent_means_denied() {
    let _stack = shared().await;
    let denied = Agent::ordinary().await.ask("test.nobody", Value::Null).await.expect(201);
    assert_eq!(
        (denied["status"].as_str(), denied["code"].as_str()),
        (Some("denied"), Some("no_eligible_reviewer"))
    );
}
