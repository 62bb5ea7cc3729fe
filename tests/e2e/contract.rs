//! The contract as it is served: anybody reads it, and every operation in it is there.

use countersign_http::openapi::conformance::Document;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Reviewer, stack};
use serde_json::{Value, json};

use crate::shared;

/// An id of the right form that nothing has.
const NOBODY: &str = "req_00000000000000000000000000";
const NO_AGENT: &str = "agt_aaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn each_api_serves_its_document() {
    let _stack = shared().await;
    for (api, document) in
        [(&stack().agents_api, Document::agents()), (&stack().review_api, Document::reviewers())]
    {
        let served = Call::get(format!("{api}/openapi.json")).send().await;
        assert_eq!(&served.expect(200), document.root());
    }
}

#[tokio::test]
async fn every_operation_of_a_document_reaches_its_function() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let alice = Reviewer::new("alice").await;
    for (method, path, _) in Document::agents().operations() {
        let path = path.replace("{id}", NOBODY);
        let answer = match method.as_str() {
            "GET" => agent.get(&path).await,
            _ => agent.post(&path, &json!({"no": "such"})).await,
        };
        reached(&method, &path, &answer.body, answer.header("x-content-type-options"));
    }
    for (method, path, _) in Document::reviewers().operations() {
        let path = path.replace("{id}", NOBODY).replace("{agent}", NO_AGENT);
        let answer = match method.as_str() {
            "GET" => alice.get(&path).await,
            _ => alice.post(&path, &json!({"no": "such"})).await,
        };
        reached(&method, &path, &answer.body, answer.header("x-content-type-options"));
    }
}

/// The gateway's own answers lack our header.
#[track_caller]
fn reached(method: &str, path: &str, body: &Value, ours: &str) {
    assert_eq!(ours, "nosniff", "{method} {path}: {body}");
}
