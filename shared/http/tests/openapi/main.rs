//! The two OpenAPI documents and the code say the same: routes, fields, limits, codes and statuses.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail loudly, too")]

mod codes;
mod conformance;
mod examples;
mod fields;
mod limits;
mod parameters;
mod routes;
mod values;

use countersign_http::HttpRequest;
use countersign_http::openapi::conformance::Document;
use serde_json::{Value, json};

/// Both documents, by name.
fn documents() -> [(&'static str, Document); 2] {
    [("agents", Document::agents()), ("reviewers", Document::reviewers())]
}

/// A call with this body.
fn posted(body: &[u8]) -> HttpRequest {
    let mut request = call("POST", "/", "", &[("content-type", "application/json")]).unwrap();
    request.body = body.to_vec();
    request
}

/// A call, if its URL can be read.
fn call(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> Option<HttpRequest> {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    HttpRequest::from_event(&json!({
        "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {"http": {"method": method}},
    }))
    .ok()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}
