//! What all share is away: nothing is approved or released, it is seen, and it heals.

use countersign_tests::chat::card;
use countersign_tests::http::Call;
use countersign_tests::{Agent, Chat, Reviewer, stack};
use serde_json::{Value, json};

use crate::alone;

/// Puts a file of the policy back when the test ends, however it ends.
pub struct Gone {
    there: std::path::PathBuf,
    away: std::path::PathBuf,
}

impl Gone {
    pub fn take(name: &str) -> Self {
        let there = stack().policy_dir.join(name);
        let away = stack().policy_dir.with_extension(name);
        std::fs::rename(&there, &away).expect("the policy is there");
        Self { there, away }
    }

    /// Another file stands in meanwhile.
    pub fn changed(name: &str, from: &str, to: &str) -> Self {
        let gone = Self::take(name);
        let text = std::fs::read_to_string(&gone.away).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&gone.there, text.replace(from, to)).unwrap();
        gone
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        std::fs::rename(&self.away, &self.there).expect("the policy comes back");
    }
}

#[tokio::test]
async fn without_a_policy_every_ask_is_denied_and_nobody_decides() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let shown = card(&request, "C0DATA").await;
    let health = async || Call::get(format!("{}/healthz", stack().agents_api)).send().await;
    let gone = Gone::take("people.toml");
    health().await.problem(503, "unavailable");
    let denied = agent.ask("s3.sync", Value::Null).await.expect(201);
    assert_eq!((denied["status"].as_str(), denied["code"].as_str()), (Some("denied"), Some("policy_denied")));
    assert_eq!(agent.ask("test.allow", Value::Null).await.expect(201)["status"], "denied");
    Reviewer::new("alice").await.approve(&request).await.problem(503, "unavailable");
    let pressed = Chat::new("U0ALICE").press_on(&shown, "approve", json!({})).await;
    assert_eq!(pressed["status"], 503, "{pressed}");
    assert_eq!(agent.read(&request).await["status"], "pending");

    drop(gone);
    assert_eq!(health().await.status, 200);
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    assert_eq!(agent.ask("test.allow", Value::Null).await.expect(201)["status"], "approved");
}

#[tokio::test]
async fn a_policy_that_is_not_whole_denies_too() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let file = stack().policy_dir.join("agents.toml");
    let gone = Gone::take("agents.toml");
    std::fs::write(&file, "[[agent]]\npattern = 7\n").unwrap();
    let denied = agent.ask("test.allow", Value::Null).await.expect(201);
    assert_eq!(denied["status"], "denied");
    std::fs::remove_file(&file).unwrap();
    drop(gone);
    assert_eq!(agent.ask("test.allow", Value::Null).await.expect(201)["status"], "approved");
}
