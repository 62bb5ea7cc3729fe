//! What is locked for years holds no secret and no free text: random words are put wherever an agent and a person may
//! write, and then every version of every object is looked through, and the copies for reading.

use std::collections::BTreeSet;
use std::process::Command;

use countersign_tests::agent::id;
use countersign_tests::{Agent, Reviewer, engine, eventually, seconds, stack, unique};
use serde_json::{Value, json};

use crate::shared;

/// What every word begins with, and how long one is.
const MARK: &str = "canary-";
const LENGTH: usize = MARK.len() + 16;

/// All that every version of every object of a bucket holds, one after the other.
async fn content(bucket: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("countersign-{}", unique()));
    let mut command = Command::new(&stack().python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/engine/versions.py"));
    command.args(["--url", &stack().engine_url]).arg(&folder).arg(bucket);
    command.env("AWS_ACCESS_KEY_ID", &stack().access_key_id);
    command.env("AWS_SECRET_ACCESS_KEY", &stack().secret_access_key);
    command.env("AWS_DEFAULT_REGION", &stack().region);
    command.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_PROFILE");
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.expect("it does not panic").expect("python starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let files = std::fs::read_dir(folder.join(bucket)).expect("a folder of the bucket");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let bytes = std::fs::read(file.expect("a file").path()).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let found = files.map(read).collect();
    std::fs::remove_dir_all(&folder).expect("it can be removed");
    found
}

/// The marked words that stand there, whose ever.
fn canaries(content: &[String]) -> BTreeSet<&str> {
    let found =
        content.iter().flat_map(|text| text.match_indices(MARK).map(|(at, _)| text.get(at..at + LENGTH)));
    found.flatten().collect()
}

fn hold(content: &[String], requests: &[Value]) -> bool {
    requests.iter().all(|request| content.iter().any(|text| text.contains(id(request))))
}

/// A word and where it was written.
type Secret = (&'static str, String);

fn secret(all: &mut Vec<Secret>, what: &'static str) -> String {
    let word = format!("{MARK}{}", unique());
    all.push((what, word.clone()));
    word
}

/// Lives with words in every place, each to another end; the words, and the requests.
async fn lives(action: &str) -> (Vec<Secret>, Vec<Value>) {
    let (agent, alice) = (Agent::ordinary().await, Reviewer::new("alice").await);
    let mut all = Vec::new();
    let mut requests = Vec::new();
    for _ in 0..3 {
        let ask = json!({
            "arguments": {"list": [secret(&mut all, "an argument")], secret(&mut all, "an argument's name"): 1},
            "target": format!("arn:aws:s3:::{}", secret(&mut all, "a target")),
            "justification": secret(&mut all, "a justification"),
        });
        requests.push(agent.ask(action, ask).await.expect(202));
    }
    let [ran, rejected, withdrawn] = [&requests[0], &requests[1], &requests[2]];

    alice.decide(ran, "approve", Some(&secret(&mut all, "a comment"))).await.expect(200);
    agent.consume(ran).await.expect(200);
    let outcome = json!({"outcome": "succeeded", "detail": secret(&mut all, "a detail")});
    agent.post(&format!("/v1/requests/{}/outcome", id(ran)), &outcome).await.expect(200);

    alice.decide(rejected, "request_info", Some(&secret(&mut all, "a question"))).await.expect(200);
    let answer = json!({
        "answer": secret(&mut all, "an answer"), "arguments": {"list": secret(&mut all, "a new argument")},
    });
    let path = format!("/v1/requests/{}/responses", id(rejected));
    let revised = agent.post(&path, &answer).await.expect(200);
    alice.decide(&revised, "reject", Some(&secret(&mut all, "a reason"))).await.expect(200);

    let taken_back = json!({"reason": secret(&mut all, "a reason to withdraw")});
    agent.post(&format!("/v1/requests/{}/withdraw", id(withdrawn)), &taken_back).await.expect(200);
    (all, requests)
}

#[tokio::test]
async fn no_secret_is_in_what_is_locked_but_the_target_where_the_profile_records_it() {
    let _stack = shared().await;
    let (unrecorded, mut requests) = lives("test.unrecorded").await;
    let (by_default, more) = lives("test.by-default").await;
    requests.extend(more);
    for request in &requests {
        let archived = async || {
            engine::invoke("Archiver", &json!({"seal": id(request)})).await;
            (engine::archived(id(request)).await == engine::leaves(id(request)).await).then_some(())
        };
        eventually(&format!("{} is sealed", id(request)), seconds(30), archived).await;
    }

    // A copy for reading is written after the checkpoint.
    let copied = async || {
        Some(content(stack().output("DerivedBucketName")).await).filter(|text| hold(text, &requests))
    };
    let derived = eventually("the copies hold the requests", seconds(90), copied).await;
    let locked = content(stack().output("ArchiveBucketName")).await;
    assert!(hold(&locked, &requests), "all of it was looked through");
    for content in [&locked, &derived] {
        let found = canaries(content);
        let told = |all: &[Secret]| -> BTreeSet<&str> {
            all.iter().filter(|(_, word)| found.contains(word.as_str())).map(|(what, _)| *what).collect()
        };
        assert_eq!(told(&unrecorded), BTreeSet::new(), "of a profile that records nothing");
        assert_eq!(told(&by_default), BTreeSet::from(["a target"]), "by default");
    }
}
