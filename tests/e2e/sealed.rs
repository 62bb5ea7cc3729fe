//! Nothing that was reviewed runs without evidence: the receipt, an archive that is away, and a table that was restored.

use countersign_tests::agent::id;
use countersign_tests::faults::Fault;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Reviewer, attempt, engine, eventually, seconds, stack, unique};
use countersign_tlog::note::Algorithm;
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Proof, VerifierKey};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{alone, shared};

/// Checks the receipt as anybody can: with the log's key, the leaf and the bucket's own checkpoint.
async fn verifies(request: &Value, receipt: &Value, kind: &str) {
    let text = receipt.as_str().unwrap_or_else(|| panic!("no receipt of {}: {receipt}", id(request)));
    let proof = Proof::parse(text.as_bytes()).expect("a proof");
    assert!(proof.extra.is_empty());
    let origin = stack().output("LogOrigin");
    let key = json!({"KeyId": stack().output("SigningKeyArn")});
    let public = engine::json("kms", "TrentService.GetPublicKey", &key).await;
    let public = data_encoding::BASE64.decode(public["PublicKey"].as_str().unwrap().as_bytes()).unwrap();
    let key = VerifierKey::new(origin, Algorithm::Ed25519, public.last_chunk().unwrap()).unwrap();

    let leaves = engine::leaves(id(request)).await;
    let of_kind = |leaf: &&Vec<u8>| String::from_utf8_lossy(leaf).contains(&format!("\"type\":\"{kind}\""));
    let leaf = leaves.iter().find(of_kind).unwrap_or_else(|| panic!("no {kind}"));
    let opened =
        proof.verify(&leaf_hash(leaf), origin, std::slice::from_ref(&key), &[]).expect("it verifies");
    assert!(proof.verify(&leaf_hash(b"another"), origin, std::slice::from_ref(&key), &[]).is_err());
    let path = format!("/{origin}/checkpoints/{:020}", opened.checkpoint.size());
    let published = engine::archive(Method::GET, &path).await;
    assert_eq!(String::from_utf8_lossy(&published.bytes), proof.checkpoint.to_string(), "{path}");
}

async fn approved(agent: &Agent) -> Value {
    let request = agent.asks("s3.sync").await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    request
}

#[tokio::test]
async fn the_right_to_run_comes_with_a_receipt_and_is_in_the_log_by_then() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let allowed = agent.ask("test.allow", Value::Null).await.expect(201);
    for (request, kind) in [(approved(&agent).await, "decision.approved"), (allowed, "policy.evaluated")] {
        let right = agent.consume(&request).await.expect(200);
        let archived = engine::archived(id(&request)).await;
        let used = archived.iter().any(|leaf| String::from_utf8_lossy(leaf).contains("execution.consumed"));
        assert!(used, "the use is in the log before the answer");
        verifies(&request, &right["receipt"], kind).await;
        assert!(!right["receipt"].to_string().contains(right["nonce"].as_str().unwrap()));
        verifies(&request, &agent.read(&request).await["receipt"], kind).await;
    }
}

#[tokio::test]
async fn what_was_consumed_at_once_has_its_receipt_when_it_is_sealed() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let made = agent.ask_with_key(&attempt(), "test.allow", json!({"consume": true})).await.expect(201);
    assert!(made["consume"]["nonce"].is_string(), "{made}");
    let sealed = async || {
        let receipt = agent.read(&made).await["receipt"].clone();
        receipt.is_string().then_some(receipt)
    };
    let receipt = eventually("it has a receipt", seconds(30), sealed).await;
    verifies(&made, &receipt, "policy.evaluated").await;
}

#[tokio::test]
async fn without_the_bucket_nothing_is_released_and_nobody_is_kept_from_reading() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let request = approved(&agent).await;
    let bucket = json!({"path": format!("/{}", stack().output("ArchiveBucketName"))});
    let fault = Fault::engine(bucket, json!({"status": 503, "body": ""}), None).await;
    let mine = attempt();
    let refused = agent.consume_as(&request, &mine).await;
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.problem(503, "audit_unavailable")["retryable"], true);
    let read = agent.read(&request).await;
    assert_eq!((&read["status"], &read["receipt"]), (&json!("approved"), &Value::Null));
    let at_once = agent.ask_with_key(&attempt(), "test.allow", json!({"consume": true})).await.expect(201);
    assert_eq!(at_once["status"], "consumed", "what policy allows does not wait for the archive");
    assert!(fault.lift().await >= 1);
    let right = agent.consume_as(&request, &mine).await.expect(200);
    verifies(&request, &right["receipt"], "decision.approved").await;
}

