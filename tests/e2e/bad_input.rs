//! What is not of the API's form gets a problem that names the place, and leaves nothing behind.

use countersign_domain::AgentId;
use countersign_tests::agent::id;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Reviewer, attempt, history, stack, unique};
use serde_json::{Value, json};

use crate::shared;

async fn raw(agent: &Agent, body: &str) -> countersign_tests::Answer {
    let call = Call {
        body: body.as_bytes().to_vec(),
        ..Call::post(format!("{}/v1/requests", stack().agents_api), &Value::Null)
    };
    agent.call(call.with("idempotency-key", &unique())).await
}

#[tokio::test]
async fn each_field_of_an_ask_is_checked_and_named() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let check = async |more: Value, code: &str, pointer: &str| {
        let problem = agent.ask("s3.sync", more.clone()).await;
        let status = if code == "payload_too_large" { 413 } else { 400 };
        assert_eq!(problem.problem(status, code)["pointer"].as_str(), Some(pointer), "{more}");
    };
    check(json!({"action": "No Such"}), "invalid_request", "/action").await;
    check(json!({"action": 7}), "invalid_request", "/action").await;
    check(json!({"target": ""}), "invalid_request", "/target").await;
    check(json!({"target": "a\nb"}), "invalid_request", "/target").await;
    check(json!({"action": null}), "invalid_request", "/action").await;
    check(json!({"target": null}), "invalid_request", "/target").await;
    check(json!({"target": ["t"]}), "invalid_request", "/target").await;
    check(json!({"arguments": []}), "invalid_request", "/arguments").await;
    check(json!({"arguments": null}), "invalid_request", "/arguments").await;
    check(json!({"justification": ""}), "invalid_request", "/justification").await;
    check(json!({"on_behalf_of": 7}), "invalid_request", "/on_behalf_of").await;
    check(json!({"on_behalf_of": "a\u{0}b"}), "invalid_request", "/on_behalf_of").await;
    check(json!({"justification": "x".repeat(4001)}), "invalid_request", "/justification").await;
    check(json!({"delegation_chain": "alice"}), "invalid_request", "/delegation_chain").await;
    check(json!({"delegation_chain": ["alice", 7]}), "invalid_request", "/delegation_chain/1").await;
    check(json!({"executor": "agt_x"}), "invalid_request", "/executor").await;
    check(json!({"expires_in": 0}), "invalid_request", "/expires_in").await;
    check(json!({"expires_in": "15m"}), "invalid_request", "/expires_in").await;
    check(json!({"expires_in": 1.5}), "invalid_request", "/expires_in").await;
    check(json!({"consume": "yes"}), "invalid_request", "/consume").await;
    check(json!({"surprise": 1}), "invalid_request", "/surprise").await;
    check(json!({"agent": "agt_x"}), "invalid_request", "/agent").await;
    check(json!({"a/b~c": 1}), "invalid_request", "/a~1b~0c").await;
    check(json!({"arguments": {"big": "x".repeat(66_000)}}), "payload_too_large", "/arguments").await;
    assert_eq!(agent.get("/v1/requests").await.expect(200)["requests"], json!([]), "nothing was recorded");
}

