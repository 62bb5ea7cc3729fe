//! Nothing runs without evidence: consuming while the archive is away, slow or behind, while others consume, and over a
//! table that was restored.

use std::time::Duration;

use countersign_app::commit::{With, execute};
use countersign_app::log::EventKey;
use countersign_app::memory::{MemorySealer, MemoryTable, MemoryWorkflow, Op};
use countersign_app::ports::PortError;
use countersign_app::sample;
use countersign_app::store::Stored;
use countersign_domain::event::Decision;
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::{RequestId, Status};
use serde_json::json;
use tokio::time::Instant;

use super::*;
use tests::{Policy, app, ask, event};

type Api = App<MemoryTable, MemoryWorkflow, MemorySealer>;

const FIRST: &str = "00000000000000000000000000000001";
const OTHER: &str = "00000000000000000000000000000002";

/// One call of the agent; the status and the body.
async fn call(api: &Api, method: &str, path: &str, headers: Value, body: &Value) -> (u16, Value) {
    let answer = handle(api, event(method, path, &headers, body, true)).await;
    let status = answer["statusCode"].as_u64().unwrap();
    let body = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    (u16::try_from(status).unwrap(), body)
}

async fn consume(api: &Api, request: &Value, attempt: &str) -> (u16, Value) {
    let path = format!("/v1/requests/{}/consume", request["id"].as_str().unwrap());
    let body = json!({"digest": request["digest"], "attempt": attempt});
    call(api, "POST", &path, json!({}), &body).await
}

async fn stored(api: &Api, request: &Value) -> Stored {
    api.table.state(&id(request)).await.unwrap().unwrap()
}

fn id(request: &Value) -> RequestId {
    request["id"].as_str().unwrap().parse().unwrap()
}

/// An ask that a person approved.
async fn approved(api: &Api) -> Value {
    let key = json!({"idempotency-key": "key"});
    let (status, request) = call(api, "POST", "/v1/requests", key, &ask("s3.sync")).await;
    assert_eq!(status, 202, "{request}");
    let stored = stored(api, &request).await;
    let approve = sample::decide(&stored.request, "alice", Decision::Approve, None);
    execute(&api.table, &api.source, stored, approve, With::default(), now()).await.unwrap();
    request
}

/// How often the right to run was recorded, and whether the log holds that.
async fn uses(api: &Api, request: &Value) -> (usize, bool) {
    let events = api.table.events(&Subject::Request(id(request))).await.unwrap();
    let is_use = |bytes: &[u8]| Leaf::parse(bytes).unwrap().event.fact.kind() == "execution.consumed";
    let uses: Vec<_> = events.iter().filter(|event| is_use(&event.bytes)).collect();
    (uses.len(), uses.iter().all(|event| api.sealer.holds(&id(request), event.seq)))
}

#[track_caller]
fn unavailable((status, body): (u16, Value)) {
    assert_eq!((status, &body["code"], &body["retryable"]), (503, &json!("audit_unavailable"), &json!(true)));
    assert!(body["agent_guidance"].is_string() && body.get("nonce").is_none(), "{body}");
}

/// The answer without its receipt, which must be there.
#[track_caller]
fn right((status, mut body): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{body}");
    let receipt = body.as_object_mut().unwrap().remove("receipt").unwrap();
    let receipt = receipt.as_str().expect("a receipt");
    assert!(receipt.contains(" is at "), "{receipt}");
    assert!(!receipt.contains(body["nonce"].as_str().unwrap()), "the nonce is beside it only");
    body
}

#[tokio::test]
async fn the_decision_is_in_the_log_before_the_use_and_the_use_before_the_answer() {
    let policy = Policy::new("consume-order");
    let api = app(&policy);
    let request = approved(&api).await;
    let decided = stored(&api, &request).await.version();
    let mut commit = api.table.faults.hold_next(Op::Commit);
    let (answer, ()) = tokio::join!(consume(&api, &request, FIRST), async {
        commit.reached().await;
        assert!(api.sealer.holds(&id(&request), decided), "sealed before the commit");
        let mut second = api.sealer.faults.hold_next(Op::Seal);
        commit.release();
        second.reached().await;
        assert_eq!(uses(&api, &request).await, (1, false), "committed before it is sealed");
        second.release();
    });
    right(answer);
    assert_eq!(uses(&api, &request).await, (1, true));
}

