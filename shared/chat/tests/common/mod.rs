//! A card to start from, and Slack's side of the wire.

#![allow(dead_code, reason = "each test binary uses its own part")]

use countersign_chat::card::{Card, CardState, GateState};
use countersign_chat::slack::signature::{SigningSecret, Verified, verify};
use countersign_domain::{AgentId, Digest, Nonce, Time};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// 2026-11-24T22:06:40Z and `seconds` more.
pub fn at(seconds: i64) -> Time {
    Time::from_millis(1_795_558_000_000 + seconds * 1000)
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A pending ask as it comes every day.
pub fn card() -> Card {
    Card {
        request: "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW".parse().unwrap(),
        digest: Digest::of(b"the action"),
        revision: 1,
        version: 3,
        state: CardState::Pending { deadline: at(3600) },
        action: "s3.sync".into(),
        target: "arn:aws:s3:::prod-users/2026/".into(),
        arguments: object(json!({
            "destination": "s3://analytics-share/users/",
            "delete": true,
            "include": ["*.parquet", "*.json"],
            "max_objects": 12000,
        })),
        agent_name: "aws:123456789012:role/data-janitor".into(),
        agent: AgentId::of("role", "123456789012", "data-janitor"),
        on_behalf_of: Some("dana".into()),
        delegation_chain: Vec::new(),
        executor: None,
        justification: Some(
            "The quarterly report needs the user tables.\nI checked the schema twice.".into(),
        ),
        answers: Vec::new(),
        gates: vec![GateState { profile: "data-export".parse().unwrap(), quorum: 2, approvals: 0, level: 0 }],
        votes: Vec::new(),
        facts: vec![
            ("Environment".into(), "production".into()),
            ("Risk".into(), "deletes at the destination, leaves the account".into()),
        ],
        require_comment: false,
        erased: false,
        log: None,
        nonce: Nonce::new([7; 16]),
    }
}

/// Signs as Slack does, verifies, and hands the body on.
pub fn signed<T>(body: &[u8], read: impl FnOnce(Verified<'_>) -> T) -> T {
    let timestamp = at(0).epoch_seconds().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&[b"v0:", timestamp.as_bytes(), b":", body].concat());
    let signature = format!("v0={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()));
    let secret = SigningSecret::new(SECRET).unwrap();
    read(verify(&secret, Some(&timestamp), Some(&signature), body, at(0)).unwrap())
}

/// A payload as the form that Slack sends.
pub fn form(payload: &Value) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("payload", &payload.to_string());
    form.finish().into_bytes()
}

/// Every string of a JSON value with its path; the members of arrays are `*`.
pub fn strings(value: &Value) -> Vec<(String, String)> {
    fn walk(value: &Value, path: &str, out: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => out.push((path.to_owned(), text.clone())),
            Value::Array(values) => values.iter().for_each(|v| walk(v, &format!("{path}/*"), out)),
            Value::Object(map) => {
                let kind =
                    map.get("type").and_then(Value::as_str).map(|k| format!("<{k}>")).unwrap_or_default();
                for (key, value) in map {
                    walk(value, &format!("{path}{kind}/{key}"), out);
                }
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}
