//! Each answer is as the OpenAPI document says, down to its fields; what is open to all is open, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use countersign_app::clock::now;
use countersign_app::commit::{NewRequest, create};
use countersign_app::memory::{MemoryTable, MemoryTokens, MemoryWorkflow};
use countersign_app::policy::PolicySource;
use countersign_app::sample;
use countersign_app::slack::LazySlack;
use countersign_chat::slack::SlackClient;
use countersign_chat::slack::client::ClientError;
use countersign_domain::event::Evidence;
use countersign_http::openapi::conformance::{Document, Seen};
use serde_json::json;

use super::*;
use crate::person::Known;

pub(crate) type Memory<C> = App<MemoryTable, MemoryTokens, MemoryWorkflow, C>;
type Reviewers = Memory<SlackClient>;

/// Takes its directory away again.
pub(crate) struct Policy(PathBuf);

impl Policy {
    pub(crate) fn new(test: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("countersign-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let policy = Self(directory);
        for (name, text) in [("profiles.toml", PROFILES), ("people.toml", PEOPLE), ("agents.toml", AGENTS)] {
            policy.write(name, text);
        }
        policy
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PROFILES: &str = "[profile.default]\nreviewers = ['group:platform']\nchannels = ['sns']\n";
pub(crate) const PEOPLE: &str = "
    [person.alice]\nname = 'Alice'\ngroups = ['platform', 'admins']\naliases = ['email:alice@example.com', 'slack:T0OURS/U0ALICE']
    [person.bob]\nname = 'Bob'\ngroups = ['data']\naliases = ['email:bob@example.com']
";
const AGENTS: &str = "[[agent]]\npattern = 'aws:*:role/deploy'\nowners = ['bob']\n";

pub(crate) fn app<C>(policy: &Policy) -> Memory<C> {
    App {
        table: MemoryTable::default(),
        tokens: MemoryTokens::default(),
        workflow: MemoryWorkflow::default(),
        policy: PolicySource::new(&policy.0),
        source: sample::SOURCE.into(),
        slack: LazySlack::new(None, |_| Err(ClientError::Base), now),
        verifier: None,
    }
}

pub(crate) fn event(method: &str, path: &str, body: &Value) -> Value {
    json!({
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method}},
        "body": if body.is_null() { Value::Null } else { body.to_string().into() },
    })
}

/// The body of an answer that has this status and is as the document says.
fn judged(method: &str, path: &str, answer: &HttpResponse, status: u16) -> Value {
    assert_eq!(answer.status(), status, "{method} {path}: {}", answer.body());
    let content_type = answer.header("content-type").unwrap_or_default();
    let faults =
        Document::reviewers().answer(&Seen { method, path, status, content_type, body: answer.body() });
    assert_eq!(faults, [""; 0], "{method} {path} {status}: {}", answer.body());
    serde_json::from_str(answer.body()).unwrap_or_default()
}

/// The calls of one person, whose token was checked already.
struct Calls<'a> {
    app: &'a Reviewers,
    known: Known,
}

impl<'a> Calls<'a> {
    fn of(app: &'a Reviewers, person: &str) -> Self {
        let policy = app.policy.current().unwrap();
        let alias = format!("email:{person}@example.com").parse().unwrap();
        let person = policy.person_by_alias(&alias).cloned().unwrap();
        let evidence = Evidence::Api {
            issuer: "https://idp.example".into(),
            auth_time: Some(now()),
            amr: Default::default(),
        };
        Self { app, known: Known { person, evidence, policy: Arc::clone(&policy) } }
    }

    async fn call(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let request = HttpRequest::from_event(&event(method, path, &body)).unwrap();
        let (app, known) = (self.app, &self.known);
        let answer = match ReviewRoute::of(&request).unwrap() {
            ReviewRoute::List => review::list(app, known, &request).await,
            ReviewRoute::Read(id) => review::read(app, known, &id).await,
            ReviewRoute::Events(id) => review::events(app, known, &id).await,
            ReviewRoute::Decide(id) => decide::by_api(app, known, &id, &request).await,
            ReviewRoute::Revoke(id) => decide::revoke(app, known, &id, &request).await,
            ReviewRoute::Cards(id) => review::post_again(app, known, &id).await,
            ReviewRoute::Freeze(id) => agents::freeze(app, known, &id, &request).await,
            ReviewRoute::Unfreeze(id) => agents::unfreeze(app, known, &id, &request).await,
            other => panic!("{other:?} is nobody's"),
        };
        judged(method, path, &answer.unwrap_or_else(Into::into), status)
    }
}

