//! The sweep keeps its time, however many requests are open and whatever chat does.

use std::time::Duration;

use countersign_app::memory::Op;
use countersign_app::metrics::Swept;
use countersign_app::ports::{PortError, Table, Tokens};
use countersign_app::sample::{agent, at, id, review, review_with};
use countersign_app::store::Token;
use countersign_domain::request::Command;
use countersign_domain::time::Seconds;
use countersign_domain::{Status, Time};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::kit::Kit;

const OPEN: u32 = 500;

/// 10 s until it is due and 60 s until a sweep comes: so long may a sweep take, for 90 s in all.
const WORK: Duration = Duration::from_secs(20);

#[tokio::test(start_paused = true)]
async fn all_that_is_owed_is_done_in_time_while_chat_hangs() {
    let mut kit = Kit::new(None);
    for n in 1..=OPEN {
        // Each owes a card. A third owes an end by time, a third a resumption, and a third a workflow.
        let review_for = if n % 3 == 0 { 60 } else { 3600 };
        let id = kit.asked(n, review_with(&["slack:C0ONE"], |_, r| r.review_for = Seconds(review_for))).await;
        if n % 3 != 1 {
            kit.waits(&id).await;
        }
        if n % 3 == 2 {
            kit.approved(&id).await;
        }
    }
    kit.live(61);
    let swept = timeout(Duration::from_secs(60), kit.handle(json!({"sweep": true})));
    tokio::pin!(swept);
    assert!(timeout(WORK, &mut swept).await.is_err(), "the cards hang");

    for n in 1..=OPEN {
        let stored = kit.state(&id(n)).await;
        let expect = [Status::Undeliverable, Status::Pending, Status::Approved][(n % 3) as usize];
        assert_eq!(stored.request.status, expect, "request {n}");
    }
    let woken = kit.stack.workflow.woken().len();
    assert_eq!(woken, (1..=OPEN).filter(|n| n % 3 != 1).count(), "every task that waits for what is over");
    assert_eq!(kit.stack.workflow.started().len(), OPEN as usize);

    // It ends by itself, before the function would be killed, and says what it could not do.
    let said = swept.await.unwrap().unwrap();
    assert!(kit.began.elapsed() <= Duration::from_secs(51), "{:?}", kit.began.elapsed());
    assert_eq!(said["healed"].as_u64().unwrap() + said["failed"].as_u64().unwrap(), u64::from(OPEN));
    let failures = said["failed"].as_u64().unwrap() as usize;
    assert!(failures > 0, "{said}");
    // One more, for time was up.
    assert_eq!(*kit.swept.lock().unwrap(), [Swept { looked: OPEN as usize, failures: failures + 1 }]);
}

#[tokio::test(start_paused = true)]
async fn cards_of_a_slow_chat_are_tried_side_by_side_and_the_rest_next_time() {
    let mut kit = Kit::new(Some(Duration::from_secs(2)));
    for n in 1..=OPEN {
        let id = kit.asked(n, review(&["slack:C0ONE"])).await;
        kit.waits(&id).await;
    }
    kit.live(61);
    for sweep in 1..=5 {
        let begun = Instant::now();
        kit.handle(json!({"sweep": true})).await.unwrap();
        assert!(begun.elapsed() <= Duration::from_secs(50), "{:?}", begun.elapsed());
        tokio::time::advance(Duration::from_secs(60).saturating_sub(begun.elapsed())).await;
        let posted = kit.stack.slack.messages().len();
        assert!(posted >= OPEN.min(sweep * 100) as usize, "after {sweep} sweeps: {posted}");
    }
    assert_eq!(kit.stack.slack.calls(), OPEN, "each card once");
}

