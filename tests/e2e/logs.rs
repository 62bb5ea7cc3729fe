//! What the logs hold of a life: its id, so that it can be followed, and nothing secret or free in words.

use std::time::SystemTime;

use countersign_tests::agent::id;
use countersign_tests::{Agent, Chat, Reviewer, attempt, engine, eventually, seconds, stack, unique};
use serde_json::{Value, json};

use crate::alone;

const PAGE: usize = 10_000;

/// Every message since `start` in every log group of the engine, as `group: message`.
async fn logged(start: u128) -> Vec<String> {
    let groups = engine::json("logs", "Logs_20140328.DescribeLogGroups", &json!({})).await;
    assert!(groups["nextToken"].is_null(), "more groups than are read");
    let mut lines = Vec::new();
    for group in groups["logGroups"].as_array().expect("groups") {
        let name = group["logGroupName"].as_str().expect("a name");
        let wanted = json!({"logGroupName": name, "startTime": start, "limit": PAGE});
        let found = engine::json("logs", "Logs_20140328.FilterLogEvents", &wanted).await;
        let events = found["events"].as_array().expect("events");
        assert!(events.len() < PAGE, "more in {name} than is read");
        lines.extend(
            events.iter().map(|event| format!("{name}: {}", event["message"].as_str().expect("text"))),
        );
    }
    lines
}

/// The lines of a function that are about the request, parsed.
fn about(lines: &[String], function: &str, id: &str) -> Vec<Value> {
    let group = format!("/countersign/{}/{}: ", stack().stack_name, function.to_lowercase());
    let of = lines.iter().filter_map(|line| line.strip_prefix(&group));
    let parsed = of.filter_map(|line| serde_json::from_str(line).ok());
    parsed.filter(|line: &Value| line["request.id"] == id).collect()
}

#[tokio::test]
async fn a_life_leaves_its_id_and_nothing_secret() {
    // The engine reads its logs whole, and fails when somebody writes meanwhile.
    let _stack = alone().await;
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let (agent, alice) = (Agent::ordinary().await, Reviewer::new("alice").await);
    let [argument, target, why, comment, chat, detail] =
        std::array::from_fn(|_| format!("marked-{}", unique()));
    let ask = json!({
        "arguments": {"list": format!("{argument} ").repeat(200)}, "target": target, "justification": why,
    });
    let request = agent.ask("test.quorum2", ask).await.expect(202);
    let pressed = Chat::new("U0BOB").press_and_say(&request, "C0APPROVALS", "approve", &chat).await;
    assert_eq!(pressed["status"], 200, "{pressed}");
    alice.decide(&request, "approve", Some(&comment)).await.expect(200);
    let token = engine::json(
        "dynamodb",
        "DynamoDB_20120810.GetItem",
        &json!({"TableName": stack().output("TokensTableName"), "Key": {"id": {"S": id(&request)}}}),
    )
    .await;
    let (wrong, right) = (attempt(), attempt());
    agent
        .consume_as(&json!({"id": request["id"], "digest": format!("sha256:{}", "0".repeat(64))}), &wrong)
        .await
        .problem(409, "digest_mismatch");
    let consumed = agent.consume_as(&request, &right).await.expect(200);
    let path = format!("/v1/requests/{}/outcome", id(&request));
    agent.post(&path, &json!({"outcome": "succeeded", "detail": detail})).await.expect(200);
    engine::workflow_ends(id(&request)).await;

    let found = async || {
        let lines = logged(start).await;
        let count = |function: &str| about(&lines, function, id(&request)).len();
        // Asked, refused and consumed; two people.
        (count("Intake") >= 3 && count("Callback") >= 2 && count("Notifier") >= 1).then_some(lines)
    };
    let lines = eventually("the life is in the logs", seconds(15), found).await;

    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
    let session = agent.credentials.session_token().expect("of a session").to_owned();
    for (what, secret) in [
        ("the bot token", stack().slack_bot_token.clone()),
        ("the signing secret", stack().slack_signing_secret.clone()),
        ("a press's signature", text(&pressed["raw"]["signature"])),
        ("a reviewer's token", alice.token.clone()),
        ("the agent's session", session),
        ("the nonce", text(&consumed["nonce"])),
        ("a refused attempt", wrong),
        ("the attempt", right),
        ("the task token", text(&token["Item"]["token"]["S"])),
        ("the argument", argument),
        ("the target", target),
        ("the justification", why),
        ("a comment by API", comment),
        ("a comment in chat", chat),
        ("the detail", detail),
    ] {
        assert!(secret.len() >= 16, "{what} is too short to be looked for: {secret}");
        let told: Vec<_> = lines.iter().filter(|line| line.contains(&secret)).collect();
        assert!(told.is_empty(), "{what} is in the logs: {told:?}");
    }
}
