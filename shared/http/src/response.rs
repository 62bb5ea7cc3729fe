//! Answers in the form that API Gateway takes from a function (payload 2.0).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// An HTTP answer: a status, headers and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl HttpResponse {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        // Answers are about one caller and one moment, and no browser is to guess what they are.
        let headers =
            vec![("cache-control", "no-store".to_owned()), ("x-content-type-options", "nosniff".to_owned())];
        Self { status, headers, body: String::new() }
    }

    /// An answer in JSON. What cannot be written as JSON becomes a problem `unavailable`.
    pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => Self::text(status, "application/json", text),
            Err(_) => Problem::unavailable("the answer could not be written").into(),
        }
    }

    /// An answer of another content type.
    pub fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self { body, ..Self::empty(status) }.with_header("content-type", content_type.to_owned())
    }

    /// The same with `ETag: "<version>"`.
    #[must_use]
    pub fn with_etag(self, version: impl Into<u64>) -> Self {
        self.with_header("etag", format!("\"{}\"", version.into()))
    }

    /// The same with `Location`.
    #[must_use]
    pub fn with_location(self, path: impl Into<String>) -> Self {
        self.with_header("location", path.into())
    }

    /// The same with `Retry-After` in seconds.
    #[must_use]
    pub fn with_retry_after(self, seconds: u32) -> Self {
        self.with_header("retry-after", seconds.to_string())
    }

    /// The same with a header; `name` is lower case. A value that is not visible ASCII is left out: it could end the
    /// header and begin another.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.retain(|(given, _)| *given != name);
        if value.bytes().all(|b| matches!(b, b' '..=b'~')) {
            self.headers.push((name, value));
        }
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// A header's value; `name` is lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// What the function returns to API Gateway.
    pub fn into_event(self) -> Value {
        let headers: Map<String, Value> =
            self.headers.into_iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
        let mut event = Map::new();
        event.insert("statusCode".into(), self.status.into());
        event.insert("headers".into(), headers.into());
        event.insert("body".into(), self.body.into());
        event.insert("isBase64Encoded".into(), false.into());
        event.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_what_api_gateway_takes() {
        let answer = HttpResponse::json(202, &json!({"id": "req_1"}))
            .with_etag(3_u32)
            .with_location("/v1/requests/req_1")
            .with_retry_after(2);
        assert_eq!(
            answer.into_event(),
            json!({
                "statusCode": 202,
                "headers": {
                    "cache-control": "no-store",
                    "x-content-type-options": "nosniff",
                    "content-type": "application/json",
                    "etag": "\"3\"",
                    "location": "/v1/requests/req_1",
                    "retry-after": "2",
                },
                "body": "{\"id\":\"req_1\"}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn a_header_cannot_begin_another() {
        let answer = HttpResponse::empty(200).with_location("/x\r\nset-cookie: a=b");
        assert_eq!(answer.header("location"), None);
        assert_eq!(HttpResponse::empty(200).with_etag(1_u32).with_etag(2_u64).header("etag"), Some("\"2\""));
    }

    #[test]
    fn what_is_no_json_is_a_problem() {
        let keys_that_are_no_strings = std::collections::BTreeMap::from([(vec![1], 2)]);
        assert_eq!(HttpResponse::json(200, &keys_that_are_no_strings).status(), 503);
    }
}