#[tokio::test(start_paused = true)]
async fn what_is_open_and_well_costs_nothing() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let id = kit.asked(1, review_with(&["slack:C0ONE"], |_, r| r.review_for = Seconds(80_000))).await;
    kit.waits(&id).await;
    kit.live(10);
    let looks = async |minutes: u32| {
        let before = kit.stack.table.faults.calls(Op::Whole);
        for _ in 0..minutes {
            kit.handle(json!({"sweep": true})).await.unwrap();
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        kit.stack.table.faults.calls(Op::Whole) - before
    };
    let first = looks(180).await;
    assert!((5..=12).contains(&first), "doubling intervals in the first hours: {first}");
    let later = looks(600).await;
    assert!((8..=10).contains(&later), "once an hour after that: {later}");
    // An hour is not longer than the time to its next deadline.
    looks(552).await;
    assert_eq!(kit.state(&id).await.request.status, Status::Pending);
    looks(4).await;
    assert_eq!(kit.state(&id).await.request.status, Status::Expired);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_holds_up_no_other_and_is_due_still() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    for n in 1..=3 {
        let id = kit.asked(n, review(&[])).await;
        kit.waits(&id).await;
        kit.approved(&id).await;
    }
    kit.live(61);
    let down = PortError::Unavailable("no answer".into());
    kit.stack.table.faults.fail_next(Op::Whole, down.clone());
    kit.stack.workflow.faults.fail_next(Op::Resume, down.clone());
    let said = kit.handle(json!({"sweep": true})).await.unwrap();
    assert_eq!(said, json!({"healed": 1, "failed": 2}));
    assert_eq!(kit.stack.workflow.woken().len(), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(kit.handle(json!({"sweep": true})).await.unwrap(), json!({"healed": 2, "failed": 0}));
    assert_eq!(kit.stack.workflow.woken().len(), 3);

    kit.stack.table.faults.fail_next(Op::Due, down);
    assert!(kit.handle(json!({"sweep": true})).await.is_err(), "nobody knows what is due");
    let swept = [(3, 2), (2, 0), (0, 1)].map(|(looked, failures)| Swept { looked, failures });
    assert_eq!(*kit.swept.lock().unwrap(), swept);
    assert!(kit.handle(json!({"sweeep": true})).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_gave_out_is_an_alarm_until_the_request_ended() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let id = kit.asked(1, review(&[])).await;
    let forged = Token { n: 0, retry: 0, token: "forged".into() };
    kit.stack.tokens.put(&id, &forged, at(9)).await.unwrap();
    kit.approved(&id).await;
    kit.live(61);
    assert_eq!(kit.handle(json!({"sweep": true})).await.unwrap(), json!({"healed": 0, "failed": 1}));
    assert!(!kit.state(&id).await.workflow.resumed);
    // Its approval lapses: nobody waits for it any more.
    tokio::time::advance(Duration::from_secs(900)).await;
    assert_eq!(kit.handle(json!({"sweep": true})).await.unwrap(), json!({"healed": 1, "failed": 0}));
    let stored = kit.state(&id).await;
    assert_eq!((stored.request.status, stored.workflow.resumed), (Status::Lapsed, true));
}

/// Whatever it is due for: an approval may be due in days.
#[tokio::test(start_paused = true)]
async fn a_sweep_ends_what_a_recovery_of_the_log_made_void() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let mut statuses = Vec::new();
    for n in 1..=3 {
        let id = kit.asked(n, review(&[])).await;
        kit.waits(&id).await;
        if n == 2 {
            kit.approved(&id).await;
        }
        if n == 3 {
            let stored = kit.state(&id).await;
            let withdraw = Command::Withdraw { agent: agent("deploy"), reason: None };
            kit.done(stored, withdraw).await;
        }
    }
    let calm = async |kit: &Kit| kit.handle(json!({"sweep": true})).await.unwrap();
    kit.live(61);
    calm(&kit).await;
    let later = kit.stack.table.due(at(120), None, 10).await.unwrap();
    assert_eq!(later.items, [], "nothing of it is due");
    kit.stack.table.void(at(30));
    calm(&kit).await;
    for n in 1..=3 {
        statuses.push(kit.state(&id(n)).await.request.status);
    }
    assert_eq!(statuses, [Status::Revoked, Status::Revoked, Status::Withdrawn]);
    assert_eq!(kit.stack.workflow.woken().len(), 3, "their tasks go on");

    // What was asked after it lives.
    kit.stack.table.void(Time::from_millis(at(0).millis() - 1));
    let id = kit.asked(4, review(&[])).await;
    calm(&kit).await;
    assert_eq!(kit.state(&id).await.request.status, Status::Pending);
}
