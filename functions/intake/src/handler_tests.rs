//! Each answer is as the OpenAPI document says, down to its fields; what is open to all is open, and nothing else.

use std::path::PathBuf;

use countersign_app::commit::execute_agent;
use countersign_app::memory::{MemorySealer, MemoryTable, MemoryWorkflow};
use countersign_app::policy::PolicySource;
use countersign_app::sample;
use countersign_domain::leaf::Subject;
use countersign_domain::{AgentId, agent};
use countersign_http::openapi::conformance::{Document, Seen};
use serde_json::json;

use super::*;

/// Takes its directory away again.
pub(super) struct Policy(PathBuf);

impl Policy {
    pub(super) fn new(test: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("countersign-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for (name, text) in [("profiles.toml", PROFILES), ("people.toml", PEOPLE), ("agents.toml", AGENTS)] {
            std::fs::write(directory.join(name), text).unwrap();
        }
        Self(directory)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PROFILES: &str = "
    [[route]]\naction = 'test.allow'\noutcome = 'allow'
    [[route]]\naction = 'test.deny'\noutcome = 'deny'
    [profile.default]\nreviewers = ['group:platform']\nchannels = ['sns']
";
const PEOPLE: &str = "
    [person.alice]\nname = 'Alice'\ngroups = ['platform']\naliases = ['email:alice@example.com']
    [person.frank]\nname = 'Frank'\ngroups = ['data']\naliases = ['email:frank@example.com']
";
const AGENTS: &str = "[[agent]]\npattern = 'aws:*:role/deploy'\nowners = ['frank']\n";

pub(super) fn app(policy: &Policy) -> App<MemoryTable, MemoryWorkflow, MemorySealer> {
    let table = MemoryTable::default();
    App {
        sealer: MemorySealer::new(&table),
        table,
        workflow: Some(MemoryWorkflow::default()),
        policy: PolicySource::new(&policy.0),
        source: "urn:countersign:test".into(),
        serves: Serves::Writes,
        auth: Auth::Iam,
    }
}

pub(super) fn event(method: &str, path: &str, headers: &Value, body: &Value, signed: bool) -> Value {
    let role = "arn:aws:sts::123456789012:assumed-role/deploy/ci";
    let iam = json!({"accountId": "123456789012", "callerId": "AROAX:ci", "userArn": role});
    let mut headers = headers.clone();
    headers["content-type"] = "application/json".into();
    json!({
        "rawPath": path,
        "headers": headers,
        "requestContext": {"http": {"method": method}, "authorizer": signed.then(|| json!({"iam": iam}))},
        "body": if body.is_null() { Value::Null } else { body.to_string().into() },
    })
}

/// The body of an answer that has this status and is as the document says.
fn judged(method: &str, path: &str, answer: &Value, status: u16) -> Value {
    let body = answer["body"].as_str().unwrap_or_default();
    assert_eq!(answer["statusCode"], status, "{method} {path}: {body}");
    let content_type = answer["headers"]["content-type"].as_str().unwrap_or_default();
    let faults = Document::agents().answer(&Seen { method, path, status, content_type, body });
    assert_eq!(faults, [""; 0], "{method} {path} {status}: {body}");
    serde_json::from_str(body).unwrap_or_default()
}

/// One agent's calls, each at the half of the API that serves it.
struct Calls(App<MemoryTable, MemoryWorkflow, MemorySealer>, u32);

impl Calls {
    async fn with(&mut self, headers: Value, method: &str, path: &str, body: Value, status: u16) -> Value {
        self.0.serves = if method == "GET" { Serves::Reads } else { Serves::Writes };
        let answer = handle(&self.0, event(method, path, &headers, &body, true)).await;
        judged(method, path, &answer, status)
    }

    async fn get(&mut self, path: &str, status: u16) -> Value {
        self.with(json!({}), "GET", path, Value::Null, status).await
    }

    async fn post(&mut self, path: &str, body: Value, status: u16) -> Value {
        self.1 += 1;
        let key = format!("{:032x}", self.1);
        self.with(json!({"idempotency-key": key}), "POST", path, body, status).await
    }
}

pub(super) fn ask(action: &str) -> Value {
    json!({"action": action, "target": "t", "arguments": {"a": [1, null]}})
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let policy = Policy::new("intake-answers");
    let mut api = Calls(app(&policy), 0);

    for (action, outcome) in [("test.allow", "allow"), ("test.deny", "deny"), ("s3.sync", "review")] {
        assert_eq!(api.post("/v1/explain", ask(action), 200).await["outcome"], outcome);
    }
    assert_eq!(api.post("/v1/requests", ask("test.deny"), 201).await["status"], "denied");

    let mut at_once = ask("test.allow");
    at_once["consume"] = true.into();
    let consumed = api.post("/v1/requests", at_once.clone(), 201).await;
    assert!(consumed["consume"]["nonce"].is_string(), "{consumed}");
    let key = json!({"idempotency-key": "no attempt"});
    api.with(key, "POST", "/v1/requests", at_once, 400).await;

    let allowed = api.post("/v1/requests", ask("test.allow"), 201).await;
    let of = |request: &Value, rest: &str| format!("/v1/requests/{}{rest}", request["id"].as_str().unwrap());
    let attempt = json!({"digest": allowed["digest"], "attempt": "0123456789abcdef0123456789abcdef"});
    let released = api.post(&of(&allowed, "/consume"), attempt.clone(), 200).await;
    assert_eq!(released["approved"], ask("test.allow"));
    assert_eq!(api.get(&of(&allowed, ""), 200).await["receipt"], released["receipt"]);
    api.post(&of(&allowed, "/outcome"), json!({"outcome": "succeeded", "detail": "d"}), 200).await;
    api.post(&of(&allowed, "/outcome"), json!({"outcome": "failed"}), 409).await;
    api.post(&of(&allowed, "/consume"), attempt, 409).await;

    let pending = api.post("/v1/requests", ask("s3.sync"), 202).await;
    let etag = json!({"if-none-match": format!("\"{}\"", pending["version"])});
    api.with(etag, "GET", &of(&pending, ""), Value::Null, 304).await;
    assert_eq!(api.get(&of(&pending, ""), 200).await["status"], "pending");
    api.post(&of(&pending, "/responses"), json!({"answer": "unasked"}), 409).await;
    api.post(&of(&pending, "/withdraw"), Value::Null, 200).await;
    api.post(&of(&pending, "/withdraw"), json!({"why": "?"}), 400).await;

    assert_eq!(api.get("/v1/requests", 200).await["requests"].as_array().unwrap().len(), 4);
    api.get("/v1/requests/req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW", 404).await;
    api.post(
        "/v1/requests",
        json!({"action": "a", "target": "t", "arguments": {"n": "x".repeat(66_000)}}),
        413,
    )
    .await;
}

#[tokio::test]
async fn a_denial_says_under_which_policy_also_of_a_frozen_agent() {
    let policy = Policy::new("intake-frozen");
    let mut api = Calls(app(&policy), 0);
    let agent = AgentId::of("role", "123456789012", "deploy");
    let groups = sample::admins();
    let freeze = agent::Command::Freeze { by: sample::actor("grace"), groups, reason: None };
    execute_agent(&api.0.table, "urn:countersign:test", &agent, freeze, None, now).await.unwrap();
    for action in ["test.allow", "test.deny", "s3.sync"] {
        let denied = api.post("/v1/requests", ask(action), 201).await;
        assert_eq!(denied["code"], "agent_frozen");
        let subject = Subject::Request(denied["id"].as_str().unwrap().parse().unwrap());
        let events = api.0.table.events(&subject).await.unwrap();
        let evaluated: Value = serde_json::from_slice(&events[1].bytes).unwrap();
        assert_eq!(evaluated["data"]["determining"], json!(["agent frozen"]));
        assert_eq!(evaluated["data"]["policy_digest"], api.0.policy.current().unwrap().digest());
    }
}

#[tokio::test]
async fn to_a_stranger_a_request_does_not_exist_and_it_leaves_no_trace() {
    let policy = Policy::new("intake-stranger");
    let mut api = Calls(app(&policy), 0);
    let allowed = api.post("/v1/requests", ask("test.allow"), 201).await;
    let path = format!("/v1/requests/{}", allowed["id"].as_str().unwrap());
    let before = api.get(&path, 200).await;
    let attempt = json!({"digest": allowed["digest"], "attempt": "0123456789abcdef0123456789abcdef"});
    let mut call = event("POST", &format!("{path}/consume"), &json!({}), &attempt, true);
    let other = "arn:aws:sts::123456789012:assumed-role/other/ci";
    call["requestContext"]["authorizer"]["iam"]["userArn"] = other.into();
    api.0.serves = Serves::Writes;
    judged("POST", &format!("{path}/consume"), &handle(&api.0, call).await, 404);
    assert_eq!(api.get(&path, 200).await, before, "nothing is recorded");
    api.post(&format!("{path}/consume"), attempt, 200).await;
}

#[tokio::test]
async fn the_contract_and_health_are_open_and_nothing_else_is() {
    let policy = Policy::new("intake-open");
    let mut app = app(&policy);
    for serves in [Serves::Reads, Serves::Writes] {
        app.serves = serves;
        for (method, path, _) in Document::agents().operations() {
            let path = path.replace("{id}", "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW");
            let open = ["/openapi.json", "/healthz"].contains(&path.as_str());
            let answer = handle(&app, event(&method, &path, &json!({}), &Value::Null, false)).await;
            judged(&method, &path, &answer, if open { 200 } else { 401 });
        }
    }
    let contract = handle(&app, event("GET", "/openapi.json", &json!({}), &Value::Null, false)).await;
    assert_eq!(contract["body"], openapi::AGENTS);
}
