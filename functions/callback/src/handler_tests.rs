//! Each answer is as the OpenAPI document says, down to its fields; what is open to all is open, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use countersign_app::clock::now;
use countersign_app::commit::{NewRequest, create};
use countersign_app::memory::{MemoryRecorder, MemoryTable, MemoryTokens, MemoryWorkflow, Op};
use countersign_app::policy::PolicySource;
use countersign_app::ports::PortError;
use countersign_app::record::Record;
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
    [person.carol]\nname = 'Carol'\ngroups = ['admins', 'auditors']\naliases = ['email:carol@example.com']
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
    recorder: MemoryRecorder,
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
        Self {
            app,
            recorder: MemoryRecorder::default(),
            known: Known { person, evidence, policy: Arc::clone(&policy) },
        }
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
            ReviewRoute::Erase(id) => erase::erase(app, known, &id, &request).await,
            ReviewRoute::Cards(id) => review::post_again(app, known, &id).await,
            ReviewRoute::Freeze(id) => agents::freeze(app, known, &id, &request).await,
            ReviewRoute::Unfreeze(id) => agents::unfreeze(app, known, &id, &request).await,
            ReviewRoute::Recover => log::recover(app, &self.recorder, known, &request).await,
            ReviewRoute::Export => log::export(&self.recorder, known, &request).await,
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
async fn an_admin_erases_what_has_ended_and_nothing_else_changes() {
    let policy = Policy::new("callback-erase");
    let app = app(&policy);
    let (alice, bob) = (Calls::of(&app, "alice"), Calls::of(&app, "bob"));
    let (one, digest) = asked(&app, 1).await;
    let erase = format!("{one}/erase");
    let open = alice.call("POST", &erase, Value::Null, 409).await;
    assert_eq!(open["code"], "not_actionable");
    let approve = json!({"decision": "approve", "digest": digest, "comment": "Go ahead."});
    alice.call("POST", &format!("{one}/decisions"), approve, 200).await;
    assert_eq!(alice.call("POST", &erase, json!({}), 409).await["code"], "not_actionable");
    alice.call("POST", &format!("{one}/revoke"), json!({"reason": "The wrong bucket."}), 200).await;
    assert_eq!(bob.call("POST", &erase, json!({}), 403).await["code"], "not_eligible");

    let before = alice.call("GET", &format!("{one}/events"), Value::Null, 200).await;
    let whole = alice.call("GET", &one, Value::Null, 200).await;
    assert_eq!((&whole["erased"], whole["arguments"].is_object()), (&json!(false), true));
    assert_eq!(whole["decision"]["comment"], "The wrong bucket.");
    let erased = alice.call("POST", &erase, json!({"reason": "They asked for it."}), 200).await;
    assert_eq!((&erased["erased"], &erased["status"]), (&json!(true), &json!("revoked")));
    for gone in ["arguments", "target", "justification", "on_behalf_of"] {
        assert_eq!(erased[gone], Value::Null, "{gone}");
    }
    assert_eq!(erased["decision"]["comment"], Value::Null);
    let again = alice.call("POST", &erase, json!({"reason": "Once more."}), 200).await;
    assert_eq!(again, erased, "erasing again is the same answer");
    let after = alice.call("GET", &format!("{one}/events"), Value::Null, 200).await;
    let (before, after) = (before["events"].as_array().unwrap(), after["events"].as_array().unwrap());
    assert_eq!(&after[..before.len()], before, "no leaf changed");
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(after.last().unwrap()["type"], "data.erased");
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
        let answer = dispatch(&app, &MemoryRecorder::default(), request).await.unwrap_or_else(Into::into);
        let body = judged(&method, &path, &answer, status);
        assert!(path != "/openapi.json" || body == *Document::reviewers().root());
    }
}

const RECOVER: &str = "/v1/review/log/recover";

