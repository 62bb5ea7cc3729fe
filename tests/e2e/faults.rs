//! A call fails, or its answer is lost, or the process dies just there: somebody else finishes the work.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, cards, shows};
use countersign_tests::faults::Fault;
use countersign_tests::{Agent, Chat, Reviewer, attempt, engine, eventually, history, seconds, unique};
use serde_json::{Value, json};

use crate::{alone, shared};

/// What relay completes by the stream; tests that judge by it have the machine for themselves.
const BY_STREAM: std::time::Duration = seconds(5);

/// A loaded machine is slower than a function.
fn within() -> std::time::Duration {
    BY_STREAM + seconds(15)
}

/// Nobody rings the sweep here, so it is the stream's doing.
async fn by_stream<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    let found = eventually(what, BY_STREAM, look).await;
    println!("relay, by the stream: {what} after {} ms", started.elapsed().as_millis());
    found
}

async fn workflow_is(request: &Value, status: &str) -> Option<()> {
    (engine::execution(id(request)).await == status).then_some(())
}

/// The transactions that record events of the request: not those that put them into the log, which name no leaf.
fn written(request: &Value) -> Value {
    json!({"target": "TransactWriteItems", "body": format!("{}.", id(request))})
}

fn refuse(code: &str) -> Value {
    json!({"status": 400, "body": {"__type": code, "message": "injected"}})
}

#[tokio::test]
async fn a_workflow_that_was_not_started_is_started_by_relay() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    // An error that no client repeats by itself. The id is not known before, so the fault is for whoever comes first.
    let start = json!({"target": "StartExecution"});
    let fault = Fault::engine(start.clone(), refuse("StateMachineDoesNotExist"), Some(1)).await;
    let request = agent.asks("s3.sync").await;
    by_stream("the workflow is started", async || workflow_is(&request, "RUNNING").await).await;
    assert_eq!(fault.lift().await, 1);
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    by_stream("the workflow ends", async || workflow_is(&request, "SUCCEEDED").await).await;

    // Relay's own try fails, too: what is left to the sweep.
    let fault = Fault::engine(start, refuse("StateMachineDoesNotExist"), None).await;
    let request = agent.asks("s3.sync").await;
    tokio::time::sleep(BY_STREAM).await;
    assert!(fault.lift().await >= 2, "Intake and relay tried");
    assert_eq!(workflow_is(&request, "RUNNING").await, None);
    let swept = async || {
        engine::sweep().await;
        workflow_is(&request, "RUNNING").await
    };
    eventually("a sweep starts the workflow", seconds(30), swept).await;
}

#[tokio::test]
async fn a_workflow_that_was_not_resumed_is_resumed_by_relay() {
    let _stack = alone().await;
    for action in [json!({"reset": true}), json!({"lose_answer": true}), json!({"status": 500, "body": {}})] {
        let agent = Agent::ordinary().await;
        let request = agent.asks("s3.sync").await;
        card(&request, "C0DATA").await;
        let matching = json!({"target": "SendTaskSuccess", "body": id(&request)});
        let fault = Fault::engine(matching, action.clone(), Some(3)).await;
        let decided = Reviewer::new("alice").await.approve(&request).await.expect(200);
        assert_eq!(decided["status"], "approved", "{action}");
        by_stream("the workflow ends", async || workflow_is(&request, "SUCCEEDED").await).await;
        assert!(fault.lift().await >= 1, "{action}");
    }
}

#[tokio::test]
async fn a_transaction_in_conflict_is_tried_again() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let cancelled = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        "CancellationReasons": [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}],
    });
    let matching = written(&request);
    let fault = Fault::engine(matching.clone(), json!({"status": 400, "body": cancelled}), Some(3)).await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    assert_eq!(fault.lift().await, 3);
    let fault = Fault::engine(matching, json!({"status": 400, "body": cancelled}), Some(2)).await;
    agent.consume(&request).await.expect(200);
    assert_eq!(fault.lift().await, 2);
}

#[tokio::test]
async fn a_lost_answer_of_the_table_loses_and_doubles_nothing() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let matching = written(&request);
    let fault = Fault::engine(matching.clone(), json!({"lose_answer": true}), Some(1)).await;
    Chat::new("U0ALICE").press(&request, "C0DATA", "approve").await;
    assert_eq!(fault.lift().await, 1);
    assert_eq!(agent.wait(&request, 15).await["status"], "approved");

    let mine = attempt();
    let fault = Fault::engine(matching, json!({"lose_answer": true}), Some(1)).await;
    let first = agent.consume_as(&request, &mine).await;
    fault.lift().await;
    let again = agent.consume_as(&request, &mine).await.expect(200);
    assert!(first.status == 200 || first.status == 503, "{}", first.status);
    assert_eq!(again["status"], "consumed");
    let kinds = engine::kinds(id(&request)).await;
    for kind in ["vote.cast", "decision.approved", "execution.consumed"] {
        assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn chat_that_is_down_delays_the_card_and_nothing_else() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let word = unique();
    let fault =
        Fault::chat(json!({"path": "chat.postMessage", "body": word}), json!({"reset": true}), None).await;
    let request = agent.ask("s3.sync", json!({"target": word})).await.expect(202);
    let failed = async || {
        let kinds = engine::kinds(id(&request)).await;
        (kinds.iter().filter(|k| *k == "notification.failed").count() == 1).then_some(())
    };
    eventually("the failure is recorded", within(), failed).await;
    assert_eq!(engine::execution(id(&request)).await, "RUNNING");
    assert!(fault.lift().await >= 1);
    by_stream("the card is posted", async || cards(&request).await.pop()).await;
    let kinds = engine::kinds(id(&request)).await;
    assert_eq!(
        kinds.iter().filter(|k| *k == "notification.failed").count(),
        1,
        "once per channel: {kinds:?}"
    );
    let recorded = async || (history::count(id(&request), "notification.sent").await == 1).then_some(());
    eventually("that it was posted is recorded", within(), recorded).await;
    Chat::new("U0ALICE").press(&request, "C0DATA", "approve").await;
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
}

#[tokio::test]
async fn a_card_that_could_not_be_updated_catches_up() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    card(&request, "C0DATA").await;
    let matching = json!({"path": "chat.update", "body": id(&request)});
    let fault = Fault::chat(matching, json!({"status": 429, "body": {"ok": false, "error": "ratelimited"}, "headers": {"retry-after": "1"}}), Some(1)).await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    let shown = async || {
        let card = cards(&request).await.pop()?;
        card["blocks"].to_string().contains("Approved").then_some(())
    };
    by_stream("the card shows the approval", shown).await;
    assert_eq!(fault.lift().await, 1);
}

#[tokio::test]
async fn a_decision_whose_write_fails_is_not_taken_and_the_person_is_told() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let shown = card(&request, "C0DATA").await;
    let matching = written(&request);
    let fault =
        Fault::engine(matching, refuse("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"), None)
            .await;
    let alice = Chat::new("U0ALICE");
    alice.press_on(&shown, "approve", json!({})).await;
    assert!(fault.lift().await >= 1);
    assert!(alice.told(&shown).await.iter().any(|t| t.contains("did not learn whether")));
    assert_eq!(agent.read(&request).await["status"], "pending", "an error never approves");
    alice.press_on(&shown, "approve", json!({})).await;
    shows(&request, "C0DATA", "Alice Arden").await;
}
