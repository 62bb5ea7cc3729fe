//! Agents that bring bearer tokens instead of signatures: the same template with `AgentAuth` = JWT.

use countersign_tests::agent::id;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Answer, Reviewer, attempt, stack, unique};
use serde_json::{Value, json};

use crate::shared;

/// Agents' tokens carry no scope of ours.
async fn robot(wanted: Value) -> String {
    let mut all = json!({"sub": format!("robot-{}", unique()), "scope": "openid"});
    all.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    Reviewer::with(all).await.token
}

async fn bearing(token: &str, call: Call) -> Answer {
    call.with("authorization", &format!("Bearer {token}")).send().await
}

#[tokio::test]
async fn an_agent_asks_and_runs_with_a_token() {
    let _stack = shared().await;
    let issuer = stack().oidc_url.as_str();
    let ([agents, review], _) =
        stack::another("countersign-tokens", &[("AgentAuth", "JWT"), ("AgentIssuer", issuer)]).await;
    let ask = || {
        let body = json!({"action": "s3.sync", "target": "s3://b/", "arguments": {"source": "s3://a/"}});
        Call::post(format!("{agents}/v1/requests"), &body).with("idempotency-key", &attempt())
    };

    let token = robot(json!({})).await;
    let request = bearing(&token, ask()).await.expect(202);
    let name = request["agent"]["name"].as_str().unwrap();
    assert!(name.starts_with(&format!("oidc:{issuer}#robot-")), "{name}");

    let read = |token: String| {
        let call = Call::get(format!("{agents}/v1/requests/{}", id(&request)));
        async move { bearing(&token, call).await }
    };
    read(robot(json!({})).await).await.problem(404, "not_found");
    read(token.clone()).await.expect(200);

    let alice = Reviewer::new("alice").await;
    let decision = json!({"decision": "approve", "digest": request["digest"]});
    let url = format!("{review}/v1/review/requests/{}/decisions", id(&request));
    bearing(&alice.token, Call::post(url, &decision)).await.expect(200);
    let consume = json!({"digest": request["digest"], "attempt": attempt()});
    let url = format!("{agents}/v1/requests/{}/consume", id(&request));
    bearing(&token, Call::post(url, &consume)).await.expect(200);
    assert_eq!(read(token).await.expect(200)["status"], "consumed");

    // A token that may decide is no agent's; the other stack's ways in are none here.
    let refused = async |token: String| bearing(&token, ask()).await.status;
    assert_eq!(refused(alice.token).await, 403);
    assert_eq!(refused(robot(json!({"audience": "another"})).await).await, 401);
    assert_eq!(refused(robot(json!({"issuer": "http://127.0.0.1:1"})).await).await, 401);
    assert_eq!(refused(robot(json!({"key": "foreign"})).await).await, 401);
    assert_eq!(refused(robot(json!({"expires_in_s": -120})).await).await, 401);
    assert_eq!(ask().send().await.status, 401);
    let signer = Agent::ordinary().await;
    assert_eq!(ask().signed(&signer.credentials, "execute-api").send().await.status, 401);
}
