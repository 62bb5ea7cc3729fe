//! Slack's secret over time: rotated, broken, without an answer; and how often it is read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_app::memory::{MemorySecret, tokio_now};
use countersign_app::ports::PortError;
use countersign_app::slack::{LazySlack, NoSecret};
use countersign_chat::slack::{Chat, ChatError, MemoryChat};
use serde_json::json;
use tokio::time::{Instant, advance};

const SIGNING: &str = "0123456789abcdef";
const MINUTE: Duration = Duration::from_secs(60);

/// Each client that is made is the next of `chats`.
fn slack(secret: &MemorySecret, chats: Vec<MemoryChat>) -> LazySlack<MemoryChat> {
    let chats = Mutex::new(chats.into_iter());
    let make = move |_: &_| Ok(chats.lock().unwrap().next().unwrap_or_default());
    LazySlack::new(Some(secret.read()), make, tokio_now)
}

fn lazy(secret: &MemorySecret) -> LazySlack<MemoryChat> {
    slack(secret, Vec::new())
}

fn refused(code: &str) -> ChatError {
    ChatError::Refused { code: code.to_owned(), needed: None }
}

/// A workspace where every call ends so.
fn refusing(error: ChatError) -> MemoryChat {
    let chat = MemoryChat::new();
    chat.set_down(Some(error));
    chat
}

fn alice() -> MemoryChat {
    let chat = MemoryChat::new();
    chat.add_user("U0ALICE", json!({"id": "U0ALICE"}));
    chat
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_read_anew_every_five_minutes_and_the_client_lives_on_while_it_is_the_same() {
    let secret = MemorySecret::new("xoxb-1", SIGNING);
    let slack = lazy(&secret);
    let first = slack.get().await.unwrap().unwrap();
    advance(5 * MINUTE - Duration::from_millis(1)).await;
    assert!(Arc::ptr_eq(&first, &slack.get().await.unwrap().unwrap()));
    assert_eq!(secret.reads(), 1);
    advance(Duration::from_millis(1)).await;
    assert!(Arc::ptr_eq(&first, &slack.get().await.unwrap().unwrap()), "the same secret");
    assert_eq!(secret.reads(), 2);

    secret.set("xoxb-2", SIGNING);
    advance(5 * MINUTE).await;
    assert!(!Arc::ptr_eq(&first, &slack.get().await.unwrap().unwrap()), "another secret");
    assert_eq!(secret.reads(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_used_for_an_hour_and_tried_every_five_seconds() {
    async fn check(name: &str, damage: impl Fn(&MemorySecret)) {
        let secret = MemorySecret::new("xoxb-1", SIGNING);
        let slack = lazy(&secret);
        slack.get().await.unwrap();
        damage(&secret);
        for minutes in [5, 30, 24] {
            advance(minutes * MINUTE).await;
            assert!(slack.get().await.unwrap().is_some(), "{name}");
        }
        let reads = secret.reads();
        for _ in 0..50 {
            advance(Duration::from_secs(1)).await;
            slack.get().await.unwrap();
        }
        assert_eq!(secret.reads() - reads, 10, "{name}");
        advance(Duration::from_secs(10)).await;
        assert_eq!(slack.get().await.unwrap_err(), NoSecret, "{name}: an hour is over");

        secret.hang(false);
        secret.set("xoxb-1", SIGNING);
        assert_eq!(slack.get().await.unwrap_err(), NoSecret, "{name}: not at once");
        advance(Duration::from_secs(5)).await;
        assert!(slack.get().await.unwrap().is_some(), "{name}");
    }
    check("away", MemorySecret::take_away).await;
    check("weak", |secret| secret.set("xoxb-1", "short")).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_secret_that_is_there() {
    let secret = MemorySecret::new("xoxb-1", SIGNING);
    let slack = lazy(&secret);
    let first = slack.get().await.unwrap().unwrap();
    secret.hang(true);
    advance(6 * MINUTE).await;
    let begun = Instant::now();
    assert!(slack.get().await.unwrap().is_some());
    advance(MINUTE).await;
    assert!(slack.renew(&first).await.is_none());
    assert!(begun.elapsed() - MINUTE <= Duration::from_millis(1_010), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_for_a_read_that_fails_wait_for_one() {
    let read: countersign_app::slack::Read = Box::new(|| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            Err(PortError::Unavailable("no answer".into()))
        })
    });
    let slack = LazySlack::new(Some(read), |_| Ok(MemoryChat::new()), tokio_now);
    let begun = Instant::now();
    let (first, second) = futures::join!(slack.get(), slack.get());
    assert_eq!((first.unwrap_err(), second.unwrap_err()), (NoSecret, NoSecret));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_is_read_anew_every_half_minute_at_most() {
    let secret = MemorySecret::new("xoxb-1", SIGNING);
    let slack = lazy(&secret);
    let first = slack.get().await.unwrap().unwrap();
    for _ in 0..60 {
        assert!(slack.renew(&first).await.is_none(), "the same secret");
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(secret.reads(), 1 + 2);
    secret.set("xoxb-1", "fedcba9876543210");
    let second = slack.renew(&first).await.expect("another secret");
    assert_eq!(secret.reads(), 4);
    assert!(Arc::ptr_eq(&second, &slack.renew(&first).await.unwrap()), "whoever comes late reads nothing");
    assert!(slack.renew(&second).await.is_none());
    assert_eq!(secret.reads(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_taken_up_by_the_call_that_was_refused() {
    for code in ["invalid_auth", "token_revoked", "account_inactive"] {
        let secret = MemorySecret::new("xoxb-1", SIGNING);
        let slack = slack(&secret, vec![refusing(refused(code)), alice()]);
        assert_eq!(slack.users_info("U0ALICE").await, Err(refused(code)), "nothing else is there");
        secret.set("xoxb-2", SIGNING);
        assert_eq!(slack.users_info("U0ALICE").await, Err(refused(code)), "read just now");
        advance(Duration::from_secs(30)).await;
        assert!(slack.users_info("U0ALICE").await.is_ok(), "{code}");
        assert_eq!(secret.reads(), 3);
    }
    let secret = MemorySecret::new("xoxb-1", SIGNING);
    let missing = slack(&secret, vec![refusing(refused("missing_scope")), alice()]);
    secret.set("xoxb-2", SIGNING);
    assert_eq!(missing.users_info("U0ALICE").await, Err(refused("missing_scope")));
    assert_eq!(secret.reads(), 1, "the token is not at fault");
}

#[tokio::test(start_paused = true)]
async fn no_slack_is_another_thing_than_no_secret() {
    let none = LazySlack::<MemoryChat>::new(None, |_| Ok(MemoryChat::new()), tokio_now);
    assert!(none.get().await.unwrap().is_none());
    let error = none.users_info("U0ALICE").await.unwrap_err();
    assert_eq!((error.word(), error.is_permanent()), ("not_configured", true));

    let error = lazy(&MemorySecret::default()).users_info("U0ALICE").await.unwrap_err();
    assert_eq!((error.word(), error.is_permanent()), ("no_secret", false));
}