#[tokio::test]
async fn without_the_archive_nothing_is_given_out_and_the_same_attempt_gets_it_later() {
    let policy = Policy::new("consume-down");
    // The calls of the sealer that fail, and whether the approval is used by then.
    for (passes, used) in [(0, 0), (1, 1)] {
        for lost in [false, true] {
            let api = app(&policy);
            let request = approved(&api).await;
            for _ in 0..passes {
                api.sealer.faults.hold_next(Op::Seal).release();
            }
            match lost {
                true => api.sealer.faults.lose_next(Op::Seal),
                false => api.sealer.faults.fail_next(Op::Seal, PortError::Unavailable("down".into())),
            }
            unavailable(consume(&api, &request, FIRST).await);
            assert_eq!(uses(&api, &request).await.0, used);
            let status = if used == 1 { Status::Consumed } else { Status::Approved };
            assert_eq!(stored(&api, &request).await.request.status, status);
            if used == 1 {
                let other = consume(&api, &request, OTHER).await;
                assert_eq!((other.0, &other.1["code"]), (409, &json!("already_consumed")));
            }
            let first = right(consume(&api, &request, FIRST).await);
            assert_eq!(right(consume(&api, &request, FIRST).await), first);
            assert_eq!(uses(&api, &request).await, (1, true));
        }
    }
}

