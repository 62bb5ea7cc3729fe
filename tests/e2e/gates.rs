//! How many people, of which groups.

use countersign_tests::{Agent, Reviewer, engine, eventually, seconds};
use serde_json::json;

use crate::shared;

#[tokio::test]
async fn a_quorum_of_two_needs_two_people() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    let alice = Reviewer::new("alice").await;
    assert_eq!(alice.approve(&request).await.expect(200)["status"], "pending");
    alice.approve(&request).await.problem(409, "already_decided");
    assert_eq!(agent.read(&request).await["gates"][0]["approvals"], 1);
    assert_eq!(Reviewer::new("bob").await.approve(&request).await.expect(200)["status"], "approved");
}

#[tokio::test]
async fn two_gates_are_both_needed() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.twogates").await;
    assert_eq!(request["gates"].as_array().map(Vec::len), Some(2));
    Reviewer::new("alice").await.approve(&request).await.problem(403, "not_eligible");
    let one = Reviewer::new("dave").await.approve(&request).await.expect(200);
    assert_eq!((one["status"].as_str(), &one["votes"][0]["gates"]), (Some("pending"), &json!(["security"])));
    // The second security reviewer does not stand in for the data gate.
    Reviewer::new("erin").await.approve(&request).await.problem(409, "already_decided");
    assert_eq!(Reviewer::new("carol").await.approve(&request).await.expect(200)["status"], "approved");
}

#[tokio::test]
async fn who_approved_may_approve_again_for_a_gate_that_admits_them_later() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.later").await;
    let bob = Reviewer::new("bob").await;
    assert_eq!(bob.approve(&request).await.expect(200)["status"], "pending");
    bob.approve(&request).await.problem(409, "already_decided");
    let look = async || {
        engine::sweep().await;
        (agent.read(&request).await["gates"][0]["level"] == 1).then_some(())
    };
    eventually("a level that admits bob", seconds(20), look).await;
    let done = bob.approve(&request).await.expect(200);
    assert_eq!(done["status"], "approved");
    assert_eq!(done["votes"][1]["gates"], json!(["later"]));
}

#[tokio::test]
async fn a_profile_may_need_two_rejects_or_a_comment() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.rejects2").await;
    let first = Reviewer::new("alice").await.decide(&request, "reject", Some("no")).await.expect(200);
    assert_eq!(first["status"], "pending");
    let second = Reviewer::new("bob").await.decide(&request, "reject", Some("no")).await.expect(200);
    assert_eq!(second["status"], "rejected");

    let request = agent.asks("test.comment").await;
    let problem = Reviewer::new("alice").await.approve(&request).await.problem(400, "invalid_request");
    assert_eq!(problem["pointer"], "/comment");
    Reviewer::new("alice").await.decide(&request, "approve", Some("checked")).await.expect(200);
}
