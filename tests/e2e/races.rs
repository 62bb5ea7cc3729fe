//! Two at once: exactly one outcome, and one history that tells it.

use countersign_domain::AgentId;
use countersign_tests::agent::id;
use countersign_tests::chat::card;
use countersign_tests::{Agent, Chat, Reviewer, engine, eventually, history, seconds};
use serde_json::{Value, json};

use crate::shared;

/// The status in the end, after the history was checked event by event.
async fn told(request: &Value) -> String {
    history::folded(id(request)).await.status.to_string()
}

#[tokio::test]
async fn of_an_approval_and_a_reject_at_once_one_decides() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (alice, bob) = (Reviewer::new("alice").await, Reviewer::new("bob").await);
    for round in 0..20 {
        let request = agent.asks("s3.sync").await;
        // Who is sent first takes turns.
        let (yes, no) = if round % 2 == 0 {
            tokio::join!(alice.approve(&request), bob.decide(&request, "reject", Some("no")))
        } else {
            let (no, yes) = tokio::join!(bob.decide(&request, "reject", Some("no")), alice.approve(&request));
            (yes, no)
        };
        let status = told(&request).await;
        match status.as_str() {
            "approved" => (yes.expect(200), no.problem(409, "already_decided")),
            "rejected" => (no.expect(200), yes.problem(409, "already_decided")),
            other => panic!("{other}"),
        };
        let decisions = history::kinds(id(&request)).await;
        let decided = decisions.iter().filter(|k| *k == "decision.approved" || *k == "decision.rejected");
        assert_eq!(decided.count(), 1, "{decisions:?}");
        assert_eq!(agent.read(&request).await["status"], status.as_str());
    }
}

#[tokio::test]
async fn two_approvals_at_once_both_count() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (alice, bob) = (Reviewer::new("alice").await, Reviewer::new("bob").await);
    for _ in 0..6 {
        let request = agent.asks("test.quorum2").await;
        let (one, two) = tokio::join!(alice.approve(&request), bob.approve(&request));
        let statuses = [one.expect(200)["status"].clone(), two.expect(200)["status"].clone()];
        assert!(statuses.contains(&json!("approved")), "{statuses:?}");
        assert_eq!(told(&request).await, "approved");
        assert_eq!(history::count(id(&request), "vote.cast").await, 2);
        assert_eq!(history::count(id(&request), "decision.approved").await, 1);
    }
}

#[tokio::test]
async fn one_person_at_once_in_chat_and_by_api_has_one_vote() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (alice, chat) = (Reviewer::new("alice").await, Chat::new("U0ALICE"));
    for _ in 0..3 {
        let request = agent.asks("test.quorum2").await;
        let shown = card(&request, "C0APPROVALS").await;
        let (api, pressed) =
            tokio::join!(alice.approve(&request), chat.press_on(&shown, "approve", json!({})));
        assert_eq!(pressed["status"], 200);
        assert!(api.status == 200 || api.body["code"] == "already_decided", "{}", api.body);
        assert_eq!(told(&request).await, "pending");
        assert_eq!(history::count(id(&request), "vote.cast").await, 1);
    }
}

#[tokio::test]
async fn of_an_approval_and_a_withdrawal_at_once_the_withdrawal_stands() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let alice = Reviewer::new("alice").await;
    for _ in 0..6 {
        let request = agent.asks("s3.sync").await;
        let path = format!("/v1/requests/{}/withdraw", id(&request));
        let (yes, back) = tokio::join!(alice.approve(&request), agent.post(&path, &Value::Null));
        back.expect(200);
        assert!(yes.status == 200 || yes.body["code"] == "already_decided", "{}", yes.body);
        assert_eq!(told(&request).await, "withdrawn");
        agent.consume(&request).await.problem(409, "not_actionable");
    }
}

#[tokio::test]
async fn of_a_consume_and_a_revocation_at_once_one_wins() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let alice = Reviewer::new("alice").await;
    for _ in 0..6 {
        let request = agent.asks("s3.sync").await;
        alice.approve(&request).await.expect(200);
        let path = format!("/v1/review/requests/{}/revoke", id(&request));
        let nothing = json!({});
        let (run, back) = tokio::join!(agent.consume(&request), alice.post(&path, &nothing));
        match told(&request).await.as_str() {
            "consumed" => (run.expect(200), back.problem(409, "not_actionable")),
            "revoked" => (back.expect(200), run.problem(409, "not_actionable")),
            other => panic!("{other}"),
        };
    }
}

#[tokio::test]
async fn of_a_consume_and_a_freeze_at_once_one_wins() {
    let _stack = shared().await;
    let grace = Reviewer::new("grace").await;
    for _ in 0..4 {
        let agent = Agent::ordinary().await;
        let request = agent.asks("s3.sync").await;
        Reviewer::new("alice").await.approve(&request).await.expect(200);
        let agent_id = AgentId::of("role", "000000000000", &agent.role);
        let path = format!("/v1/review/agents/{agent_id}/freeze");
        let nothing = json!({});
        let (run, frozen) = tokio::join!(agent.consume(&request), grace.post(&path, &nothing));
        assert_eq!(frozen.expect(200)["frozen"], true);
        if run.status == 200 {
            assert_eq!(told(&request).await, "consumed", "what runs is not taken back");
        } else {
            assert!(
                ["agent_frozen", "not_actionable"].contains(&run.body["code"].as_str().unwrap()),
                "{}",
                run.body
            );
            let revoked = async || (told(&request).await == "revoked").then_some(());
            eventually("what a frozen agent asked is revoked", seconds(20), revoked).await;
        }
        assert_eq!(agent.consume(&request).await.status / 100, 4, "in no case a second time");
    }
}

#[tokio::test]
async fn an_answer_and_a_withdrawal_and_two_questions_at_once_leave_one_legal_history() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let (alice, bob) = (Reviewer::new("alice").await, Reviewer::new("bob").await);
    for _ in 0..4 {
        let request = agent.asks("test.quorum2").await;
        let (one, two) = tokio::join!(
            alice.decide(&request, "request_info", Some("which?")),
            bob.decide(&request, "request_info", Some("why?")),
        );
        assert_eq!(
            [one.status, two.status].iter().filter(|s| **s == 200).count(),
            1,
            "{} {}",
            one.body,
            two.body
        );
        let path = |verb: &str| format!("/v1/requests/{}/{verb}", id(&request));
        let (answer, new) =
            (json!({"answer": "so"}), json!({"answer": "less", "arguments": {"prefix": "a"}}));
        let (responses, withdraw) = (path("responses"), path("withdraw"));
        let (same, other, back) = tokio::join!(
            agent.post(&responses, &answer),
            agent.post(&responses, &new),
            agent.post(&withdraw, &Value::Null),
        );
        back.expect(200);
        assert!(
            [same.status, other.status].iter().filter(|s| **s == 200).count() <= 1,
            "one question, one answer"
        );
        assert_eq!(told(&request).await, "withdrawn");
        assert_eq!(history::count(id(&request), "info.requested").await, 1);
    }
}

#[tokio::test]
async fn asks_of_many_agents_at_once_each_have_their_own_row() {
    let _stack = shared().await;
    let agents = futures::future::join_all((0..6).map(|_| Agent::ordinary())).await;
    let asked = futures::future::join_all(agents.iter().map(|agent| agent.asks("s3.sync"))).await;
    for request in &asked {
        let first: Value = serde_json::from_slice(&engine::leaves(id(request)).await[0]).unwrap();
        assert_eq!((first["rno"].as_u64(), first["seq"].as_u64()), (Some(1), Some(1)));
    }
}
