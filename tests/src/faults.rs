//! Faults between the functions and what they call: rules of the loopback proxies.

use serde_json::{Value, json};

use crate::http::Call;
use crate::stack;

/// A rule that disturbs calls until it is lifted.
#[derive(Debug)]
pub struct Fault {
    control: &'static str,
    id: u64,
}

impl Fault {
    /// Disturbs calls of functions to the engine. `matching` as the proxy's rules take it, e.g.
    /// `{"target": "TransactWriteItems", "body": "req_…"}`.
    pub async fn engine(matching: Value, action: Value, times: Option<u32>) -> Self {
        Self::set(&stack().proxy_control_url, matching, action, times).await
    }

    /// Disturbs calls of functions to the chat platform.
    pub async fn chat(matching: Value, action: Value, times: Option<u32>) -> Self {
        Self::set(&stack().slack_proxy_control_url, matching, action, times).await
    }

    async fn set(control: &'static str, matching: Value, action: Value, times: Option<u32>) -> Self {
        let mut rule = json!({"match": matching, "action": action});
        if let Some(times) = times {
            rule["times"] = times.into();
        }
        let answer = Call::post(format!("{control}/rules"), &rule).send().await.expect(201);
        Self { control, id: answer["id"].as_u64().expect("an id") }
    }

    /// How many calls it has disturbed so far.
    pub async fn hits(&self) -> u64 {
        let rules = Call::get(format!("{}/rules", self.control)).send().await.expect(200);
        let list = rules.as_array().or_else(|| rules["rules"].as_array()).cloned().unwrap_or_default();
        let rule = list.iter().find(|rule| rule["id"] == self.id);
        rule.and_then(|rule| rule["hits"].as_u64()).unwrap_or(0)
    }

    /// Ends it, and gives how many calls it disturbed.
    pub async fn lift(self) -> u64 {
        let hits = self.hits().await;
        let call = Call {
            method: reqwest::Method::DELETE,
            ..Call::get(format!("{}/rules/{}", self.control, self.id))
        };
        call.send().await;
        hits
    }
}
