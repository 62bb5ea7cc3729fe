//! What the adapters send to DynamoDB, without DynamoDB: what the local engine does not refuse, cannot show, or shows
//! too rarely.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use countersign_app::commit::{NewRequest, With, create, execute, execute_agent};
use countersign_app::log::{Begin, EventKey, Line, LogCommit, LogHead, Sealed, Stray};
use countersign_app::ports::{Ledger, Table, Tokens};
use countersign_app::sample;
use countersign_app::store::{AgentRecord, CardRecord, Proposal, Stored, Token};
use countersign_aws::table::DynamoTable;
use countersign_aws::tokens::DynamoTokens;
use countersign_domain::event::{Decision, Event, Fact};
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::request::{Command, Consume};
use countersign_domain::{Digest, agent};
use serde_json::{Value, json};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html>
const RESERVED: &str = include_str!("data/reserved_words.txt");

/// What stands in an expression and is no name of an attribute.
const SYNTAX: [&str; 8] = ["SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN"];

/// What is answered to an operation with this body.
type Answer = Arc<dyn Fn(&str, &Value) -> Value + Send + Sync>;

/// Keeps every call.
#[derive(Clone)]
struct Spy {
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    answer: Answer,
}

impl std::fmt::Debug for Spy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spy")
    }
}

impl HttpConnector for Spy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        let (operation, body): (String, Value) =
            (operation.unwrap_or_default().into(), body.unwrap_or_default());
        let answer = (self.answer)(&operation, &body).to_string().into();
        self.calls.lock().unwrap().push((operation, body));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), answer)))
    }
}

impl Spy {
    /// Says to each call that all went well and nothing is there, but one request in every index.
    fn new() -> Self {
        let key = json!({"pk": {"S": format!("REQ#{}", sample::id(1))}, "sk": {"S": "STATE"}});
        Self::answering(move |_, body| match body["IndexName"].is_string() {
            true => json!({"Items": [key]}),
            false => json!({}),
        })
    }

