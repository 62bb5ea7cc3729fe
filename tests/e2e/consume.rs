//! The right to run, once.

use countersign_domain::AgentId;
use countersign_tests::agent::id;
use countersign_tests::{Agent, Reviewer, attempt, engine};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::shared;

async fn approved(agent: &Agent, more: Value) -> Value {
    let request = agent.ask("s3.sync", more).await.expect(202);
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    request
}

/// An answer but for its receipt, which may be of a later checkpoint.
fn without_receipt(mut right: Value) -> Value {
    let receipt = right.as_object_mut().unwrap().remove("receipt");
    assert!(receipt.is_some_and(|receipt| receipt.is_string()));
    right
}

#[tokio::test]
async fn the_same_attempt_gets_the_same_answer_and_another_gets_none() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, Value::Null).await;
    let mine = attempt();
    let first = agent.consume_as(&request, &mine).await.expect(200);
    let again = agent.consume_as(&request, &mine).await.expect(200);
    assert_eq!(without_receipt(first), without_receipt(again));
    agent.consume(&request).await.problem(409, "already_consumed");
    agent.outcome(&request, "unknown").await.expect(200);
    agent.consume_as(&request, &mine).await.problem(409, "already_consumed");
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(kinds.iter().filter(|k| *k == "execution.consumed").count(), 1);
}

#[tokio::test]
async fn of_ten_at_once_one_wins() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, Value::Null).await;
    let answers = join_all((0..10).map(|_| agent.consume(&request))).await;
    let won = answers.iter().filter(|a| a.status == 200).count();
    assert_eq!(won, 1, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|a| a.status == 200 || a.body["code"] == "already_consumed"));
}

#[tokio::test]
async fn an_executor_consumes_what_was_asked_for_it() {
    let _stack = shared().await;
    let (agent, executor, stranger) =
        (Agent::ordinary().await, Agent::new("executor").await, Agent::ordinary().await);
    let executor_id = AgentId::of("role", "000000000000", &executor.role);
    let request = approved(&agent, json!({"executor": executor_id})).await;
    stranger.consume(&request).await.problem(404, "not_found");
    assert_eq!(executor.read(&request).await["status"], "approved");
    executor.consume(&request).await.expect(200);
    agent.outcome(&request, "succeeded").await.problem(403, "forbidden");
    assert_eq!(executor.outcome(&request, "succeeded").await.expect(200)["status"], "succeeded");
}

#[tokio::test]
async fn the_key_of_an_ask_that_was_consumed_otherwise_gives_no_right_to_run() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let key = attempt();
    let made = agent.ask_with_key(&key, "test.allow", json!({})).await.expect(201);
    agent.consume(&made).await.expect(200);
    let again = agent.ask_with_key(&key, "test.allow", json!({})).await.expect(201);
    assert_eq!(again["status"], "consumed");
    assert!(again["consume"].get("nonce").is_none(), "{again}");
}

#[tokio::test]
async fn an_allowed_ask_is_made_and_consumed_in_one_round_trip() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let key = attempt();
    let made = agent.ask_with_key(&key, "test.allow", json!({"consume": true})).await.expect(201);
    assert_eq!((made["status"].as_str(), made["outcome"].as_str()), (Some("consumed"), Some("allow")));
    assert!(made["consume"]["nonce"].is_string());
    assert_eq!(agent.ask_with_key(&key, "test.allow", json!({"consume": true})).await.expect(201), made);
    agent.consume(&made).await.problem(409, "already_consumed");
    agent.consume_as(&made, &key).await.expect(200);

    agent.outcome(&made, "succeeded").await.expect(200);
    let ended = agent.ask_with_key(&key, "test.allow", json!({"consume": true})).await.expect(201);
    assert!(ended["consume"].get("nonce").is_none(), "nobody may run it again");

    let reviewed = agent.ask_with_key(&attempt(), "s3.sync", json!({"consume": true})).await.expect(202);
    assert_eq!(reviewed["status"], "pending", "in review the flag is ignored");
    let problem = agent.ask_with_key("short", "test.allow", json!({"consume": true})).await;
    problem.problem(400, "invalid_request");
}

#[tokio::test]
async fn a_digest_that_was_not_approved_is_refused_and_recorded() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent, Value::Null).await;
    let wrong = json!({"id": request["id"], "digest": format!("sha256:{}", "0".repeat(64))});
    agent.consume(&wrong).await.problem(409, "digest_mismatch");
    agent.consume(&wrong).await.problem(409, "digest_mismatch");
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(kinds.iter().filter(|k| *k == "execution.refused").count(), 1, "{kinds:?}");
    agent.consume(&request).await.expect(200);
}
