//! Whole lives, each to another end: what is recorded, that the record proves what the API shows, that the workflow
//! ends, and that the archive holds it all.

use countersign_domain::AgentId;
use countersign_tests::agent::id;
use countersign_tests::chat::cards;
use countersign_tests::{Agent, Reviewer, attempt, engine, eventually, history, seconds};
use serde_json::{Value, json};

use crate::shared;

/// How the workflow of a request stands in the end.
#[derive(PartialEq)]
enum Workflow {
    Ended,
    NeverStarted,
}

/// Checks a life once it is over.
async fn check(agent: &Agent, request: &Value, status: &str, kinds: &[&str], workflow: Workflow) {
    let id = id(request);
    let shown = eventually(&format!("{id} becomes {status}"), seconds(25), async || {
        engine::sweep().await;
        Some(agent.read(request).await).filter(|shown| shown["status"] == status)
    })
    .await;
    assert_eq!(history::kinds(id).await, kinds, "{id}");
    history::tells(&shown).await;

    match workflow {
        Workflow::Ended => engine::workflow_ends(id).await,
        Workflow::NeverStarted => assert_eq!(engine::execution(id).await, "MISSING"),
    }
    let leaves = engine::leaves(id).await;
    let archived = async || (engine::archived(id).await == leaves).then_some(());
    eventually(&format!("the archive holds {id}, byte for byte and in order"), seconds(20), archived).await;

    let auditor = Reviewer::new("grace").await;
    let events = auditor.get(&format!("/v1/review/requests/{id}/events")).await.expect(200);
    let exact: Vec<Value> = leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect();
    assert_eq!(events["events"], json!(exact), "an auditor reads what is recorded");
    assert_eq!(auditor.read(request).await["status"], status);
}

/// A request with its card posted and that recorded, so that no event of it comes late.
async fn asked(agent: &Agent, action: &str) -> Value {
    posted(agent.asks(action).await).await
}

async fn posted(request: Value) -> Value {
    let recorded = async || (history::count(id(&request), "notification.sent").await == 1).then_some(());
    eventually(&format!("the card of {} is posted", id(&request)), seconds(20), recorded).await;
    request
}

async fn approved(agent: &Agent, action: &str) -> Value {
    let request = asked(agent, action).await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    request
}

