//! A batch of the stream: its subjects side by side, and what of it must come again.

use std::time::Duration;

use countersign_app::cards::{Again, again};
use countersign_app::commit::execute_agent;
use countersign_app::memory::Op;
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{self, SOURCE, agent, at, id, review};
use countersign_chat::slack::ChatError;
use countersign_domain::{Status, Time, agent as agents};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::kit::Kit;

fn batch(keys: &[String]) -> Value {
    let record = |(n, pk): (usize, &String)| json!({"dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": n.to_string()}});
    json!({"Records": keys.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn down() -> PortError {
    PortError::Unavailable("no answer".into())
}

#[tokio::test(start_paused = true)]
async fn the_subjects_of_a_batch_are_healed_side_by_side() {
    let mut kit = Kit::new(Some(Duration::from_secs(2)));
    let mut keys = Vec::new();
    for n in 1..=8 {
        let id = kit.asked(n, review(&["slack:C0ONE"])).await;
        kit.waits(&id).await;
        keys.push(format!("REQ#{id}"));
    }
    kit.live(1);
    let begun = Instant::now();
    assert_eq!(kit.handle(batch(&keys)).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(kit.stack.slack.messages().len(), 8);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_card_that_fails_once_is_posted_without_a_sweep() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let id = kit.asked(1, review(&["slack:C0ONE"])).await;
    kit.waits(&id).await;
    kit.live(1);
    let down = || ChatError::Unreachable("no answer".into());
    kit.stack.slack.fail_next(down());
    kit.handle(batch(&[format!("REQ#{id}")])).await.unwrap();
    assert_eq!(kit.stack.slack.messages().len(), 1);
    assert!(kit.began.elapsed() < Duration::from_secs(4), "{:?}", kit.began.elapsed());

    // While chat is down it is tried twice, and left to the sweep.
    let id = kit.asked(2, review(&["slack:C0ONE"])).await;
    kit.waits(&id).await;
    kit.stack.slack.set_down(Some(down()));
    let (before, began) = (kit.stack.slack.calls(), kit.began.elapsed());
    kit.handle(batch(&[format!("REQ#{id}")])).await.unwrap();
    assert_eq!(kit.stack.slack.calls() - before, 2);
    assert!(kit.began.elapsed() - began < Duration::from_secs(4));
}

/// Others wait behind it.
#[tokio::test(start_paused = true)]
async fn a_slow_chat_is_not_waited_for_twice() {
    for (takes, calls) in [(700, 2), (1_100, 1)] {
        let mut kit = Kit::new(Some(Duration::from_millis(takes)));
        let id = kit.asked(1, review(&["slack:C0ONE"])).await;
        kit.waits(&id).await;
        kit.live(1);
        kit.stack.slack.fail_next(ChatError::Unreachable("no answer".into()));
        kit.handle(batch(&[format!("REQ#{id}")])).await.unwrap();
        assert_eq!(kit.stack.slack.calls(), calls, "{takes} ms");
    }
}

/// A look that read before the new card was reserved has nothing to say of when to look next.
#[tokio::test(start_paused = true)]
async fn a_card_that_is_asked_for_under_a_look_is_posted() {
    for posted_before in [false, true] {
        let mut kit = Kit::new(Some(Duration::ZERO));
        let id = kit.asked(1, review(&["slack:C0ONE"])).await;
        kit.waits(&id).await;
        kit.live(1);
        let look = || kit.handle(batch(&[format!("REQ#{id}")]));
        if posted_before {
            look().await.unwrap();
        }
        let mut held = kit.stack.table.faults.hold_next(Op::SetView);
        let asked = async {
            held.reached().await;
            let whole = kit.stack.table.whole(&id).await.unwrap().unwrap();
            assert_eq!(again(&kit.stack.table, &whole, kit.now()).await, Ok(Again::Reserved));
            held.release();
        };
        let (said, ()) = tokio::join!(look(), asked);
        said.unwrap();
        assert_eq!(kit.stack.slack.messages().len(), 2, "posted before: {posted_before}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_table_did_not_answer_comes_again_alone() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let mut keys = Vec::new();
    for n in 1..=3 {
        keys.push(format!("REQ#{}", kit.asked(n, review(&["slack:C0ONE"])).await));
    }
    kit.live(1);
    kit.stack.table.faults.fail_next(Op::Whole, down());
    let said = kit.handle(batch(&keys)).await.unwrap();
    assert_eq!(said, json!({"batchItemFailures": [{"itemIdentifier": "0"}]}));
    // A failure while the cards are brought up to date is one, too; that chat does not answer is none.
    kit.stack.table.faults.fail_next(Op::SetView, down());
    let said = kit.handle(batch(&keys[..1])).await.unwrap();
    assert_eq!(said, json!({"batchItemFailures": [{"itemIdentifier": "0"}]}));
    kit.stack.workflow.faults.set_down(true);
    assert_eq!(kit.handle(batch(&keys)).await.unwrap(), json!({"batchItemFailures": []}));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_takes_too_long_comes_again_where_it_was_not_done() {
    let mut kit = Kit::new(None);
    let there = kit.asked(1, review(&["slack:C0ONE"])).await;
    let bare = kit.asked(2, review(&[])).await;
    kit.live(1);
    let said = kit.handle(batch(&[format!("REQ#{there}"), format!("REQ#{bare}")])).await.unwrap();
    assert_eq!(said, json!({"batchItemFailures": [{"itemIdentifier": "0"}]}));
}

/// Its mark may be as old as an ask that slipped in before it: nothing that is open outlives a freeze.
#[tokio::test(start_paused = true)]
async fn a_freeze_ends_also_what_its_mark_misses() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    let id = kit.asked(1, review(&[])).await;
    kit.waits(&id).await;
    let freeze =
        agents::Command::Freeze { by: sample::actor("root"), groups: sample::admins(), reason: None };
    let before = || Time::from_millis(at(0).millis() - 1);
    execute_agent(&kit.stack.table, SOURCE, &agent("deploy"), freeze, None, before).await.unwrap();
    kit.live(6);
    kit.handle(batch(&[format!("AGENT#{}", agent("deploy"))])).await.unwrap();
    assert_eq!(kit.state(&id).await.request.status, Status::Revoked);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_ends_all_it_can_and_comes_again_for_the_rest() {
    let mut kit = Kit::new(Some(Duration::ZERO));
    for n in 1..=4 {
        let id = kit.asked(n, review(&[])).await;
        kit.waits(&id).await;
    }
    let freeze =
        agents::Command::Freeze { by: sample::actor("root"), groups: sample::admins(), reason: None };
    let (table, deploy) = (&kit.stack.table, agent("deploy"));
    execute_agent(table, SOURCE, &deploy, freeze, None, || at(5)).await.unwrap();
    table.faults.fail_next(Op::Whole, down());
    kit.live(6);
    let event = batch(&[format!("AGENT#{deploy}")]);
    let said = kit.handle(event.clone()).await.unwrap();
    assert_eq!(said, json!({"batchItemFailures": [{"itemIdentifier": "0"}]}));
    let revoked = async || {
        let mut revoked = 0;
        for n in 1..=4 {
            revoked += u32::from(kit.state(&id(n)).await.request.status == Status::Revoked);
        }
        revoked
    };
    assert_eq!(revoked().await, 3);
    assert_eq!(kit.handle(event).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!((revoked().await, kit.stack.workflow.woken().len()), (4, 4));
}
