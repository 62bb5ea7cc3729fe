//! Who is calling is proved by the function that uses it, whatever the event says.

use countersign_tests::agent::id;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Reviewer, engine, stack};
use serde_json::{Value, json};

use crate::shared;

fn event(method: &str, path: &str, authorizer: Value, headers: Value, body: &Value) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "body": body.to_string(),
        "isBase64Encoded": false,
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "authorizer": authorizer},
    })
}

#[tokio::test]
async fn claims_that_an_invoker_wrote_decide_nothing() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let path = format!("/v1/review/requests/{}/decisions", id(&request));
    let body = json!({"decision": "approve", "digest": request["digest"]});
    let claims = json!({"jwt": {"claims": {"sub": "alice", "iss": stack().oidc_url, "scope": "countersign.decide", "aud": "countersign"}, "scopes": ["countersign.decide"]}});
    for headers in [
        json!({"content-type": "application/json"}),
        json!({"content-type": "application/json", "authorization": "Bearer x.y.z"}),
    ] {
        let answer = engine::invoke("Callback", &event("POST", &path, claims.clone(), headers, &body)).await;
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
    let form = "payload=%7B%7D";
    let slack = json!({"version": "2.0", "rawPath": "/slack/interactions", "headers": {"content-type": "application/x-www-form-urlencoded"},
        "body": form, "requestContext": {"http": {"method": "POST"}, "stage": "$default"}});
    assert_eq!(engine::invoke("Callback", &slack).await["statusCode"], 401);
    assert_eq!(agent.read(&request).await["status"], "pending");
}

#[tokio::test]
async fn a_call_that_nobody_vouches_for_is_no_agents() {
    let _stack = shared().await;
    let body = json!({"action": "s3.sync", "target": "t", "arguments": {}});
    let headers = json!({"content-type": "application/json", "idempotency-key": "k"});
    let iam = |arn: &str, caller: &str| json!({"iam": {"accountId": "000000000000", "callerId": caller, "userArn": arn}});
    let ask = async |authorizer: Value, headers: Value| {
        engine::invoke("Intake", &event("POST", "/v1/requests", authorizer, headers, &body)).await["statusCode"].clone()
    };
    assert_eq!(ask(Value::Null, headers.clone()).await, 401);
    assert_eq!(ask(iam("arn:aws:iam::000000000000:root", "000000000000"), headers.clone()).await, 403);
    assert_eq!(
        ask(iam("arn:aws:sts::000000000000:federated-user/x", "000000000000:x"), headers.clone()).await,
        403
    );
    let good = iam("arn:aws:sts::000000000000:assumed-role/test-agent/s", "AROAX:s");
    let mut bearer = headers.clone();
    bearer["authorization"] = "Bearer x".into();
    assert_eq!(ask(good, bearer).await, 401);
    for rubbish in [json!({}), json!(null), json!([1]), json!({"requestContext": {}}), json!({"Records": []})]
    {
        let answer = engine::invoke("Intake", &rubbish).await;
        assert_eq!(answer["statusCode"], 400, "{rubbish} {answer}");
    }

    let url = format!("{}/v1/requests", stack().agents_api);
    let unsigned = Call::post(&url, &body).with("idempotency-key", "k").send().await;
    assert!([401, 403].contains(&unsigned.status), "{}", unsigned.status);
    let bearer =
        Call::post(&url, &body).with("idempotency-key", "k").with("authorization", "Bearer x").send().await;
    assert!([401, 403].contains(&bearer.status), "{}", bearer.status);
    let root = Call::post(&url, &body)
        .with("idempotency-key", "k")
        .signed(&engine::root(), "execute-api")
        .send()
        .await;
    assert_eq!(root.status, 403);
}