#[tokio::test]
async fn arguments_that_have_no_exact_canonical_form_are_refused() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let check = async |arguments: &str, pointer: &str| {
        let problem =
            raw(&agent, &format!(r#"{{"action":"s3.sync","target":"t","arguments":{arguments}}}"#)).await;
        let problem = problem.problem(400, "arguments_not_canonical");
        assert_eq!(problem["pointer"].as_str(), Some(pointer), "{arguments}");
    };
    check(r#"{"n":9007199254740993}"#, "/arguments/n").await;
    check(r#"{"a":1,"a":2}"#, "/arguments/a").await;
    check(r#"{"a":[{"b":1e400}]}"#, "/arguments/a/0/b").await;
    check(r#"{"a":"\ud800"}"#, "/arguments/a").await;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40));
    let problem = raw(&agent, &format!(r#"{{"action":"s3.sync","target":"t","arguments":{deep}}}"#)).await;
    assert_eq!(problem.status, 400, "{:?}", problem.body);
}

#[tokio::test]
async fn what_is_no_call_of_the_api_is_told_so() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    raw(&agent, "{").await.problem(400, "invalid_request");
    raw(&agent, "").await.problem(400, "invalid_request");
    let body = json!({"action": "s3.sync", "target": "t", "arguments": {}});
    agent.post("/v1/requests", &body).await.problem(400, "invalid_request"); // no Idempotency-Key
    agent.get("/v1/requests/req_nonsense").await.problem(404, "not_found");
    agent.get("/v1/requests/req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW").await.problem(404, "not_found");
    agent.get("/v1/requests?status=nonsense").await.problem(400, "invalid_request");
    agent.get("/v1/requests?surprise=1").await.problem(400, "invalid_request");

    let request = agent.asks("s3.sync").await;
    let path = |rest: &str| format!("/v1/requests/{}/{rest}", id(&request));
    let attempt = countersign_tests::attempt();
    let problem = agent.post(&path("consume"), &json!({"digest": "x", "attempt": attempt})).await;
    assert_eq!(problem.problem(400, "invalid_request")["pointer"], "/digest");
    let problem = agent.post(&path("consume"), &json!({"digest": request["digest"], "attempt": "1"})).await;
    assert_eq!(problem.problem(400, "invalid_request")["pointer"], "/attempt");
    let problem = agent.post(&path("outcome"), &json!({"outcome": "great"})).await;
    assert_eq!(problem.problem(400, "invalid_request")["pointer"], "/outcome");
    agent.post(&path("responses"), &json!({"answer": "unasked"})).await.problem(409, "not_actionable");

    let alice = Reviewer::new("alice").await;
    let decisions = format!("/v1/review/requests/{}/decisions", id(&request));
    let problem = alice.post(&decisions, &json!({"decision": "maybe", "digest": request["digest"]})).await;
    assert_eq!(problem.problem(400, "invalid_request")["pointer"], "/decision");
    let problem = alice.post(&decisions, &json!({"decision": "reject", "digest": request["digest"]})).await;
    assert_eq!(problem.problem(400, "invalid_request")["pointer"], "/comment");
    assert_eq!(agent.read(&request).await["status"], "pending");
}

#[tokio::test]
async fn each_field_of_the_other_bodies_is_checked_and_named() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (alice, grace) = (Reviewer::new("alice").await, Reviewer::new("grace").await);
    let request = agent.asks("s3.sync").await;
    let agent_id = AgentId::of("role", "000000000000", &agent.role);
    let long = "x".repeat(4001);
    let (digest, attempt) = (request["digest"].clone(), attempt());

    let verb = |verb: &str| format!("/v1/requests/{}/{verb}", id(&request));
    let asked = async |path: String, body: Value, pointer: &str| {
        let problem = agent.post(&path, &body).await.problem(400, "invalid_request");
        assert_eq!(problem["pointer"].as_str(), Some(pointer), "{path} {body}");
    };
    asked(verb("responses"), json!({}), "/answer").await;
    asked(verb("responses"), json!({"answer": ""}), "/answer").await;
    asked(verb("responses"), json!({"answer": long}), "/answer").await;
    asked(verb("responses"), json!({"answer": "a", "arguments": 1}), "/arguments").await;
    asked(verb("responses"), json!({"answer": "a", "justification": "j"}), "/justification").await;
    asked(verb("responses"), json!({"answer": "a", "target": "t"}), "/target").await;
    asked(verb("withdraw"), json!({"reason": 1}), "/reason").await;
    asked(verb("withdraw"), json!({"because": "x"}), "/because").await;
    asked(verb("withdraw"), json!([]), "").await;
    asked(verb("consume"), json!({"attempt": attempt}), "/digest").await;
    asked(verb("consume"), json!({"digest": digest}), "/attempt").await;
    asked(verb("consume"), json!({"digest": digest, "attempt": attempt.to_uppercase()}), "/attempt").await;
    asked(verb("consume"), json!({"digest": digest, "attempt": attempt, "force": true}), "/force").await;
    asked(verb("outcome"), json!({}), "/outcome").await;
    asked(verb("outcome"), json!({"outcome": "failed", "detail": long}), "/detail").await;
    asked("/v1/explain".to_owned(), json!({"action": "s3.sync", "arguments": {}}), "/target").await;

    let review = |verb: &str| format!("/v1/review/requests/{}/{verb}", id(&request));
    let decided = async |path: String, body: Value, pointer: &str| {
        let problem = grace.post(&path, &body).await.problem(400, "invalid_request");
        assert_eq!(problem["pointer"].as_str(), Some(pointer), "{path} {body}");
    };
    decided(review("decisions"), json!({"digest": digest}), "/decision").await;
    decided(review("decisions"), json!({"decision": "approve"}), "/digest").await;
    decided(review("decisions"), json!({"decision": "approve", "digest": "sha256:00"}), "/digest").await;
    decided(review("decisions"), json!({"decision": "request_info", "digest": digest}), "/comment").await;
    decided(
        review("decisions"),
        json!({"decision": "approve", "digest": digest, "comment": long}),
        "/comment",
    )
    .await;
    decided(
        review("decisions"),
        json!({"decision": "approve", "digest": digest, "person": "bob"}),
        "/person",
    )
    .await;
    decided(review("revoke"), json!({"reason": ["x"]}), "/reason").await;
    decided(format!("/v1/review/agents/{agent_id}/freeze"), json!({"reason": 7}), "/reason").await;
    decided(format!("/v1/review/agents/{agent_id}/unfreeze"), json!({"until": "x"}), "/until").await;
    alice.post("/v1/review/agents/agt_x/freeze", &json!({})).await.problem(404, "not_found");
    alice.post("/v1/review/requests/req_x/decisions", &json!({})).await.problem(404, "not_found");

    assert_eq!(agent.asks("s3.sync").await["status"], "pending", "nobody was frozen");
    assert_eq!(
        history::kinds(id(&request)).await,
        ["request.created", "policy.evaluated"],
        "nothing was recorded"
    );
}

#[tokio::test]
async fn limits_are_exact_and_the_largest_that_fits_is_taken() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let name = |n: usize| format!("test.{}", "a".repeat(n - 5));
    for (more, fits) in [
        (json!({"action": name(128)}), true),
        (json!({"action": name(129)}), false),
        (json!({"target": "t".repeat(2048)}), true),
        (json!({"target": "t".repeat(2049)}), false),
        (json!({"justification": "j".repeat(4000)}), true),
        (json!({"on_behalf_of": "p".repeat(256)}), true),
        (json!({"on_behalf_of": "p".repeat(257)}), false),
        (json!({"delegation_chain": vec!["p"; 10]}), true),
        (json!({"delegation_chain": vec!["p"; 11]}), false),
        (json!({"expires_in": 1}), true),
        (json!({"expires_in": 80 * 86_400}), true),
        (json!({"expires_in": 80 * 86_400 + 1}), false),
        (json!({"arguments": {"a": "x".repeat(64 * 1024 - 8)}}), true),
        (json!({"arguments": {"a": "x".repeat(64 * 1024 - 7)}}), false),
    ] {
        let answer = agent.ask("s3.sync", more.clone()).await;
        let status = answer.status;
        assert_eq!(status == 202, fits, "{status} {}", &more.to_string()[..more.to_string().len().min(60)]);
        assert!(fits || [400, 413].contains(&status), "{status}");
    }
    for (key, status) in [("k".repeat(128), 202), ("k".repeat(129), 400), ("a b".to_owned(), 400)] {
        assert_eq!(agent.ask_with_key(&key, "s3.sync", Value::Null).await.status, status, "{key}");
    }
    let padded = format!(r#"{{"action":"s3.sync","target":"t","arguments":{{}}{}}}"#, " ".repeat(80 * 1024));
    raw(&agent, &padded).await.problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_not_read() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let body = json!({"action": "s3.sync", "target": "t", "arguments": {}});
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/json; charset=latin1"),
        ("content-encoding", "gzip"),
    ] {
        let mut call = Call::post(format!("{}/v1/requests", stack().agents_api), &body);
        call.headers.retain(|(n, _)| n != name);
        let answer = agent.call(call.with("idempotency-key", &unique()).with(name, value)).await;
        answer.problem(415, "invalid_request");
    }
    let url = format!("{}/v1/requests", stack().agents_api);
    for method in ["PUT", "DELETE", "PATCH"] {
        let call = Call { method: method.parse().unwrap(), ..Call::get(&url) };
        let answer = agent.call(call).await;
        assert!([403, 404, 405].contains(&answer.status), "{method} {}", answer.status);
    }
    assert_eq!(agent.get("/v1/requests").await.expect(200)["requests"], json!([]), "nothing was recorded");
}
