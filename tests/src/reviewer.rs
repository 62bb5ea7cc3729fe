//! A person with a token of the identity provider.

use serde_json::{Value, json};

use crate::agent::id;
use crate::http::{Answer, Call};
use crate::stack;

/// A person who decides by API.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// The bearer token.
    pub token: String,
}

impl Reviewer {
    /// A person who has just signed in.
    pub async fn new(person: &str) -> Self {
        Self::with(json!({"sub": person})).await
    }

    /// A token as asked for, right or deliberately wrong.
    pub async fn with(wanted: Value) -> Self {
        let answer = Call::post(format!("{}/_standin/token", stack().oidc_url), &wanted).send().await;
        assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.bytes));
        Self { token: answer.body["token"].as_str().expect("a token").to_owned() }
    }

    /// A GET of the reviewers' API.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Call::get(format!("{}{path}", stack().review_api))).await
    }

    /// A POST of the reviewers' API.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Call::post(format!("{}{path}", stack().review_api), body)).await
    }

    async fn call(&self, call: Call) -> Answer {
        call.with("authorization", &format!("Bearer {}", self.token)).send().await
    }

    /// Decides on the request as it was given.
    pub async fn decide(&self, request: &Value, decision: &str, comment: Option<&str>) -> Answer {
        let mut body = json!({"decision": decision, "digest": request["digest"]});
        if let Some(comment) = comment {
            body["comment"] = comment.into();
        }
        self.post(&format!("/v1/review/requests/{}/decisions", id(request)), &body).await
    }

    /// Approves.
    pub async fn approve(&self, request: &Value) -> Answer {
        self.decide(request, "approve", None).await
    }

    /// All that the list shows, over all its pages; `query` as in `status=pending`, or empty.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/review/requests?{query}{cursor}")).await.expect(200);
            found.extend(page["requests"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next"].as_str() else { return found };
            cursor = format!("{}cursor={next}", if query.is_empty() { "" } else { "&" });
        }
    }

    /// Reads all of a request.
    pub async fn read(&self, request: &Value) -> Value {
        self.get(&format!("/v1/review/requests/{}", id(request))).await.expect(200)
    }
}