async fn ran(outcome: &str) {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, "s3.sync").await;
    agent.consume(&request).await.expect(200);
    let path = format!("/v1/requests/{}/outcome", id(&request));
    agent.post(&path, &json!({"outcome": outcome, "detail": "as it went"})).await.expect(200);
    let last = format!("execution.{outcome}");
    let kinds = [
        "request.created",
        "policy.evaluated",
        "vote.cast",
        "decision.approved",
        "execution.consumed",
        &last,
    ];
    check(&agent, &request, outcome, &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn succeeded() {
    ran("succeeded").await;
}

#[tokio::test]
async fn failed() {
    ran("failed").await;
}

#[tokio::test]
async fn unknown() {
    ran("unknown").await;
}

#[tokio::test]
async fn rejected() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = asked(&agent, "s3.sync").await;
    Reviewer::new("alice").await.decide(&request, "reject", Some("no")).await.expect(200);
    let kinds = ["request.created", "policy.evaluated", "vote.cast", "decision.rejected"];
    check(&agent, &request, "rejected", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn revised_and_denied() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let alice = Reviewer::new("alice").await;
    let no = json!({"prefix": "no"});
    let before = agent.ask("test.cooldown", json!({"arguments": no})).await.expect(202);
    alice.decide(&before, "reject", Some("never these")).await.expect(200);

    let request = asked(&agent, "test.cooldown").await;
    alice.decide(&request, "request_info", Some("which?")).await.expect(200);
    let path = format!("/v1/requests/{}/responses", id(&request));
    let denied = agent.post(&path, &json!({"answer": "those", "arguments": no})).await.expect(200);
    assert_eq!((denied["status"].as_str(), denied["code"].as_str()), (Some("denied"), Some("policy_denied")));
    let kinds = [
        "request.created",
        "policy.evaluated",
        "info.requested",
        "info.supplied",
        "request.revised",
        "policy.evaluated",
        "request.denied",
    ];
    check(&agent, &request, "denied", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn expired() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = asked(&agent, "test.expire").await;
    let kinds = ["request.created", "policy.evaluated", "request.expired"];
    check(&agent, &request, "expired", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn expired_in_the_time_that_the_agent_gave() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = posted(agent.ask("s3.sync", json!({"expires_in": 2})).await.expect(202)).await;
    let kinds = ["request.created", "policy.evaluated", "request.expired"];
    check(&agent, &request, "expired", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn undeliverable() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.absent").await;
    let kinds = ["request.created", "policy.evaluated", "request.undeliverable"];
    check(&agent, &request, "undeliverable", &kinds, Workflow::Ended).await;
    assert_eq!(
        history::count(id(&request), "notification.failed").await,
        1,
        "once, however often it was tried"
    );
    assert_eq!(cards(&request).await.len(), 0);
}

#[tokio::test]
async fn lapsed() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, "test.lapse").await;
    let kinds = ["request.created", "policy.evaluated", "vote.cast", "decision.approved", "request.lapsed"];
    check(&agent, &request, "lapsed", &kinds, Workflow::Ended).await;
    agent.consume(&request).await.problem(410, "expired");
}

#[tokio::test]
async fn withdrawn() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = asked(&agent, "s3.sync").await;
    agent
        .post(&format!("/v1/requests/{}/withdraw", id(&request)), &json!({"reason": "done by hand"}))
        .await
        .expect(200);
    let kinds = ["request.created", "policy.evaluated", "request.withdrawn"];
    check(&agent, &request, "withdrawn", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn withdrawn_after_approval() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, "s3.sync").await;
    agent.post(&format!("/v1/requests/{}/withdraw", id(&request)), &Value::Null).await.expect(200);
    agent.consume(&request).await.problem(409, "not_actionable");
    let kinds =
        ["request.created", "policy.evaluated", "vote.cast", "decision.approved", "request.withdrawn"];
    check(&agent, &request, "withdrawn", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn withdrawn_because_unanswered() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = asked(&agent, "test.unanswered").await;
    Reviewer::new("alice").await.decide(&request, "request_info", Some("why?")).await.expect(200);
    let kinds = ["request.created", "policy.evaluated", "info.requested", "request.withdrawn"];
    check(&agent, &request, "withdrawn", &kinds, Workflow::Ended).await;
    let path = format!("/v1/requests/{}/responses", id(&request));
    agent.post(&path, &json!({"answer": "late"})).await.problem(409, "not_actionable");
}

#[tokio::test]
async fn revoked() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, "s3.sync").await;
    let path = format!("/v1/review/requests/{}/revoke", id(&request));
    Reviewer::new("carol").await.post(&path, &json!({"reason": "wrong bucket"})).await.expect(200);
    let kinds = ["request.created", "policy.evaluated", "vote.cast", "decision.approved", "request.revoked"];
    check(&agent, &request, "revoked", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn revoked_because_frozen() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, "s3.sync").await;
    let agent_id = AgentId::of("role", "000000000000", &agent.role);
    let path = format!("/v1/review/agents/{agent_id}");
    let grace = Reviewer::new("grace").await;
    let frozen = grace.post(&format!("{path}/freeze"), &json!({"reason": "odd"})).await.expect(200);
    let thawed = grace.post(&format!("{path}/unfreeze"), &json!({})).await.expect(200);
    assert_eq!(
        (&thawed["frozen"], &thawed["void_before"]),
        (&json!(false), &frozen["void_before"]),
        "the mark stays"
    );
    let kinds = ["request.created", "policy.evaluated", "vote.cast", "decision.approved", "request.revoked"];
    check(&agent, &request, "revoked", &kinds, Workflow::Ended).await;
}

#[tokio::test]
async fn denied() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.ask("test.deny", Value::Null).await.expect(201);
    let kinds = ["request.created", "policy.evaluated", "request.denied"];
    check(&agent, &request, "denied", &kinds, Workflow::NeverStarted).await;
}

#[tokio::test]
async fn allowed_and_run_at_once() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.ask_with_key(&attempt(), "test.allow", json!({"consume": true})).await.expect(201);
    agent.outcome(&request, "succeeded").await.expect(200);
    let kinds = ["request.created", "policy.evaluated", "execution.consumed", "execution.succeeded"];
    check(&agent, &request, "succeeded", &kinds, Workflow::NeverStarted).await;
}

#[tokio::test]
async fn asked_answered_revised_and_approved() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = asked(&agent, "test.quorum2").await;
    let (alice, bob) = (Reviewer::new("alice").await, Reviewer::new("bob").await);
    let path = format!("/v1/requests/{}/responses", id(&request));
    alice.approve(&request).await.expect(200);
    bob.decide(&request, "request_info", Some("why?")).await.expect(200);
    agent.post(&path, &json!({"answer": "so"})).await.expect(200);
    bob.decide(&request, "request_info", Some("less?")).await.expect(200);
    let revised =
        agent.post(&path, &json!({"answer": "less", "arguments": {"prefix": "a"}})).await.expect(200);
    alice.approve(&revised).await.expect(200);
    bob.approve(&revised).await.expect(200);
    let kinds = [
        "request.created",
        "policy.evaluated",
        "vote.cast",
        "info.requested",
        "info.supplied",
        "info.requested",
        "info.supplied",
        "request.revised",
        "policy.evaluated",
        "vote.cast",
        "vote.cast",
        "decision.approved",
    ];
    check(&agent, &request, "approved", &kinds, Workflow::Ended).await;
}
