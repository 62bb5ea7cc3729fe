//! Cards posted again: the new one and the old ones show the request as it is, and there is an end of them.

use countersign_app::cards::{Again, MOST_AGAIN, again};
use countersign_app::memory::Op;
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{at, id, review, review_with};
use countersign_chat::slack::ChatError;
use countersign_domain::event::Decision;

use crate::cards::{NEEDED, ONE, Stack, message};
use crate::given::{asked, decided, done, whole, withdraw};

const APPROVED: &str = "✔ Approved, not used yet";
const WITHDRAWN: &str = "✘ Withdrawn by the agent, or not answered in time";

async fn post_again(stack: &Stack, seconds: u32) -> Again {
    let whole = whole(&stack.table, &id(1)).await;
    again(&stack.table, &whole, at(seconds)).await.unwrap()
}

#[tokio::test]
async fn the_new_card_and_the_old_one_show_the_request_as_it_is() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 2)).await;
    assert_eq!(stack.due(at(1)).await, None);
    assert_eq!(post_again(&stack, 2).await, Again::Reserved);
    assert_eq!(stack.table.due(at(2), None, 9).await.unwrap().items, [id(1)], "relay's sweep posts it");
    assert_eq!(stack.due(at(2)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0), message(ONE, NEEDED, 0)]);

    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(3)).await;
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 1), message(ONE, NEEDED, 1)], "one vote of two");
    decided(&stack.table, &id(1), "bob", Decision::Approve, None, at(4)).await;
    assert_eq!(stack.due(at(4)).await, None);
    assert_eq!(stack.shown(), [message(ONE, APPROVED, 2), message(ONE, APPROVED, 2)]);
    assert_eq!(stack.kinds().await.iter().filter(|kind| **kind == "notification.sent").count(), 1);
}

#[tokio::test]
async fn an_old_card_that_is_gone_is_not_posted_again() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    post_again(&stack, 2).await;
    assert_eq!(stack.due(at(2)).await, None);
    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(3)).await;
    // The old one comes first.
    stack.chat.fail_next(ChatError::Refused { code: "message_not_found".into(), needed: None });
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0), message(ONE, APPROVED, 1)]);
}

#[tokio::test]
async fn a_card_that_is_still_to_be_posted_is_enough() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(post_again(&stack, 1).await, Again::Reserved, "nothing was posted yet");
    assert_eq!(stack.due(at(1)).await, None);
    for seconds in [2, 3] {
        assert_eq!(post_again(&stack, seconds).await, Again::Reserved);
    }
    assert_eq!(stack.due(at(4)).await, None);
    assert_eq!(stack.shown().len(), 2);

    post_again(&stack, 5).await;
    done(&stack.table, &id(1), withdraw(None), &[], at(6)).await;
    assert_eq!(stack.due(at(6)).await, None, "an ended request gets no new card");
    assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 1), message(ONE, WITHDRAWN, 1)]);
}

#[tokio::test]
async fn there_is_an_end_of_them() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    for n in 2..2 + MOST_AGAIN {
        assert_eq!(post_again(&stack, n).await, Again::Reserved);
        assert_eq!(stack.due(at(n)).await, None);
    }
    let before = whole(&stack.table, &id(1)).await;
    assert_eq!(post_again(&stack, 99).await, Again::Exhausted);
    assert_eq!(whole(&stack.table, &id(1)).await, before);
    assert_eq!(stack.shown().len(), 6);
}

#[tokio::test]
async fn it_is_due_at_once_whoever_looks_meanwhile() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    let mut held = stack.table.faults.hold_next(Op::SetView);
    let look = async {
        held.reached().await;
        let read = stack.table.state(&id(1)).await.unwrap().unwrap();
        assert_eq!(stack.table.set_view(&read, Some(at(3000)), read.workflow).await, Ok(true));
        held.release();
    };
    let (reserved, ()) = tokio::join!(post_again(&stack, 2), look);
    assert_eq!(reserved, Again::Reserved);
    assert_eq!(stack.table.due(at(2), None, 9).await.unwrap().items, [id(1)]);

    // Without an answer nobody knows; it may be asked for again, and that is no further card.
    let whole = whole(&stack.table, &id(1)).await;
    let down = PortError::Unavailable("no answer".into());
    stack.table.faults.fail_next(Op::SetView, down.clone());
    assert_eq!(again(&stack.table, &whole, at(3)).await, Err(down));
    assert_eq!(post_again(&stack, 3).await, Again::Reserved);
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown().len(), 2);
}
