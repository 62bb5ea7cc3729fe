//! A person asks for more; the agent answers, with the same or with new arguments.

use countersign_tests::agent::id;
use countersign_tests::chat::shows;
use countersign_tests::{Agent, Chat, Reviewer};
use serde_json::json;

use crate::outage::Gone;
use crate::{alone, shared};

#[tokio::test]
async fn an_answer_with_the_same_arguments_keeps_digest_and_votes() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    Reviewer::new("bob").await.approve(&request).await.expect(200);
    Chat::new("U0ALICE").press_and_say(&request, "C0APPROVALS", "request_info", "which users?").await;
    let asked = agent.wait(&request, 10).await;
    assert_eq!(
        (asked["status"].as_str(), asked["question"]["text"].as_str()),
        (Some("needs_info"), Some("which users?"))
    );
    Reviewer::new("alice").await.approve(&request).await.problem(409, "not_actionable");

    let path = format!("/v1/requests/{}/responses", id(&request));
    let answered = agent.post(&path, &json!({"answer": "the paying ones"})).await.expect(200);
    assert_eq!((answered["status"].as_str(), &answered["digest"]), (Some("pending"), &request["digest"]));
    shows(&request, "C0APPROVALS", "the paying ones").await;
    agent.post(&path, &json!({"answer": "again"})).await.problem(409, "not_actionable");
    let done = Reviewer::new("alice").await.approve(&request).await.expect(200);
    assert_eq!(
        (done["status"].as_str(), done["votes"].as_array().map(Vec::len)),
        (Some("approved"), Some(2))
    );
}

#[tokio::test]
async fn new_arguments_are_a_new_ask_under_the_same_id() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    Reviewer::new("bob").await.approve(&request).await.expect(200);
    Reviewer::new("alice").await.decide(&request, "request_info", Some("less, please")).await.expect(200);
    let path = format!("/v1/requests/{}/responses", id(&request));
    let revised =
        agent.post(&path, &json!({"answer": "less", "arguments": {"prefix": "users/a"}})).await.expect(200);
    assert_eq!((revised["id"].clone(), revised["revision"].as_u64()), (request["id"].clone(), Some(2)));
    assert_ne!(revised["digest"], request["digest"]);
    assert_eq!(revised["gates"][0]["approvals"], 0, "votes start anew");

    Reviewer::new("carol").await.approve(&request).await.problem(409, "digest_mismatch");
    let old_card = json!({"digest": request["digest"], "id": request["id"]});
    Reviewer::new("bob").await.approve(&old_card).await.problem(409, "digest_mismatch");
    Reviewer::new("bob").await.approve(&revised).await.expect(200);
    assert_eq!(Reviewer::new("carol").await.approve(&revised).await.expect(200)["status"], "approved");
    agent.consume(&request).await.problem(409, "digest_mismatch");
    let consumed = agent.consume(&revised).await.expect(200);
    assert_eq!(consumed["approved"]["arguments"], json!({"prefix": "users/a"}));
}

#[tokio::test]
async fn new_arguments_that_policy_allows_by_then_close_the_card() {
    let _stack = alone().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("test.quorum2").await;
    shows(&request, "C0APPROVALS", "Approval needed").await;
    Reviewer::new("bob").await.approve(&request).await.expect(200);
    Reviewer::new("alice").await.decide(&request, "request_info", Some("less, please")).await.expect(200);
    let review = "action = \"test.quorum2\"\noutcome = \"review\"\nprofiles = [\"quorum2\"]";
    let changed = Gone::changed("profiles.toml", review, "action = \"test.quorum2\"\noutcome = \"allow\"");
    let path = format!("/v1/requests/{}/responses", id(&request));
    let revised =
        agent.post(&path, &json!({"answer": "less", "arguments": {"prefix": "a"}})).await.expect(200);
    drop(changed);
    assert_eq!((revised["status"].as_str(), revised["outcome"].as_str()), (Some("approved"), Some("allow")));
    assert_eq!((&revised["gates"], revised.get("decision")), (&json!([]), None));
    shows(&request, "C0APPROVALS", "Approved by policy").await;
    assert_eq!(agent.consume(&revised).await.expect(200)["status"], "consumed");
    shows(&request, "C0APPROVALS", "Approved and running").await;
}

#[tokio::test]
async fn what_was_opened_before_an_answer_is_not_taken_after_it() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let bob = Chat::new("U0BOB");
    assert_eq!(bob.press(&request, "C0DATA", "reject").await["status"], 200);
    let view = bob.view(&request).await.expect("a view opens");
    let before = countersign_tests::chat::card(&request, "C0DATA").await;

    Reviewer::new("alice").await.decide(&request, "request_info", Some("why?")).await.expect(200);
    let path = format!("/v1/requests/{}/responses", id(&request));
    let answered = agent.post(&path, &json!({"answer": "for the audit"})).await.expect(200);
    assert_eq!(answered["digest"], request["digest"]);
    shows(&request, "C0DATA", "for the audit").await;

    let submitted = bob.submit(&view, "no need").await;
    assert!(submitted.to_string().contains("answered since"), "{submitted}");
    assert_eq!(bob.press_on_old(&before, "approve").await["status"], 200);
    assert!(bob.told(&before).await.iter().any(|t| t.contains("answered since")));
    assert_eq!(agent.read(&request).await["status"], "pending");
    bob.press(&request, "C0DATA", "approve").await;
    assert_eq!(agent.wait(&request, 10).await["status"], "approved");
}

#[tokio::test]
async fn a_press_on_a_card_of_the_revision_before_is_not_taken() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    let before = countersign_tests::chat::card(&request, "C0DATA").await;
    Reviewer::new("alice").await.decide(&request, "request_info", Some("why?")).await.expect(200);
    let path = format!("/v1/requests/{}/responses", id(&request));
    agent.post(&path, &json!({"answer": "so", "arguments": {"prefix": "b"}})).await.expect(200);
    shows(&request, "C0DATA", "revision 2").await;
    let bob = Chat::new("U0BOB");
    let pressed = bob.press_on_old(&before, "approve").await;
    assert_eq!(pressed["status"], 200);
    assert_eq!(agent.read(&request).await["status"], "pending");
    assert!(bob.told(&before).await.iter().any(|t| t.contains("digest")), "the person is told");
}
