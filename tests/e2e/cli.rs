//! The `countersign` program itself, as an agent's shell and a reviewer's terminal run it.

use std::io::Write;
use std::process::{Command, Stdio};

use countersign_domain::AgentId;
use countersign_tests::agent::id;
use countersign_tests::{Agent, Reviewer, engine, eventually, seconds, stack, unique};
use serde_json::{Value, json};

use crate::shared;

const ASK: &str = r#"--target s3://bucket/users/ --arguments {"prefix":"users/","ratio":1.50}"#;

/// Runs `words` with `--json`; the exit code and the JSON on standard output. Nothing of the test's own environment
/// reaches it.
async fn run(
    environment: Vec<(&'static str, String)>,
    stdin: String,
    words: impl AsRef<str>,
) -> (i32, Value) {
    let words = words.as_ref().to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(&stack().cli);
        command.env_clear().envs(environment).arg("--json").args(words.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        // Who is not asked for a token closes the pipe before it is written.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
        let ended = child.wait_with_output().expect("it ends");
        let said = String::from_utf8(ended.stderr).expect("text");
        println!("countersign {words}: {:?}\n{said}", ended.status.code());
        if !stdin.is_empty() {
            assert!(!said.contains(stdin.trim()), "a token is told");
        }
        let answer = String::from_utf8(ended.stdout).expect("text");
        assert!(answer.lines().count() <= 1, "one line: {answer}");
        (ended.status.code().expect("no signal"), serde_json::from_str(&answer).unwrap_or(Value::Null))
    });
    ran.await.expect("it does not panic")
}

async fn agent_runs(agent: &Agent, words: impl AsRef<str>) -> (i32, Value) {
    let keys = &agent.credentials;
    let environment = vec![
        ("COUNTERSIGN_URL", stack().agents_api.clone()),
        ("AWS_REGION", stack().region.clone()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key().to_owned()),
        ("AWS_SESSION_TOKEN", keys.session_token().expect("of a session").to_owned()),
    ];
    run(environment, String::new(), words).await
}

async fn reviewer_runs(reviewer: &Reviewer, words: impl AsRef<str>) -> (i32, Value) {
    let environment = vec![("COUNTERSIGN_REVIEW_URL", stack().review_api.clone())];
    let words = format!("{} --token-stdin", words.as_ref());
    run(environment, format!("{}\n", reviewer.token), words).await
}

/// The code, and the string at a pointer of the JSON.
fn told<'a>((code, json): &'a (i32, Value), pointer: &str) -> (i32, &'a str) {
    (*code, json.pointer(pointer).and_then(Value::as_str).unwrap_or_default())
}