    fn answering(answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Self {
        Self { calls: Arc::default(), answer: Arc::new(answer) }
    }

    fn config(&self) -> SdkConfig {
        let spy = self.clone();
        let nobody = Credentials::new("test", "test", None, None, "nobody");
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(nobody))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(spy.clone())))
            .build()
    }

    fn calls(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

/// A log that begins, and one that grows.
async fn grow(table: &DynamoTable) {
    let (origin, key) = (sample::origin(), EventKey { subject: Subject::Request(sample::id(1)), seq: 1 });
    table.log_head(&origin).await.unwrap();
    table.unsealed(&key.subject).await.unwrap();
    table.leaves(std::slice::from_ref(&key)).await.unwrap_err();
    let log = Subject::Log(origin.clone());
    let place = Place { source: sample::SOURCE, subject: &log, rno: None };
    let event = Event { time: sample::at(0), fact: Fact::LogHeartbeat {} };
    let own = vec![(Leaf::make(&place, &Head::EMPTY, &event).unwrap(), 1)];
    let head = LogHead {
        size: 2,
        root: [7; 32],
        published: 0,
        batch: vec![key.clone()],
        chain: Head::EMPTY,
        said: sample::at(0),
    };
    let sealed = vec![
        Sealed { key: key.clone(), hash: None, index: 0 },
        Sealed { key: EventKey { seq: 2, ..key }, hash: Some("hash".into()), index: 2 },
    ];
    table.line(&origin).await.unwrap();
    let reason = sample::words("The table was restored.");
    let line = Line { n: 1, recovered: Some(sample::at(0)) };
    for (before, read) in [(None, Line::default()), (Some(&head), line)] {
        let (sealed, own) = (sealed.clone(), own.clone());
        let recovery = Some(Begin { line, reason: (1, &reason), again: head.batch.clone() });
        let line = (&origin, read);
        let commit = LogCommit { origin: &origin, line, recovery: None, before, after: &head, sealed, own };
        table.commit_log(LogCommit { recovery, ..commit.clone() }).await.unwrap();
        table.commit_log(commit).await.unwrap();
    }
    table.published(&origin, &head).await.unwrap();
}

/// Every call that the adapters know, with every kind of effect.
async fn everything(table: &DynamoTable, tokens: &DynamoTokens) {
    let (id, deploy, now) = (sample::id(1), sample::agent("deploy"), sample::at(0));
    let (ask, text, sns) = (sample::ask("s3://reports"), sample::words("Why?"), sample::channel("sns"));
    table.state(&id).await.unwrap();
    table.whole(&id).await.unwrap();
    table.events(&Subject::Agent(deploy.clone())).await.unwrap();
    table.agent(&deploy).await.unwrap();
    table.idempotency(&deploy, "key").await.unwrap();
    table.cooling(&Digest::of(b"ask"), now).await.unwrap();
    table.seen(&Digest::of(b"press")).await.unwrap();
    table.recovered().await.unwrap();
    table.propose(&Digest::of(b"what"), &Proposal { by: sample::actor("root"), at: now }).await.unwrap();
    table.due(now, None, 10).await.unwrap();
    table.live(None, None, 10).await.unwrap();
    table.live(Some(&deploy), None, 10).await.unwrap();
    table.of_agent(&deploy, None, None, 10).await.unwrap();
    table.pending(None, 10).await.unwrap();
    table.unlist(&Stray { subject: Subject::Request(id.clone()), key: "EVT#junk".into() }).await.unwrap();
    grow(table).await;
    let card = table.claim_card(&id, &CardRecord::new(sns, 1), now, now).await.unwrap().unwrap();
    table.claim_card(&id, &CardRecord { due: None, ..card.clone() }, now, now).await.unwrap();
    table.release_card(&id, &card).await.unwrap();

    for read in [AgentRecord::default(), AgentRecord { version: 3, ..AgentRecord::default() }] {
        let open =
            opened(table, &read, sample::review_with(&["sns"], |_, rules| rules.cool_down.0 = 60)).await;
        let with = With {
            words: vec![&text],
            once: Some((Digest::of(b"press"), now)),
            ask_hash: Some(ask.action.ask_hash(&deploy)),
            ..With::default()
        };
        let reject = sample::decide(&open.request, "bob", Decision::Reject, Some(&text));
        execute(table, sample::SOURCE, open.clone(), reject, with, now).await.unwrap();
        let withdraw = Command::Withdraw { agent: deploy.clone(), reason: None };
        execute(table, sample::SOURCE, open, withdraw, With::default(), now).await.unwrap();
        let approved = opened(table, &read, sample::allow()).await;
        let consume = Command::Consume(Consume {
            by: sample::agent("runner"),
            digest: approved.request.digest.clone(),
            attempt: Digest::of(b"attempt"),
            void_before: None,
            recovered: None,
        });
        execute(table, sample::SOURCE, approved.clone(), consume, With::default(), now).await.unwrap();
        table.set_view(&approved, Some(now), approved.workflow).await.unwrap();
        table.set_view(&approved, None, approved.workflow).await.unwrap();
    }
    let freeze = agent::Command::Freeze {
        by: sample::actor("root"),
        groups: sample::admins(),
        reason: Some(text.hash()),
    };
    execute_agent(table, sample::SOURCE, &deploy, freeze, Some(&text), || now).await.unwrap();

    let token = Token { n: 0, retry: 0, token: "token".into() };
    tokens.put(&id, &token, now).await.unwrap();
    tokens.get(&id).await.unwrap();
}

async fn opened(
    table: &DynamoTable,
    read: &AgentRecord,
    evaluation: countersign_domain::review::Evaluation,
) -> Stored {
    let (id, ask) = (sample::id(1), sample::ask("s3://reports"));
    let mut command = sample::create(&id, "deploy", &ask, evaluation);
    command.executor = Some(sample::agent("runner"));
    let idempotency = sample::idempotency("deploy", "key", &id);
    let new = NewRequest { create: command, ask: &ask, agent: read, idempotency };
    create(table, sample::SOURCE, new, sample::at(0)).await.unwrap()
}

/// The names of attributes in an expression that are not aliased.
fn names(expression: &str) -> Vec<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '#');
    let words = expression.split(|c: char| !word(c)).filter(|w| !w.is_empty() && !w.starts_with([':', '#']));
    let is_function = |w: &str| expression.contains(&format!("{w}("));
    words.filter(|w| !SYNTAX.contains(w) && !is_function(w)).collect()
}

/// Every expression in a body, at any depth.
fn expressions(body: &Value) -> Vec<String> {
    match body {
        Value::Object(fields) => fields.iter().flat_map(|(name, value)| match value.as_str() {
            Some(text) if name.ends_with("Expression") => vec![text.to_owned()],
            _ => expressions(value),
        }),
        Value::Array(items) => return items.iter().flat_map(expressions).collect(),
        _ => return Vec::new(),
    }
    .collect()
}