/// A request of the role `deploy` that people review.
pub(crate) async fn asked<C>(app: &Memory<C>, n: u32) -> (String, Value) {
    let ask = sample::ask("s3://reports-public");
    let agent = app.table.agent(&sample::agent("deploy")).await.unwrap();
    let command = sample::create(&sample::id(n), "deploy", &ask, sample::review(&["slack:C0ONE"]));
    let idempotency = sample::idempotency("deploy", &format!("key-{n}"), &sample::id(n));
    let new = NewRequest { create: command, ask: &ask, agent: &agent, idempotency };
    let stored = create(&app.table, &app.source, new, now()).await.unwrap();
    (format!("/v1/review/requests/{}", sample::id(n)), json!(stored.request.digest))
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let policy = Policy::new("callback-answers");
    let app = app(&policy);
    let (alice, bob) = (Calls::of(&app, "alice"), Calls::of(&app, "bob"));

    let (one, digest) = asked(&app, 1).await;
    let decision =
        |decision: &str, comment: Value| json!({"decision": decision, "digest": digest, "comment": comment});
    let decisions = format!("{one}/decisions");
    alice.call("POST", &decisions, decision("reject", Value::Null), 400).await;
    bob.call("POST", &decisions, decision("approve", Value::Null), 403).await;
    alice.call("POST", &decisions, decision("request_info", "Why?".into()), 200).await;
    alice.call("POST", &decisions, decision("approve", Value::Null), 409).await;
    alice.call("POST", &decisions, decision("reject", "No.".into()), 200).await;
    alice.call("POST", &format!("{one}/revoke"), json!({}), 409).await;
    let ended = alice.call("POST", &format!("{one}/cards"), Value::Null, 409).await;
    assert_eq!(ended["code"], "not_actionable");

    let (two, digest) = asked(&app, 2).await;
    let approve = json!({"decision": "approve", "digest": digest, "comment": "Go ahead."});
    let page = alice.call("GET", "/v1/review/requests", Value::Null, 200).await;
    assert_eq!(page["requests"].as_array().unwrap().len(), 1);
    alice.call("POST", &format!("{two}/cards"), Value::Null, 202).await;
    let approved = alice.call("POST", &format!("{two}/decisions"), approve, 200).await;
    assert_eq!((&approved["status"], approved["votes"].as_array().unwrap().len()), (&json!("approved"), 1));
    alice.call("POST", &format!("{two}/revoke"), json!({"reason": "The wrong bucket."}), 200).await;
    alice.call("GET", &two, Value::Null, 200).await;
    bob.call("GET", &two, Value::Null, 404).await;
    let events = alice.call("GET", &format!("{two}/events"), Value::Null, 200).await;
    assert_eq!(events["events"].as_array().unwrap().last().unwrap()["type"], "request.revoked");

    let agent = format!("/v1/review/agents/{}", sample::agent("deploy"));
    bob.call("POST", &format!("{agent}/freeze"), Value::Null, 403).await;
    assert_eq!(alice.call("POST", &format!("{agent}/freeze"), json!({}), 200).await["frozen"], true);
    alice.call("POST", &format!("{agent}/unfreeze"), json!({"reason": "All is well."}), 200).await;
    let never = format!("/v1/review/agents/{}/unfreeze", sample::agent("never-asked"));
    alice.call("POST", &never, Value::Null, 200).await;
}

#[tokio::test]
async fn the_contract_and_health_are_open_and_nothing_else_is() {
    let policy = Policy::new("callback-open");
    let mut app = app::<SlackClient>(&policy);
    let verifier =
        countersign_http::Verifier::new("https://idp.example", "x", countersign_http::TokenKind::Reviewer);
    app.verifier = Some(verifier.unwrap());
    for (method, path, _) in Document::reviewers().operations() {
        let path = path.replace("{id}", "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW");
        let path = path.replace("{agent}", "agt_abcdefghijklmnopqrstuvwxy2");
        // Without a Slack installation there are no such paths.
        let status = match path.split('/').nth(1) {
            Some("openapi.json" | "healthz") => 200,
            Some("slack") => 404,
            _ => 401,
        };
        let request = HttpRequest::from_event(&event(&method, &path, &Value::Null)).unwrap();
        let answer = dispatch(&app, request).await.unwrap_or_else(Into::into);
        let body = judged(&method, &path, &answer, status);
        assert!(path != "/openapi.json" || body == *Document::reviewers().root());
    }
}