#[tokio::test]
async fn a_use_whose_answer_was_lost_comes_out_right() {
    let policy = Policy::new("consume-lost");
    let api = app(&policy);
    let request = approved(&api).await;
    api.table.faults.lose_next(Op::Commit);
    let lost = consume(&api, &request, FIRST).await;
    assert_eq!((lost.0, &lost.1["code"]), (503, &json!("unavailable")));
    right(consume(&api, &request, FIRST).await);
    assert_eq!(uses(&api, &request).await, (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_slow_archive_is_given_up_within_the_time_of_the_api() {
    let policy = Policy::new("consume-slow");
    let api = app(&policy);
    let request = approved(&api).await;
    // Each: too slow for the first, for the second, and not too slow.
    for (seconds, used) in [(60, 0), (13, 0), (11, 1)] {
        api.sealer.faults.set_latency(Duration::from_secs(seconds));
        let began = Instant::now();
        let answer = consume(&api, &request, FIRST).await;
        assert!(began.elapsed() < Duration::from_secs(25), "{seconds}: {:?}", began.elapsed());
        assert_eq!(uses(&api, &request).await.0, used, "{seconds}");
        if used == 0 { unavailable(answer) } else { drop(right(answer)) }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_attempts_at_once_one_gets_the_right_while_sealing_is_slow() {
    let policy = Policy::new("consume-race");
    for milliseconds in [0, 1, 50, 4000] {
        let api = app(&policy);
        let request = approved(&api).await;
        api.sealer.faults.set_latency(Duration::from_millis(milliseconds));
        let (one, other, again) = tokio::join!(
            consume(&api, &request, FIRST),
            consume(&api, &request, OTHER),
            consume(&api, &request, FIRST)
        );
        let statuses = [one.0, other.0, again.0];
        assert!([[200, 409, 200], [409, 200, 409]].contains(&statuses), "{statuses:?}");
        assert_eq!(uses(&api, &request).await, (1, true), "{milliseconds}");
        for (status, answer) in [one, other, again].into_iter().filter(|(status, _)| *status == 200) {
            right((status, answer));
        }
    }
}

#[tokio::test]
async fn over_a_restored_table_nothing_is_consumed_again() {
    let policy = Policy::new("consume-restored");
    let api = app(&policy);
    let request = approved(&api).await;
    // Before anything of it was in the log, and after the decision was.
    let early = api.table.copy();
    api.sealer.seal(&id(&request), Duration::MAX).await.unwrap();
    let late = api.table.copy();
    right(consume(&api, &request, FIRST).await);
    let newest = api.table.copy();
    for copy in [&early, &late] {
        api.table.restore(copy);
        for attempt in [FIRST, OTHER] {
            unavailable(consume(&api, &request, attempt).await);
            assert_eq!(uses(&api, &request).await.0, 0);
        }
    }
    api.table.restore(&newest);
    right(consume(&api, &request, FIRST).await);
    assert_eq!(uses(&api, &request).await, (1, true));
}

#[tokio::test]
async fn what_the_log_does_not_hold_is_not_released() {
    let policy = Policy::new("consume-unheld");
    let api = app(&policy);
    let request = approved(&api).await;
    // As of a decision that is not as it was written: the log holds a hash of it.
    let seq = stored(&api, &request).await.version();
    let key = EventKey { subject: Subject::Request(id(&request)), seq };
    api.table.tamper(&key, |bytes, _| bytes.clear());
    let refused = consume(&api, &request, FIRST).await;
    assert_eq!((refused.0, &refused.1["code"]), (409, &json!("not_sealed")));
    assert_eq!(stored(&api, &request).await.request.status, Status::Approved);
}

#[tokio::test]
async fn what_is_refused_needs_no_archive() {
    let policy = Policy::new("consume-refused");
    let api = app(&policy);
    let request = approved(&api).await;
    api.sealer.faults.set_down(true);
    let mut wrong = request.clone();
    wrong["digest"] = format!("sha256:{}", "0".repeat(64)).into();
    let refused = consume(&api, &wrong, FIRST).await;
    assert_eq!((refused.0, &refused.1["code"]), (409, &json!("digest_mismatch")));
    assert_eq!(api.sealer.faults.calls(Op::Seal), 0);
}

#[tokio::test]
async fn a_reader_gets_the_receipt_once_it_is_sealed_and_is_never_refused_for_it() {
    let policy = Policy::new("consume-read");
    let mut api = app(&policy);
    let mut at_once = ask("test.allow");
    at_once["consume"] = true.into();
    let key = json!({"idempotency-key": FIRST});
    api.sealer.faults.set_down(true);
    let (status, made) = call(&api, "POST", "/v1/requests", key, &at_once).await;
    assert_eq!((status, &made["status"]), (201, &json!("consumed")), "it does not wait for the archive");
    assert!(made["consume"]["nonce"].is_string(), "{made}");
    let path = format!("/v1/requests/{}", made["id"].as_str().unwrap());
    let reviewed = approved(&api).await;

    api.serves = Serves::Reads;
    let read = async |api: &Api, headers: Value| {
        let (status, body) = call(api, "GET", &path, headers, &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["receipt"].clone()
    };
    assert_eq!(read(&api, json!({})).await, Value::Null);
    assert_eq!(api.sealer.faults.calls(Op::Seal), 0, "what is not in the log has no receipt");
    api.sealer.faults.set_down(false);
    api.sealer.seal(&id(&made), Duration::MAX).await.unwrap();
    assert!(read(&api, json!({})).await.is_string());
    assert!(read(&api, json!({"prefer": "wait=25"})).await.is_string(), "there was nothing to wait for");
    api.sealer.faults.set_down(true);
    assert_eq!(read(&api, json!({})).await, Value::Null);
    api.sealer.faults.set_down(false);
    api.table.faults.fail_next(Op::Events, PortError::Unavailable("down".into()));
    assert_eq!(read(&api, json!({})).await, Value::Null);

    api.sealer.seal(&id(&reviewed), Duration::MAX).await.unwrap();
    let path = format!("/v1/requests/{}", reviewed["id"].as_str().unwrap());
    let (_, shown) = call(&api, "GET", &path, json!({}), &Value::Null).await;
    assert!(shown["status"] == "approved" && shown["receipt"].is_string(), "{shown}");
}

#[tokio::test]
async fn who_waits_is_told_of_the_decision_before_anything_is_asked_of_the_archive() {
    let policy = Policy::new("consume-wait");
    let mut api = app(&policy);
    let key = json!({"idempotency-key": "key"});
    let (_, request) = call(&api, "POST", "/v1/requests", key, &ask("s3.sync")).await;
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    api.serves = Serves::Reads;
    let wait = call(&api, "GET", &path, json!({"prefer": "wait=25"}), &Value::Null);
    let ((status, woken), ()) = tokio::join!(wait, async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let stored = stored(&api, &request).await;
        let approve = sample::decide(&stored.request, "alice", Decision::Approve, None);
        execute(&api.table, &api.source, stored, approve, With::default(), now()).await.unwrap();
        api.sealer.seal(&id(&request), Duration::MAX).await.unwrap();
    });
    assert_eq!((status, &woken["status"], &woken["receipt"]), (200, &json!("approved"), &Value::Null));
    assert_eq!(api.sealer.faults.calls(Op::Seal), 1, "the test's own");
}