#[tokio::test]
async fn no_expression_names_an_attribute_by_a_reserved_word() {
    let spy = Spy::new();
    everything(&DynamoTable::new(&spy.config(), "T"), &DynamoTokens::new(&spy.config(), "K")).await;
    let reserved: BTreeSet<&str> = RESERVED.lines().collect();
    assert_eq!(reserved.len(), 573, "the list is AWS's, whole");
    let sent: BTreeSet<String> = spy.calls().iter().flat_map(|(_, body)| expressions(body)).collect();
    assert!(sent.len() > 15, "{sent:?}");
    for expression in sent {
        for name in names(&expression) {
            let word = name.to_ascii_uppercase();
            assert!(!reserved.contains(word.as_str()), "{name} in {expression:?} is reserved: alias it");
        }
    }
}

#[test]
fn a_reserved_word_is_found_where_it_stands() {
    fn check(expression: &str, expect: &[&str]) {
        assert_eq!(names(expression), expect, "{expression}");
    }
    check("agent = :agent", &["agent"]);
    check("#agent = :agent AND begins_with(live_sk, :live)", &["live_sk"]);
    check("SET wf = :wf REMOVE due, due_shard", &["wf", "due", "due_shard"]);
    check("attribute_not_exists(void_before) OR void_before < :created", &["void_before", "void_before"]);
}

#[tokio::test]
async fn no_operation_is_used_that_no_role_has() {
    let spy = Spy::new();
    everything(&DynamoTable::new(&spy.config(), "T"), &DynamoTokens::new(&spy.config(), "K")).await;
    let calls = spy.calls();
    let of = |table: &str| {
        let named = format!("\"TableName\":\"{table}\"");
        let uses =
            |body: &Value| body.to_string().contains(&named) || body["RequestItems"][table].is_object();
        let its = calls.iter().filter(|(_, body)| uses(body));
        // A transaction needs no permission of its own: each of its items is checked as the write that it is.
        its.flat_map(|(operation, body)| match body["TransactItems"].as_array() {
            Some(items) => items.iter().flat_map(|i| i.as_object().unwrap().keys().cloned()).collect(),
            None => vec![operation.clone()],
        })
        .collect::<BTreeSet<String>>()
    };
    let (table, tokens) = (of("T"), of("K"));
    let expected =
        ["BatchGetItem", "ConditionCheck", "GetItem", "Put", "PutItem", "Query", "Update", "UpdateItem"];
    assert_eq!(table, expected.map(str::to_owned).into());
    assert_eq!(tokens, ["GetItem", "PutItem"].map(str::to_owned).into());
}

#[tokio::test]
async fn every_read_that_a_decision_rests_on_is_consistent() {
    let spy = Spy::new();
    everything(&DynamoTable::new(&spy.config(), "T"), &DynamoTokens::new(&spy.config(), "K")).await;
    for (operation, body) in spy.calls() {
        let consistent = match operation.as_str() {
            "GetItem" | "Query" => body["ConsistentRead"] == true,
            "BatchGetItem" => body["RequestItems"]["T"]["ConsistentRead"] == true,
            _ => continue,
        };
        let of_an_index = body["IndexName"].is_string();
        assert_eq!(consistent, !of_an_index, "{operation} {body}");
    }
}

/// All of a request is read in two calls. What is written between them must not look like something that was erased.
#[tokio::test]
async fn an_ask_written_between_two_reads_is_found() {
    let spy = Spy::new();
    opened(&DynamoTable::new(&spy.config(), "T"), &AgentRecord::default(), sample::allow()).await;
    let (_, transaction) = spy.calls().pop().unwrap();
    let writes = transaction["TransactItems"].as_array().unwrap().clone();
    let written = move |sk: &str| {
        let key = json!({"S": format!("REQ#{}", sample::id(1))});
        let is_it = |item: &Value| item["pk"] == key && item["sk"]["S"] == sk;
        let of = |write: &Value| Some(write["Put"]["Item"].clone()).filter(is_it);
        writes.iter().find_map(of).unwrap()
    };
    let late = Spy::answering(move |operation, body| {
        let values = &body["ExpressionAttributeValues"];
        match operation {
            "Query" if values[":from"]["S"] == "STATE" => json!({"Items": [written("STATE")]}),
            "Query" => json!({"Items": []}),
            _ => json!({"Item": written(body["Key"]["sk"]["S"].as_str().unwrap())}),
        }
    });
    let whole = DynamoTable::new(&late.config(), "T").whole(&sample::id(1)).await.unwrap().unwrap();
    assert_eq!(whole.ask, Some(sample::ask("s3://reports")));
    assert_eq!(whole.stored.request.revision, 1);
}