fn ids(listed: &Value) -> Vec<&str> {
    listed["requests"].as_array().map(|all| all.iter().map(id).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_life_from_the_ask_to_the_outcome() {
    let _stack = shared().await;
    let (agent, alice) = (Agent::ordinary().await, Reviewer::new("alice").await);
    let ask = format!("request --action s3.sync {ASK} --idempotency-key {}", unique());
    let asked = agent_runs(&agent, &ask).await;
    assert_eq!(told(&asked, "/status"), (10, "pending"));
    let request = id(&asked.1).to_owned();
    let again = agent_runs(&agent, &ask).await;
    assert_eq!(told(&again, "/id"), (10, request.as_str()), "the same key is the same ask");

    for words in ["list", "list --status pending"] {
        let (code, listed) = agent_runs(&agent, words).await;
        assert_eq!((code, ids(&listed)), (0, vec![request.as_str()]), "{words}");
    }
    let (code, none) = agent_runs(&agent, "list --status approved").await;
    assert_eq!((code, ids(&none)), (0, vec![]));
    let look = format!("status {request}");
    let wait = format!("wait {request} --timeout");
    assert_eq!(told(&agent_runs(&agent, &look).await, "/status"), (10, "pending"));
    assert_eq!(told(&agent_runs(&agent, format!("{wait} 0s")).await, "/status"), (10, "pending"));

    let (code, listed) = reviewer_runs(&alice, "review list --status pending").await;
    assert!(code == 0 && !ids(&listed).is_empty(), "{code} {listed}");
    let (code, shown) = reviewer_runs(&alice, format!("review show {request}")).await;
    assert_eq!((code, &shown["arguments"]), (0, &json!({"prefix": "users/", "ratio": 1.5})));
    let digest = shown["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(asked.1["digest"], digest.as_str());

    let ask_back = format!("decide {request} request_info --digest {digest} --comment which?");
    assert_eq!(told(&reviewer_runs(&alice, ask_back).await, "/status"), (0, "needs_info"));
    assert_eq!(told(&agent_runs(&agent, format!("{wait} 30s")).await, "/question/text"), (11, "which?"));
    let respond = format!("respond {request} --answer these --arguments {{\"prefix\":\"users/a\"}}");
    let revised = agent_runs(&agent, respond).await;
    assert_eq!(told(&revised, "/status"), (10, "pending"));
    let new = revised.1["digest"].as_str().expect("a digest").to_owned();
    let approve = format!("decide {request} approve --digest");
    let stale = reviewer_runs(&alice, format!("{approve} {digest}")).await;
    assert_eq!(told(&stale, "/code"), (3, "digest_mismatch"));
    let (waited, approved) = tokio::join!(
        agent_runs(&agent, format!("{wait} 60s")),
        reviewer_runs(&alice, format!("{approve} {new}"))
    );
    assert_eq!((told(&waited, "/status"), told(&approved, "/status")), ((0, "approved"), (0, "approved")));

    let consume = format!("consume {request} --digest");
    assert_eq!(
        told(&agent_runs(&agent, format!("{consume} {digest}")).await, "/code"),
        (3, "digest_mismatch")
    );
    let file = std::env::temp_dir().join(format!("receipt-{}", unique()));
    let consumed = agent_runs(&agent, format!("{consume} {new} --receipt {}", file.display())).await;
    assert_eq!(told(&consumed, "/approved/arguments/prefix"), (0, "users/a"));
    let kept = std::fs::read_to_string(&file).expect("the receipt was kept");
    assert_eq!(told(&consumed, "/receipt"), (0, kept.as_str()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(told(&agent_runs(&agent, &look).await, "/status"), (30, "consumed"));
    assert_eq!(told(&agent_runs(&agent, format!("{consume} {new}")).await, "/code"), (3, "already_consumed"));
    let outcome = format!("outcome {request} --succeeded --detail done");
    assert_eq!(told(&agent_runs(&agent, outcome).await, "/status"), (0, "succeeded"));
    assert_eq!(told(&agent_runs(&agent, &look).await, "/status"), (31, "succeeded"));

    let (code, events) = reviewer_runs(&Reviewer::new("grace").await, format!("events {request}")).await;
    let leaves = engine::leaves(&request).await;
    let exact: Vec<Value> = leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect();
    assert_eq!((code, &events["events"]), (0, &json!(exact)));
}

#[tokio::test]
async fn an_ask_that_waits_ends_with_the_decision() {
    let _stack = shared().await;
    let alice = Reviewer::new("alice").await;
    for (asked, decision, code, status) in [
        ("", "approve", 0, "approved"),
        ("", "reject", 21, "rejected"),
        ("--consume", "approve", 12, "approved"),
    ] {
        let agent = Agent::ordinary().await;
        let ask = format!("request {asked} --action s3.sync {ASK} --wait --timeout 60s");
        let decided = async || {
            let look = async || agent_runs(&agent, "list").await.1["requests"].get(0).cloned();
            let request = eventually("it is asked", seconds(20), look).await;
            let digest = request["digest"].as_str().expect("a digest");
            let words = format!("decide {} {decision} --digest {digest} --comment so", id(&request));
            reviewer_runs(&alice, words).await
        };
        let (asked, decided) = tokio::join!(agent_runs(&agent, ask), decided());
        assert_eq!((told(&asked, "/status"), told(&decided, "/status")), ((code, status), (0, status)));
        assert_eq!(asked.1["decision"]["comment"], "so");
    }
}

#[tokio::test]
async fn each_other_end_has_its_code() {
    let _stack = shared().await;
    let (agent, alice) = (Agent::ordinary().await, Reviewer::new("alice").await);
    let asks = async |action: &str| agent_runs(&agent, format!("request --action {action} {ASK}")).await;
    let look = async |request: &str| agent_runs(&agent, format!("status {request}")).await;

    let asked = asks("s3.sync").await.1;
    let withdrawn = agent_runs(&agent, format!("withdraw {} --reason enough", id(&asked))).await;
    assert_eq!(told(&withdrawn, "/status"), (0, "withdrawn"));
    assert_eq!(told(&look(id(&asked)).await, "/status"), (23, "withdrawn"));

    let asked = asks("s3.sync").await.1;
    alice.approve(&asked).await.expect(200);
    let revoked = reviewer_runs(&alice, format!("revoke {} --reason wrong", id(&asked))).await;
    assert_eq!(told(&revoked, "/decision/comment"), (0, "wrong"));
    assert_eq!(told(&look(id(&asked)).await, "/status"), (24, "revoked"));

    assert_eq!(told(&asks("test.deny").await, "/status"), (20, "denied"));
    assert_eq!(told(&asks("test.allow").await, "/status"), (0, "approved"));
    for (ended, code) in [("failed", 32), ("unknown", 33)] {
        let used = agent_runs(&agent, format!("request --action test.allow --consume {ASK}")).await;
        assert_eq!(told(&used, "/status"), (0, "consumed"));
        let reported = agent_runs(&agent, format!("outcome {} --{ended}", id(&used.1))).await;
        assert_eq!(told(&reported, "/status"), (0, ended));
        assert_eq!(told(&look(id(&used.1)).await, "/status"), (code, ended));
    }
}

#[tokio::test]
async fn explaining_asks_nobody() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    for (action, code, outcome) in
        [("test.allow", 0, "allow"), ("s3.sync", 10, "review"), ("test.deny", 20, "deny")]
    {
        let explained = agent_runs(&agent, format!("explain --action {action} {ASK}")).await;
        assert_eq!(told(&explained, "/outcome"), (code, outcome));
    }
    assert_eq!(agent_runs(&agent, "list").await.1["requests"], json!([]));
}

#[tokio::test]
async fn freezing_stops_an_agent_until_it_is_unfrozen() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let who = AgentId::of("role", "000000000000", &agent.role);
    let ask = format!("request --action s3.sync {ASK}");
    let (bob, grace) = (Reviewer::new("bob").await, Reviewer::new("grace").await);
    assert_eq!(told(&reviewer_runs(&bob, format!("freeze {who}")).await, "/code"), (3, "not_eligible"));
    let (code, frozen) = reviewer_runs(&grace, format!("freeze {who} --reason odd")).await;
    assert_eq!((code, &frozen["frozen"]), (0, &json!(true)));
    assert_eq!(told(&agent_runs(&agent, &ask).await, "/code"), (20, "agent_frozen"));
    let (code, thawed) = reviewer_runs(&grace, format!("unfreeze {who}")).await;
    assert_eq!((code, &thawed["frozen"]), (0, &json!(false)));
    assert_eq!(told(&agent_runs(&agent, &ask).await, "/status"), (10, "pending"));
}

#[tokio::test]
async fn what_is_wrong_on_this_side_is_told_from_what_the_service_refuses() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let show = format!("review show {}", id(&request));
    let review = || vec![("COUNTERSIGN_REVIEW_URL", stack().review_api.clone())];
    assert_eq!(run(review(), String::new(), &show).await.0, 2, "a token comes by --token-stdin only");
    let stranger = Reviewer { token: "a.b.c".to_owned() };
    assert_eq!(reviewer_runs(&stranger, &show).await.0, 3);
    let other = Agent::ordinary().await;
    let hidden = agent_runs(&other, format!("status {}", id(&request))).await;
    assert_eq!(told(&hidden, "/code"), (3, "not_found"));
    let nobody = vec![
        ("COUNTERSIGN_URL", stack().agents_api.clone()),
        ("AWS_REGION", stack().region.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    assert_eq!(run(nobody, String::new(), "list").await.0, 5);
}
