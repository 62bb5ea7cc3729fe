//! Two convergers of one request, driven step by step: in the end the card shows the request as it is.

use countersign_app::memory::Op;
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{at, channel, id, review, review_with};
use countersign_app::store::CardRecord;
use countersign_domain::event::Decision;
use futures::join;

use crate::cards::{NEEDED, ONE, Stack, message};
use crate::given::{asked, decided, done, whole, withdraw};

const WITHDRAWN: &str = "✘ Withdrawn by the agent, or not answered in time";
const WAITING: &str = "Waiting for the agent's answer";

/// The card's record agrees with the message, and nobody owes anything.
async fn settled(stack: &Stack, headline: &str) {
    let card = stack.card().await;
    let shown = stack.chat.messages();
    let mine =
        shown.iter().find(|kept| Some((kept.place.channel.clone(), kept.place.ts.clone())) == card.posted);
    let mine = mine.expect("the card is a message");
    assert_eq!(mine.message.blocks[0]["text"]["text"], headline);
    let whole = whole(&stack.table, &id(1)).await;
    let now = countersign_app::cards::card(&whole, None).unwrap().hash();
    assert_eq!((card.shows, card.due), (Some(now), None));
}

#[tokio::test]
async fn the_slower_poster_shows_what_happened_meanwhile() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    let mut gate = stack.chat.gate();
    let second = async {
        gate.reached().await;
        done(&stack.table, &id(1), withdraw(None), &[], at(2)).await;
        assert_eq!(stack.due(at(2)).await, None, "an ended request gets no new card");
        assert_eq!(stack.shown(), [], "nobody posts a second card");
        gate.open();
    };
    let (first, ()) = join!(stack.converge(at(1)), second);
    assert_eq!(first.unwrap().unwrap().due, None);
    assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 1)]);
    settled(&stack, WITHDRAWN).await;
    assert_eq!(stack.kinds().await, ["request.withdrawn", "notification.sent"]);
}

#[tokio::test]
async fn the_slower_updater_shows_what_happened_meanwhile() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(2)).await;
    let mut gate = stack.chat.gate();
    let second = async {
        gate.reached().await;
        done(&stack.table, &id(1), withdraw(None), &[], at(3)).await;
        assert!(stack.converge(at(3)).await.unwrap().unwrap().due.is_some(), "another has the card");
        assert_eq!(stack.shown(), [message(ONE, NEEDED, 0)]);
        gate.open();
    };
    let (first, ()) = join!(stack.converge(at(2)), second);
    assert_eq!(first.unwrap().unwrap().due, None);
    assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 2)]);
    settled(&stack, WITHDRAWN).await;
}

/// The first one's claim runs out while it stands before chat; the second takes the card over and shows what is new.
/// Then the first one's call goes through and puts the old view over it.
#[tokio::test]
async fn an_update_that_comes_too_late_is_made_good() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(2)).await;
    let mut gate = stack.chat.gate();
    let second = async {
        gate.reached().await;
        done(&stack.table, &id(1), withdraw(None), &[], at(60)).await;
        assert_eq!(stack.due(at(60)).await, None);
        assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 1)]);
        gate.open();
    };
    let (first, ()) = join!(stack.converge(at(2)), second);
    assert_eq!(first.unwrap().unwrap().due, None);
    assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 3)]);
    settled(&stack, WITHDRAWN).await;
}

/// The same, but the first one's late call comes between the second one's call and its release.
#[tokio::test]
async fn a_late_update_under_the_next_claimants_hands_is_made_good() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    assert_eq!(stack.due(at(1)).await, None);
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(2)).await;
    let mut gate = stack.chat.gate();
    let second = async {
        gate.reached().await;
        done(&stack.table, &id(1), withdraw(None), &[], at(60)).await;
        let mut release = stack.table.faults.hold_next(Op::ReleaseCard);
        let rest = async {
            release.reached().await;
            assert_eq!(stack.shown(), [message(ONE, WITHDRAWN, 1)]);
            gate.open();
            // The first one goes on until it has found out and looks again.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(stack.chat.calls() > 3, "it sent the card again");
            release.release();
        };
        let (second, ()) = join!(stack.converge(at(60)), rest);
        second.unwrap();
    };
    let (first, ()) = join!(stack.converge(at(2)), second);
    first.unwrap();
    assert_eq!(stack.due(at(61)).await, None);
    settled(&stack, WITHDRAWN).await;
    assert_eq!(stack.shown().len(), 1);
}

