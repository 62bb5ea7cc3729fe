//! Headers, query parameters and ids in paths are taken exactly as their schemas say.

use countersign_domain::Status;
use countersign_http::headers::{MAX_WAIT, prefer_wait};
use countersign_http::openapi::conformance::Document;
use countersign_http::query::ListQuery;
use countersign_http::{AgentRoute, IdempotencyKey, ReviewRoute};
use serde_json::Value;

use crate::values::around;
use crate::{call, documents};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Texts around a schema's limits, and whether the schema takes them.
fn texts(document: &Document, schema: &Value, example: Option<&Value>) -> Vec<(String, bool)> {
    let values = around(document, schema, example).into_iter().filter(Value::is_string);
    let judged = values.map(|value| {
        let fits = document.faults(schema, &value).is_empty();
        (value.as_str().unwrap_or_default().to_owned(), fits)
    });
    let judged: Vec<_> = judged.collect();
    assert!(judged.iter().any(|(_, fits)| *fits) && judged.iter().any(|(_, fits)| !fits));
    judged
}

fn check(document: &Document, parameter: &Value, taken: impl Fn(&str) -> bool) {
    for (text, fits) in texts(document, &parameter["schema"], parameter.get("example")) {
        assert_eq!(taken(&text), fits, "{}: {text:?}", parameter["name"]);
    }
}

fn parameter<'a>(document: &'a Document, name: &str) -> &'a Value {
    &document.root()["components"]["parameters"][name]
}

#[test]
fn ids_in_paths() {
    let document = Document::agents();
    check(&document, parameter(&document, "RequestId"), |id| {
        let request = call("GET", &format!("/v1/requests/{}", encoded(id)), "", &[]);
        request.is_some_and(|request| matches!(AgentRoute::of(&request), Ok(AgentRoute::Read(_))))
    });
    let document = Document::reviewers();
    check(&document, parameter(&document, "AgentId"), |id| {
        let request = call("POST", &format!("/v1/review/agents/{}/freeze", encoded(id)), "", &[]);
        request.is_some_and(|request| ReviewRoute::of(&request).is_ok())
    });
}

#[test]
fn query_parameters_of_a_list() {
    for (_, document) in documents() {
        let all = document.root()["components"]["parameters"].get("Status").is_some();
        let (status, listed): (_, fn(Status) -> bool) =
            if all { ("Status", |_| true) } else { ("LiveStatus", Status::is_live) };
        for name in [status, "Cursor"] {
            let parameter = parameter(&document, name);
            let query = parameter["name"].as_str().unwrap();
            check(&document, parameter, |value| {
                let request = call("GET", "/", &format!("{query}={}", encoded(value)), &[]);
                request.is_some_and(|request| ListQuery::parse(&request, listed).is_ok())
            });
        }
        // Both lists take the two, and no operation takes another.
        for (method, path, operation) in document.operations() {
            let named = operation["parameters"].as_array().into_iter().flatten();
            let named = named.map(|p| document.resolve(p)).filter(|p| p["in"] == "query");
            let named: Vec<_> = named.map(|p| p["name"].as_str().unwrap()).collect();
            let expect: &[&str] =
                if path.ends_with("/requests") && method == "GET" { &["status", "cursor"] } else { &[] };
            assert_eq!(named, expect, "{method} {path}");
        }
    }
}

#[test]
fn the_idempotency_key() {
    let document = Document::agents();
    let parameter = parameter(&document, "IdempotencyKey");
    let key = |headers: &[(&str, &str)]| IdempotencyKey::of(&call("POST", "/", "", headers).unwrap());
    check(&document, parameter, |value| key(&[("idempotency-key", value)]).is_ok());
    assert_eq!(key(&[]).is_err(), parameter["required"] == true);
    assert!(
        key(&[("idempotency-key", parameter["example"].as_str().unwrap())]).unwrap().as_attempt().is_ok()
    );
}

/// The parameters in the path are those of its template, and all are needed.
#[test]
fn every_path_tells_its_parameters() {
    for (_, document) in documents() {
        for (method, path, operation) in document.operations() {
            let told = operation["parameters"].as_array().into_iter().flatten();
            let told = told.map(|p| document.resolve(p)).filter(|p| p["in"] == "path");
            let told: Vec<_> =
                told.map(|p| (format!("{{{}}}", p["name"].as_str().unwrap()), &p["required"])).collect();
            let there = path.split('/').filter(|segment| segment.starts_with('{'));
            let there: Vec<_> = there.map(|segment| (segment.to_owned(), &Value::Bool(true))).collect();
            assert_eq!(told, there, "{method} {path}");
        }
    }
}

#[test]
fn a_wait_is_told_with_its_longest() {
    let document = Document::agents();
    let parameter = parameter(&document, "Prefer");
    let waits = |header: &str| prefer_wait(&call("GET", "/", "", &[("prefer", header)]).unwrap());
    assert_eq!(waits(parameter["example"].as_str().unwrap()), MAX_WAIT);
    assert!(parameter["description"].as_str().unwrap().contains(&format!("{} at most", MAX_WAIT.0)));
}