#[tokio::test]
async fn two_admins_have_the_log_recovered() {
    let policy = Policy::new("callback-recover");
    let app = app(&policy);
    let (alice, bob, carol) = (Calls::of(&app, "alice"), Calls::of(&app, "bob"), Calls::of(&app, "carol"));
    let body = json!({"reason": "The table was restored."});
    let refused = bob.call("POST", RECOVER, body.clone(), 403).await;
    assert_eq!(refused["code"], "not_eligible");
    alice.call("POST", RECOVER, json!({}), 400).await;

    // The first word does nothing, and nobody confirms their own.
    for _ in 0..2 {
        let first = alice.call("POST", RECOVER, body.clone(), 202).await;
        assert_eq!(first["by"], "alice");
    }
    // Other words are another matter.
    carol.call("POST", RECOVER, json!({"reason": "Something else."}), 202).await;
    assert!(alice.recorder.told().is_empty() && carol.recorder.told().is_empty());

    carol.recorder.faults.fail_next(Op::Record, PortError::Unavailable("down".into()));
    let lost = carol.call("POST", RECOVER, body.clone(), 503).await;
    assert_eq!((&lost["code"], &lost["retryable"]), (&json!("audit_unavailable"), &json!(true)));
    carol.call("POST", RECOVER, body.clone(), 200).await;
    let told = carol.recorder.told();
    let [Record::Recovered(wanted)] = &told[..] else { panic!("{told:?}") };
    let by = wanted.by.each_ref().map(|by| by.person.as_str());
    assert_eq!((by, wanted.reason.text.as_str()), (["alice", "carol"], "The table was restored."));

    // Today's groups count, of both.
    policy.write("people.toml", &PEOPLE.replace("groups = ['platform', 'admins']", "groups = ['platform']"));
    let carol = Calls::of(&app, "carol");
    assert_eq!(carol.call("POST", RECOVER, body, 403).await["code"], "forbidden");
    assert!(carol.recorder.told().is_empty());
}

#[tokio::test]
async fn who_signed_in_long_ago_recovers_nothing() {
    let policy = Policy::new("callback-recover-late");
    let app = app(&policy);
    let mut alice = Calls::of(&app, "alice");
    alice.known.evidence =
        Evidence::Api { issuer: "https://idp.example".into(), auth_time: None, amr: Default::default() };
    let refused = alice.call("POST", RECOVER, json!({"reason": "Why not?"}), 403).await;
    assert_eq!(refused["code"], "assurance_required");
}

#[tokio::test]
async fn auditors_have_recorded_what_they_took() {
    let policy = Policy::new("callback-export");
    let app = app(&policy);
    let (alice, carol) = (Calls::of(&app, "alice"), Calls::of(&app, "carol"));
    let path = "/v1/review/log/exports";
    let body = json!({
        "start": 0, "end": 10, "from": "2026-11-25T12:00:00.000Z", "to": "2026-11-26T12:00:00.000Z",
        "control": "CC8.1", "manifest": countersign_domain::Digest::of(b"MANIFEST"),
    });
    assert_eq!(alice.call("POST", path, body.clone(), 403).await["code"], "forbidden");
    let answer = carol.call("POST", path, body.clone(), 200).await;
    assert_eq!(answer["receipt"], "1 records");
    let told = carol.recorder.told();
    let [Record::Exported(data)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&data["person"], &data["end"]), (&json!("carol"), &json!(10)));
    assert_eq!(data["manifest"], body["manifest"]);
    for (name, value) in [("end", json!(0)), ("to", body["from"].clone()), ("control", json!("all"))] {
        let mut wrong = body.clone();
        wrong[name] = value;
        carol.call("POST", path, wrong, 400).await;
    }
    carol.recorder.faults.fail_next(Op::Record, PortError::Conflict);
    let halted = carol.call("POST", path, body, 503).await;
    assert!(halted["detail"].as_str().unwrap().contains("halted"));
}