#[tokio::test]
async fn two_posts_of_one_card_leave_one_that_is_kept_up_to_date() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    let mut gate = stack.chat.gate();
    let second = async {
        gate.reached().await;
        assert_eq!(stack.due(at(60)).await, None);
        gate.open();
    };
    let (first, ()) = join!(stack.converge(at(1)), second);
    assert_eq!(first.unwrap().unwrap().due, None);
    assert_eq!(stack.shown().len(), 2, "there is no way to take the late one back");
    assert_eq!(stack.kinds().await, ["notification.sent"]);
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(61)).await;
    assert_eq!(stack.due(at(61)).await, None);
    settled(&stack, WAITING).await;
    assert_eq!(stack.shown().len(), 2);
}

#[tokio::test]
async fn a_claim_that_was_never_released_runs_out() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    // Whoever claimed it is gone.
    let one = CardRecord::new(channel("slack:C0ONE"), 1);
    stack.table.claim_card(&id(1), &one, at(1), at(21)).await.unwrap().unwrap();
    assert_eq!(stack.due(at(20)).await, Some(at(21)));
    assert_eq!(stack.chat.calls(), 0);
    assert_eq!(stack.due(at(21)).await, None);
    settled(&stack, NEEDED).await;

    // A release that fails leaves the claim behind; the next look after it posts or updates again.
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(30)).await;
    let down = PortError::Unavailable("no answer".into());
    stack.table.faults.fail_next(Op::ReleaseCard, down.clone());
    assert_eq!(stack.converge(at(30)).await, Err(down));
    let until = stack.card().await.due.unwrap();
    assert!(until > at(31), "longer than a try takes: {until}");
    assert_eq!(stack.due(at(31)).await, Some(until));
    assert_eq!(stack.due(until).await, None);
    settled(&stack, WAITING).await;
}

#[tokio::test]
async fn what_happens_between_reading_and_claiming_is_shown() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 3)).await;
    let mut claim = stack.table.faults.hold_next(Op::ClaimCard);
    let second = async {
        claim.reached().await;
        decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(2)).await;
        assert_eq!(stack.due(at(2)).await, None, "the second one posts it");
        claim.release();
    };
    let (first, ()) = join!(stack.converge(at(1)), second);
    assert_eq!(first.unwrap().unwrap().due, None, "it lost the claim and looked again");
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0)]);
    settled(&stack, NEEDED).await;
}

#[tokio::test]
async fn who_loses_the_claim_leaves_the_card_to_the_other_and_says_when_to_look() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    let mut claim = stack.table.faults.hold_next(Op::ClaimCard);
    let other = async {
        claim.reached().await;
        stack
            .table
            .claim_card(&id(1), &CardRecord::new(channel("slack:C0ONE"), 1), at(1), at(21))
            .await
            .unwrap()
            .unwrap();
        claim.release();
    };
    let (first, ()) = join!(stack.converge(at(1)), other);
    assert_eq!(first.unwrap().unwrap().due, Some(at(21)));
    assert_eq!(
        (stack.chat.calls(), stack.kinds().await),
        (0, vec![]),
        "nothing was sent, nothing is recorded"
    );
    assert_eq!(stack.due(at(21)).await, None);
    settled(&stack, NEEDED).await;
}

#[tokio::test]
async fn a_request_that_keeps_changing_is_left_to_the_next_look() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 99)).await;
    assert_eq!(stack.due(at(1)).await, None);
    decided(&stack.table, &id(1), "p0", Decision::Approve, None, at(2)).await;
    let gates: Vec<_> = (0..4).map(|_| stack.chat.gate()).collect();
    let voters = async {
        for (n, mut gate) in (1..).zip(gates) {
            gate.reached().await;
            decided(&stack.table, &id(1), &format!("p{n}"), Decision::Approve, None, at(2 + n)).await;
            gate.open();
        }
    };
    let (first, ()) = join!(stack.converge(at(2)), voters);
    assert_eq!(stack.chat.calls(), 5, "one post, and four updates in one call");
    assert!(
        first.unwrap().unwrap().stored.version() < crate::given::state(&stack.table, &id(1)).await.version()
    );
    assert_eq!(stack.due(at(9)).await, None);
    settled(&stack, NEEDED).await;
}
