//! Reading: waiting for a change, lists with pages, and who may see what.

use std::time::{Duration, Instant};

use countersign_tests::agent::id;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Answer, Reviewer, history, stack};
use serde_json::{Value, json};

use crate::shared;

async fn conditional(agent: &Agent, request: &Value, etag: &str, wait: u32) -> Answer {
    let url = format!("{}/v1/requests/{}", stack().agents_api, id(request));
    let call = Call::get(url).with("if-none-match", etag).with("prefer", &format!("wait={wait}"));
    agent.call(call).await
}

#[tokio::test]
async fn a_read_may_wait_for_another_version() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    let settled = async || (history::count(id(&request), "notification.sent").await == 1).then_some(());
    countersign_tests::eventually("the card is posted", countersign_tests::seconds(20), settled).await;

    let read = agent.get(&format!("/v1/requests/{}", id(&request))).await;
    let etag = read.header("etag").to_owned();
    let now = read.expect(200);
    assert_eq!(etag, format!("\"{}\"", now["version"]));
    let same = conditional(&agent, &request, &etag, 0).await;
    assert_eq!((same.status, same.header("etag"), same.bytes.len()), (304, etag.as_str(), 0));
    let started = Instant::now();
    assert_eq!(conditional(&agent, &request, &etag, 1).await.status, 304);
    assert!(started.elapsed() >= Duration::from_millis(900), "it waits as long as it was asked to");

    // A first vote of two is a change, though the status stays.
    let alice = Reviewer::new("alice").await;
    let started = Instant::now();
    let (woken, _) = tokio::join!(conditional(&agent, &request, &etag, 20), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        alice.approve(&request).await.expect(200)
    });
    let woken = woken.expect(200);
    assert_eq!(
        (woken["status"].as_str(), woken["gates"][0]["approvals"].as_u64()),
        (Some("pending"), Some(1))
    );
    assert!(started.elapsed() < Duration::from_secs(15), "woken by the vote");
}

#[tokio::test]
async fn a_read_of_what_is_decided_does_not_wait() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let denied = agent.ask("test.deny", Value::Null).await.expect(201);
    let started = Instant::now();
    assert_eq!(agent.wait(&denied, 25).await["status"], "denied");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_gap_or_repeat() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let mut made = Vec::new();
    for _ in 0..53 {
        made.push(id(&agent.ask("test.deny", Value::Null).await.expect(201)).to_owned());
    }
    let pending = agent.asks("s3.sync").await;
    made.push(id(&pending).to_owned());
    made.reverse();

    let (mut listed, mut query, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = agent.get(&format!("/v1/requests{query}")).await.expect(200);
        listed.extend(page["requests"].as_array().unwrap().iter().map(|r| id(r).to_owned()));
        pages += 1;
        assert!(pages < 10, "it ends");
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?cursor={next}");
    }
    assert!(pages >= 2, "more than a page");
    assert_eq!(listed, made, "each once, newest first");

    let pending_only = agent.get("/v1/requests?status=pending").await.expect(200);
    let ids: Vec<_> = pending_only["requests"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(ids, [id(&pending)]);
    assert_eq!(agent.get("/v1/requests?status=approved").await.expect(200)["requests"], json!([]));
    assert_eq!(
        agent.get("/v1/requests?cursor=bm9uc2Vuc2U").await.status,
        200,
        "a foreign cursor begins anew"
    );
}

#[tokio::test]
async fn another_agent_finds_nothing_to_do_with_it() {
    let _stack = shared().await;
    let (agent, other) = (Agent::ordinary().await, Agent::ordinary().await);
    let request = agent.asks("s3.sync").await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    let path = |verb: &str| format!("/v1/requests/{}{verb}", id(&request));
    let missing = "/v1/requests/req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";
    let strange = other.get(&path("")).await.problem(404, "not_found");
    assert_eq!(strange, other.get(missing).await.problem(404, "not_found"), "as if it did not exist");
    other.post(&path("/responses"), &json!({"answer": "x"})).await.problem(404, "not_found");
    other.post(&path("/withdraw"), &Value::Null).await.problem(404, "not_found");
    other.post(&path("/outcome"), &json!({"outcome": "failed"})).await.problem(404, "not_found");
    other.consume(&request).await.problem(404, "not_found");
    assert!(!other.get("/v1/requests").await.expect(200).to_string().contains(id(&request)));
    assert_eq!(agent.read(&request).await["status"], "approved");
    agent.consume(&request).await.expect(200);
}

#[tokio::test]
async fn reviewers_list_what_waits_for_them() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (open, approved) = (agent.asks("s3.sync").await, agent.asks("s3.sync").await);
    let alice = Reviewer::new("alice").await;
    alice.approve(&approved).await.expect(200);
    let has = |list: &[Value], request: &Value| list.iter().any(|r| id(r) == id(request));
    let pending = alice.list("status=pending").await;
    assert!(has(&pending, &open) && !has(&pending, &approved));
    assert!(pending.iter().all(|r| r["status"] == "pending" && r.get("arguments").is_none()));
    alice.get("/v1/review/requests?status=consumed").await.problem(400, "invalid_request");
    let live = alice.list("").await;
    assert!(has(&live, &open) && has(&live, &approved));
    assert!(!has(&Reviewer::new("dave").await.list("").await, &open), "another group's");
    assert!(has(&Reviewer::new("grace").await.list("").await, &open), "auditors see all");
    agent.consume(&approved).await.expect(200);
    assert!(!has(&alice.list("").await, &approved), "what is used up waits for nobody");
}
