//! One key, one request.

use countersign_tests::{Agent, unique};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::shared;

#[tokio::test]
async fn a_key_used_again_gives_the_same_request() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let key = unique();
    let first = agent.ask_with_key(&key, "s3.sync", Value::Null).await.expect(202);
    let again = agent.ask_with_key(&key, "s3.sync", Value::Null).await.expect(202);
    assert_eq!((&first["id"], &first["digest"]), (&again["id"], &again["digest"]));
    agent
        .ask_with_key(&key, "s3.sync", json!({"target": "another"}))
        .await
        .problem(409, "idempotency_key_reused");
    let other = Agent::ordinary().await.ask_with_key(&key, "s3.sync", Value::Null).await.expect(202);
    assert_ne!(first["id"], other["id"], "keys are the agent's own");
}

#[tokio::test]
async fn ten_at_once_with_one_key_make_one_request() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let key = unique();
    let asks = (0..10).map(|_| agent.ask_with_key(&key, "s3.sync", Value::Null));
    let ids: std::collections::BTreeSet<String> =
        join_all(asks).await.into_iter().map(|a| a.expect(202)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    let listed = agent.get("/v1/requests").await.expect(200);
    assert_eq!(listed["requests"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn ten_asks_at_once_are_ten_requests_in_a_dense_row() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let asks = (0..10).map(|_| agent.ask("test.allow", Value::Null));
    let made = join_all(asks).await;
    assert!(made.iter().all(|a| a.status == 201), "{:?}", made.iter().map(|a| a.status).collect::<Vec<_>>());
    let mut numbers = Vec::new();
    for answer in &made {
        let leaf = countersign_tests::engine::leaves(answer.body["id"].as_str().unwrap()).await.remove(0);
        numbers.push(serde_json::from_slice::<Value>(&leaf).unwrap()["rno"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_has_pages_and_only_ones_own() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    for _ in 0..3 {
        agent.ask("test.deny", Value::Null).await.expect(201);
    }
    let pending = agent.asks("s3.sync").await;
    let all = agent.get("/v1/requests").await.expect(200);
    assert_eq!(all["requests"].as_array().map(Vec::len), Some(4));
    assert_eq!(all["requests"][0]["id"], pending["id"], "newest first");
    let denied = agent.get("/v1/requests?status=denied").await.expect(200);
    assert_eq!(denied["requests"].as_array().map(Vec::len), Some(3));
    let other = Agent::ordinary().await;
    other.get(&format!("/v1/requests/{}", pending["id"].as_str().unwrap())).await.problem(404, "not_found");
}