#[tokio::test]
async fn without_the_key_a_use_is_recorded_and_given_out_to_its_attempt_alone_once_it_is_sealed() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    // An ask that no card belongs to: nothing of it comes into the log by itself after this.
    let request = agent.ask("test.allow", Value::Null).await.expect(201);
    let mine = attempt();
    let used = async || {
        engine::invoke("Archiver", &json!({"seal": id(&request)})).await;
        let fault = Fault::engine(json!({"target": "Sign"}), json!({"status": 500, "body": {}}), None).await;
        agent.consume_as(&request, &mine).await.problem(503, "audit_unavailable");
        if agent.read(&request).await["status"] == "consumed" {
            return Some(fault);
        }
        // What another test left was committed just then, and stood before it.
        fault.lift().await;
        None
    };
    let fault = eventually("it is used while the key is away", seconds(30), used).await;
    agent.consume_as(&request, &mine).await.problem(503, "audit_unavailable");
    agent.consume(&request).await.problem(409, "already_consumed");
    assert!(fault.lift().await >= 1);
    let right = agent.consume_as(&request, &mine).await.expect(200);
    verifies(&request, &right["receipt"], "policy.evaluated").await;
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "execution.consumed").count(), 1, "{kinds:?}");
}

/// A stack of its own: the log of this one is halted for a while.
#[tokio::test]
async fn over_a_restored_table_nothing_is_consumed_again_and_the_log_goes_on_with_the_newer_one() {
    let _stack = shared().await;
    let issuer = stack().oidc_url.as_str();
    let changed = [("AgentAuth", "JWT"), ("AgentIssuer", issuer)];
    let (apis, outputs) = countersign_tests::stack::another("countersign-restored", &changed).await;
    let table = outputs["TableName"].as_str().unwrap();
    let (robot, alice) = (
        Reviewer::with(json!({"sub": format!("robot-{}", unique()), "scope": "openid"})).await,
        Reviewer::new("alice").await,
    );
    let [agents, review] = &apis;
    let bearing = async |who: &Reviewer, call: Call| {
        call.with("authorization", &format!("Bearer {}", who.token)).send().await
    };
    let approved = async || {
        let body = json!({"action": "s3.sync", "target": "s3://b/", "arguments": {"source": "s3://a/"}});
        let call = Call::post(format!("{agents}/v1/requests"), &body).with("idempotency-key", &attempt());
        let request = bearing(&robot, call).await.expect(202);
        let url = format!("{review}/v1/review/requests/{}/decisions", id(&request));
        let decision = json!({"decision": "approve", "digest": request["digest"]});
        bearing(&alice, Call::post(url, &decision)).await.expect(200);
        request
    };
    let consume = async |request: &Value, attempt: &str| {
        let url = format!("{agents}/v1/requests/{}/consume", id(request));
        let body = json!({"digest": request["digest"], "attempt": attempt});
        bearing(&robot, Call::post(url, &body)).await
    };

    let request = approved().await;
    let older = engine::items(table).await;
    let mine = attempt();
    assert!(consume(&request, &mine).await.expect(200)["receipt"].is_string());
    let newer = engine::items(table).await;

    engine::restore(table, &newer, &older).await;
    for attempt in [mine.as_str(), &attempt()] {
        consume(&request, attempt).await.problem(503, "audit_unavailable");
    }
    let read = Call::get(format!("{agents}/v1/requests/{}", id(&request)));
    assert_eq!(bearing(&robot, read).await.expect(200)["status"], "approved", "and it was not used");

    let meanwhile = engine::items(table).await;
    engine::restore(table, &meanwhile, &newer).await;
    assert!(consume(&request, &mine).await.expect(200)["receipt"].is_string());
    consume(&request, &attempt()).await.problem(409, "already_consumed");
    let next = approved().await;
    assert!(consume(&next, &attempt()).await.expect(200)["receipt"].is_string(), "the log goes on");
}
