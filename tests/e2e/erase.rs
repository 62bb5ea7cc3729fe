//! An admin has the arguments and words of a request removed; what happened stays, and stays provable.

use countersign_tests::agent::id;
use countersign_tests::chat::{card, shows};
use countersign_tests::{Agent, Reviewer, engine, eventually, seconds};
use serde_json::{Value, json};

use crate::shared;

const SECRET: &str = "the-file-of-one-person";

#[tokio::test]
async fn arguments_and_words_are_erased_and_every_leaf_stays() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let more = json!({"arguments": {"file": SECRET}, "justification": SECRET});
    let request = agent.ask("s3.sync", more).await.expect(202);
    let (path, grace) = (format!("/v1/review/requests/{}/erase", id(&request)), Reviewer::new("grace").await);
    card(&request, "C0DATA").await;
    grace.post(&path, &json!({})).await.problem(409, "not_actionable");
    let alice = Reviewer::new("alice").await;
    alice.decide(&request, "reject", Some(SECRET)).await.expect(200);
    shows(&request, "C0DATA", SECRET).await;
    Reviewer::new("bob").await.post(&path, &json!({})).await.problem(403, "not_eligible");

    let before = engine::leaves(id(&request)).await;
    let erased = grace.post(&path, &json!({"reason": "The person asked for it."})).await.expect(200);
    assert_eq!((&erased["erased"], &erased["status"]), (&json!(true), &json!("rejected")));
    assert_eq!(grace.post(&path, &json!({})).await.expect(200)["version"], erased["version"], "once");
    for seen in [grace.read(&request).await, agent.read(&request).await] {
        assert_eq!(
            (&seen["erased"], &seen["arguments"], &seen["target"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        assert!(!seen.to_string().contains(SECRET), "{seen}");
    }
    let items = engine::partition(&format!("REQ#{}", id(&request))).await;
    assert!(!json!(items).to_string().contains(SECRET), "the table holds it still");
    let shown = shows(&request, "C0DATA", "Erased:").await;
    assert!(!shown["blocks"].to_string().contains(SECRET), "{shown}");

    let look = async || {
        let (leaves, archived) = (engine::leaves(id(&request)).await, engine::archived(id(&request)).await);
        assert_eq!(leaves[..before.len()], before, "no leaf changed");
        let kinds = engine::kinds(id(&request)).await;
        (kinds.contains(&"data.erased".to_owned()) && leaves == archived).then_some(())
    };
    eventually("the log holds every leaf and the erasure", seconds(30), look).await;
}
