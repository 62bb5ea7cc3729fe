//! Slack's secret, rotated or broken while the function runs: what Slack signs anew is taken, and the API goes on.

use std::time::Duration;

use countersign_app::memory::{MemoryRecorder, MemorySecret, tokio_now};
use countersign_app::slack::LazySlack;
use countersign_chat::slack::MemoryChat;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::handler::handle;
use crate::handler::tests::{Memory, Policy, app, event};

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

struct Stack {
    app: Memory<MemoryChat>,
    secret: MemorySecret,
    _policy: Policy,
}

impl Stack {
    fn new(test: &str, secret: MemorySecret) -> Self {
        let policy = Policy::new(&format!("secret-{test}"));
        let mut app = app(&policy);
        app.slack = LazySlack::new(Some(secret.read()), |_| Ok(MemoryChat::new()), tokio_now);
        let verifier = countersign_http::Verifier::new(
            "https://idp.example",
            "x",
            countersign_http::TokenKind::Reviewer,
        );
        app.verifier = Some(verifier.unwrap());
        Self { app, secret, _policy: policy }
    }

    /// The status of the answer to Slack's handshake, signed with `signing`.
    async fn signed(&self, signing: &str) -> Value {
        let body = json!({"type": "url_verification", "challenge": "abc"});
        let timestamp = (countersign_app::clock::now().millis() / 1000).to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(signing.as_bytes()).unwrap();
        mac.update(format!("v0:{timestamp}:{body}").as_bytes());
        let signature = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
        let mut event = event("POST", "/slack/events", &body);
        event["headers"]["x-slack-request-timestamp"] = timestamp.into();
        event["headers"]["x-slack-signature"] = format!("v0={signature}").into();
        handle(&self.app, &MemoryRecorder::default(), event).await["statusCode"].clone()
    }

    async fn get(&self, path: &str) -> Value {
        handle(&self.app, &MemoryRecorder::default(), event("GET", path, &Value::Null)).await["statusCode"]
            .clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_signing_secret_is_taken_up_and_the_old_one_let_go_without_a_restart() {
    let stack = Stack::new("rotated", MemorySecret::new("xoxb-1", OLD));
    assert_eq!((stack.signed(OLD).await, stack.signed(NEW).await), (json!(200), json!(401)));
    stack.secret.set("xoxb-1", NEW);
    advance(Duration::from_secs(30)).await;
    assert_eq!((stack.signed(NEW).await, stack.signed(OLD).await), (json!(200), json!(401)));

    // Nobody signs with the old one but its thief: it ends all the same.
    let stack = Stack::new("stolen", MemorySecret::new("xoxb-1", OLD));
    assert_eq!(stack.signed(OLD).await, 200);
    stack.secret.set("xoxb-1", NEW);
    advance(Duration::from_secs(300)).await;
    assert_eq!(stack.signed(OLD).await, 401);
}

#[tokio::test(start_paused = true)]
async fn strangers_do_not_have_the_secret_read_often() {
    let stack = Stack::new("strangers", MemorySecret::new("xoxb-1", OLD));
    for _ in 0..100 {
        assert_eq!(stack.signed(NEW).await, 401);
    }
    assert_eq!(stack.secret.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_broken_secret_stops_slacks_paths_alone() {
    for (test, secret) in [("away", MemorySecret::default()), ("weak", MemorySecret::new("xoxb-1", "weak"))] {
        let stack = Stack::new(test, secret);
        assert_eq!(stack.signed(OLD).await, 503, "{test}");
        assert_eq!(stack.get("/healthz").await, 200, "{test}");
        assert_eq!(stack.get("/v1/review/requests").await, 401, "{test}: the caller is asked for a token");
        stack.secret.set("xoxb-1", OLD);
        advance(Duration::from_secs(5)).await;
        assert_eq!(stack.signed(OLD).await, 200, "{test}: mended");
    }
}

#[tokio::test(start_paused = true)]
async fn slack_is_not_kept_waiting_for_the_secret() {
    let stack = Stack::new("hangs", MemorySecret::new("xoxb-1", OLD));
    stack.secret.hang(true);
    let begun = Instant::now();
    assert_eq!(stack.signed(OLD).await, 503);
    assert!(begun.elapsed() <= Duration::from_millis(1_510), "{:?}", begun.elapsed());
}