#[tokio::test]
async fn only_a_reviewers_own_fresh_token_decides() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let check = async |wanted: Value, status: u16| {
        let answer = Reviewer::with(wanted.clone()).await.approve(&request).await;
        assert_eq!(answer.status, status, "{wanted} {:?}", answer.body);
    };
    check(json!({"sub": "alice", "audience": "another"}), 401).await;
    check(json!({"sub": "alice", "audience": null}), 401).await;
    check(json!({"sub": "alice", "key": "foreign"}), 401).await;
    check(json!({"sub": "alice", "alg": "HS256"}), 401).await;
    check(json!({"sub": "alice", "alg": "none"}), 401).await;
    check(json!({"sub": "alice", "issuer": "https://idp.example"}), 401).await;
    check(json!({"sub": "alice", "expires_in_s": -10}), 401).await;
    check(json!({"sub": "alice", "act": {"sub": "agent"}}), 401).await;
    check(json!({"sub": "alice", "scope": "countersign.read"}), 403).await;
    check(json!({"sub": "mallory"}), 403).await;
    check(json!({"sub": "alice", "auth_time_ago_s": 3600}), 403).await;
    check(json!({"sub": "alice", "omit_auth_time": true}), 403).await;
    assert_eq!(agent.read(&request).await["status"], "pending");
    check(json!({"sub": "alice", "auth_time_ago_s": 60}), 200).await;
}

#[tokio::test]
async fn a_person_sees_what_concerns_them() {
    let _stack = shared().await;
    let request = Agent::ordinary().await.asks("s3.sync").await;
    let path = format!("/v1/review/requests/{}", id(&request));
    Reviewer::new("dave").await.get(&path).await.problem(404, "not_found");
    Reviewer::new("grace").await.get(&path).await.expect(200);
    let plain = Call::get(format!("{}{path}", stack().review_api)).send().await;
    assert_eq!(plain.status, 401);
}

#[tokio::test]
async fn neither_side_is_served_with_the_credentials_of_the_other() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let body = json!({"decision": "approve", "digest": request["digest"]});
    let review = |path: &str| format!("{}/v1/review{path}", stack().review_api);
    let agent_id = countersign_domain::AgentId::of("role", "000000000000", &agent.role);
    for path in [
        format!("/requests/{}/decisions", id(&request)),
        format!("/requests/{}/revoke", id(&request)),
        format!("/requests/{}/cards", id(&request)),
        format!("/agents/{agent_id}/unfreeze"),
    ] {
        let signed = agent.call(Call::post(review(&path), &body)).await;
        assert_eq!(signed.status, 401, "{path}");
        assert_eq!(Call::post(review(&path), &body).send().await.status, 401, "{path}");
    }
    assert_eq!(agent.call(Call::get(review("/requests"))).await.status, 401);

    let alice = Reviewer::new("alice").await;
    let bearer = |call: Call| call.with("authorization", &format!("Bearer {}", alice.token));
    let agents = |path: &str| format!("{}{path}", stack().agents_api);
    let consume = json!({"digest": request["digest"], "attempt": countersign_tests::attempt()});
    for call in [
        Call::get(agents("/v1/requests")),
        Call::get(agents(&format!("/v1/requests/{}", id(&request)))),
        Call::post(agents(&format!("/v1/requests/{}/consume", id(&request))), &consume),
        Call::post(agents(&format!("/v1/requests/{}/withdraw", id(&request))), &Value::Null),
    ] {
        let url = call.url.clone();
        let answer = bearer(call).send().await;
        assert!([401, 403].contains(&answer.status), "{url} {}", answer.status);
    }
    assert_eq!(agent.read(&request).await["status"], "pending");
}

#[tokio::test]
async fn a_profile_may_want_a_fresher_sign_in() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.fresh").await;
    let stale = Reviewer::with(json!({"sub": "alice", "auth_time_ago_s": 120})).await;
    stale.approve(&request).await.problem(403, "assurance_required");
    stale.decide(&request, "reject", Some("no")).await.problem(403, "assurance_required");
    let future = Reviewer::with(json!({"sub": "alice", "auth_time_ago_s": -3600})).await;
    assert!([401, 403].contains(&future.approve(&request).await.status), "a sign-in that is to come is none");
    assert_eq!(agent.read(&request).await["status"], "pending");
    Reviewer::with(json!({"sub": "alice", "auth_time_ago_s": 30})).await.approve(&request).await.expect(200);
}