#[tokio::test]
async fn a_part_goes_on_where_the_last_one_ended() {
    let key = json!({
        "pk": {"S": format!("REQ#{}", sample::id(1))}, "sk": {"S": "STATE"},
        "due_shard": {"S": "due"}, "due": {"N": "1795608000"}
    });
    let last = key.clone();
    let spy = Spy::answering(move |_, body| match body["ExclusiveStartKey"].is_null() {
        true => json!({"Items": [last], "LastEvaluatedKey": last}),
        false => json!({"Items": []}),
    });
    let table = DynamoTable::new(&spy.config(), "Table");
    let first = table.due(sample::at(0), None, 1).await.unwrap();
    assert_eq!(first.items, [sample::id(1)]);
    let second = table.due(sample::at(0), first.next.as_deref(), 1).await.unwrap();
    assert_eq!((second.items, second.next), (vec![], None));
    assert_eq!(spy.calls()[1].1["ExclusiveStartKey"], key);
}

/// A key among a subject's events that no event has keeps nobody from the events, and is told apart.
#[tokio::test]
async fn a_stray_among_events_is_no_event() {
    let subject = Subject::Request(sample::id(1));
    let key = |sk: &str| {
        json!({"pk": {"S": format!("REQ#{}", sample::id(1))}, "sk": {"S": sk}, "p": {"S": "pending"},
               "leaf_id": {"S": sk}, "leaf": {"B": "e30="}, "hash": {"S": "hash"}})
    };
    let keys = [key("EVT#junk"), key("EVT#2"), key("EVT#0001")];
    let last = keys[1].clone();
    let spy = Spy::answering(move |operation, body| match (operation, body["IndexName"].is_string()) {
        ("UpdateItem", _) => json!({"Attributes": key("EVT#junk")}),
        (_, true) if body["ExclusiveStartKey"].is_null() => json!({"Items": keys, "LastEvaluatedKey": last}),
        (_, true) => json!({"Items": []}),
        _ => json!({"Items": keys}),
    });
    let table = DynamoTable::new(&spy.config(), "Table");
    let pending = table.pending(None, 3).await.unwrap();
    assert_eq!(pending.subjects, BTreeSet::from([subject.clone()]));
    let strays: Vec<_> = pending.strays.iter().map(|stray| stray.key.as_str()).collect();
    assert_eq!(strays, ["EVT#junk", "EVT#2"]);
    assert_eq!(table.pending(pending.next.as_deref(), 3).await.unwrap().next, None);
    let start = &spy.calls()[1].1["ExclusiveStartKey"];
    assert_eq!((&start["sk"]["S"], &start["p"]["S"]), (&json!("EVT#2"), &json!("pending")));
    assert_eq!(table.unsealed(&subject).await.unwrap().events.len(), 1);
    assert_eq!(table.events(&subject).await.unwrap().len(), 1);
    assert_eq!(table.unlist(&pending.strays[0]).await, Ok(Some(b"{}".to_vec())));
}

#[tokio::test(start_paused = true)]
async fn keys_that_a_busy_table_leaves_are_asked_for_again_after_a_while_and_not_for_ever() {
    let key = json!({"pk": {"S": format!("REQ#{}", sample::id(1))}, "sk": {"S": "STATE"}});
    let spy = Spy::answering(move |operation, _| match operation {
        "BatchGetItem" => json!({"UnprocessedKeys": {"Table": {"Keys": [key]}}}),
        _ => json!({"Items": [key]}),
    });
    let begun = tokio::time::Instant::now();
    let table = DynamoTable::new(&spy.config(), "Table");
    let error = table.live(None, None, 10).await.unwrap_err();
    assert_eq!(error.to_string(), "unavailable: BatchGetItem: unprocessed keys");
    assert_eq!(spy.calls().iter().filter(|(operation, _)| operation == "BatchGetItem").count(), 6);
    assert!(!begun.elapsed().is_zero() && begun.elapsed().as_millis() <= 1550, "{:?}", begun.elapsed());
}
