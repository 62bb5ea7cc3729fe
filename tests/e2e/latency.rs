//! The answer wakes the waiting agent. How fast is measured by `cargo xtask bench`; here only that it is woken.

use countersign_tests::{Agent, Reviewer};
use std::time::{Duration, Instant};

use crate::shared;

#[tokio::test]
async fn a_waiting_agent_is_woken_by_the_decision_and_not_by_the_clock() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let alice = Reviewer::new("alice").await;
    let started = Instant::now();
    let (woken, _) = tokio::join!(agent.wait(&request, 25), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        alice.approve(&request).await.expect(200)
    });
    assert_eq!(woken["status"], "approved");
    assert!(started.elapsed() < Duration::from_secs(20), "woken by the decision");
    let pending = agent.asks("s3.sync").await;
    let started = Instant::now();
    assert_eq!(agent.wait(&pending, 1).await["status"], "pending");
    assert!(started.elapsed() >= Duration::from_millis(900), "it waited");
}
