//! Each parser of a body takes exactly what the schema takes: values are made from the schema, at its limits and
//! next to them, and both are asked.

use countersign_http::openapi::conformance::Document;
use countersign_http::{
    ConsumeBody, CreateBody, DecideBody, EraseBody, ExportBody, FreezeBody, HttpRequest, OutcomeBody,
    Problem, RecoverBody, RespondBody, RevokeBody, WithdrawBody,
};
use serde_json::{Map, Value, json};

use crate::posted;
use crate::values::around;

/// Whether a parser takes a body.
pub(crate) type Taken = fn(&HttpRequest) -> Result<(), Problem>;

/// The parser of every body that an agent or a reviewer sends: method and path, and whether it takes the call.
pub(crate) const PARSERS: &[(&str, Taken)] = &[
    ("/v1/requests", |request| CreateBody::parse(request).map(drop)),
    ("/v1/explain", |request| CreateBody::parse(request).map(drop)),
    ("/v1/requests/{id}/responses", |request| RespondBody::parse(request).map(drop)),
    ("/v1/requests/{id}/withdraw", |request| WithdrawBody::parse(request).map(drop)),
    ("/v1/requests/{id}/consume", |request| ConsumeBody::parse(request).map(drop)),
    ("/v1/requests/{id}/outcome", |request| OutcomeBody::parse(request).map(drop)),
    ("/v1/review/requests/{id}/decisions", |request| DecideBody::parse(request).map(drop)),
    ("/v1/review/requests/{id}/revoke", |request| RevokeBody::parse(request).map(drop)),
    ("/v1/review/requests/{id}/erase", |request| EraseBody::parse(request).map(drop)),
    ("/v1/review/log/recover", |request| RecoverBody::parse(request).map(drop)),
    ("/v1/review/log/exports", |request| ExportBody::parse(request).map(drop)),
    ("/v1/review/agents/{agent}/freeze", |request| FreezeBody::parse(request).map(drop)),
    ("/v1/review/agents/{agent}/unfreeze", |request| FreezeBody::parse(request).map(drop)),
];

/// Every JSON body of the two APIs, but those of chat platforms: document, path, body and parser.
pub(crate) fn bodies() -> Vec<(Document, String, Value, Taken)> {
    let mut all = Vec::new();
    for document in [Document::agents(), Document::reviewers()] {
        for (_, path, operation) in document.operations() {
            if let Some(body) = operation.get("requestBody").filter(|_| !path.starts_with("/slack/")) {
                let parser = PARSERS.iter().find(|(of, _)| *of == path);
                let parser = parser.unwrap_or_else(|| panic!("which parser reads the body of {path}?")).1;
                all.push((document.clone(), path.to_owned(), body.clone(), parser));
            }
        }
    }
    assert_eq!(all.len(), PARSERS.len(), "a parser is of no path");
    all
}

/// The schema of a body.
pub(crate) fn schema_of(body: &Value) -> &Value {
    &body["content"]["application/json"]["schema"]
}

/// The objects that a schema is one of.
fn alternatives<'a>(document: &'a Document, schema: &'a Value) -> Vec<&'a Value> {
    let schema = document.resolve(schema);
    match schema["oneOf"].as_array() {
        Some(alternatives) => alternatives.iter().map(|one| document.resolve(one)).collect(),
        None => vec![schema],
    }
}

/// One rule is the decider's and not the parser's, because it comes after who may decide at all: a reject says why.
fn is_left_to_the_decider(path: &str, body: &Value) -> bool {
    path.ends_with("/decisions") && body["decision"] == "reject" && body["comment"].is_null()
}

/// Whether the schema takes the body. The parser must say the same.
fn taken(document: &Document, path: &str, schema: &Value, body: &Value, parse: Taken) -> bool {
    let faults = document.faults(schema, body);
    let parsed = parse(&posted(body.to_string().as_bytes()));
    let shown: String = body.to_string().chars().take(300).collect();
    if is_left_to_the_decider(path, body) {
        assert!(parsed.is_ok() && !faults.is_empty(), "{path} {shown}");
    } else {
        assert_eq!(parsed.is_ok(), faults.is_empty(), "{path} {shown}: {parsed:?}, {faults:?}");
    }
    faults.is_empty()
}

fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut changed = body.clone();
    changed[name] = value;
    changed
}

fn without(body: &Value, name: &str) -> Value {
    let fields = body.as_object().unwrap().iter().filter(|(field, _)| *field != name);
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

#[test]
fn a_body_is_taken_by_the_schema_and_the_parser_alike() {
    for (document, path, body, parse) in bodies() {
        let schema = schema_of(&body);
        let taken = |body: &Value| taken(&document, &path, schema, body, parse);
        for object in alternatives(&document, schema) {
            assert_eq!(object["additionalProperties"], false, "{path}");
            let examples = object["examples"].as_array().unwrap_or_else(|| panic!("{path} has no example"));
            let properties = object["properties"].as_object().unwrap();
            let most = largest(examples);
            assert!(taken(&most) && most.as_object().unwrap().len() == properties.len(), "{path}: {most}");
            for (name, property) in properties {
                let (mut yes, mut no) = (0, 0);
                for value in around(&document, property, most.get(name)) {
                    if taken(&with(&most, name, value)) { yes += 1 } else { no += 1 }
                }
                assert!(yes > 0 && no > 0, "{path} {name}: {yes} taken, {no} refused");
                let needed = object["required"].as_array().is_some_and(|r| r.iter().any(|one| one == name));
                assert_eq!(taken(&without(&most, name)), !needed, "{path} without {name}");
            }
            assert!(!taken(&with(&most, "surprise", json!("a"))), "{path}");
            assert!(!taken(&with(&most, "surprise", json!(null))), "{path}");
        }
        for other in [json!(null), json!([]), json!("a"), json!(1), json!({})] {
            taken(&other);
        }
    }
}

/// The example with the most fields: it shows all.
fn largest(examples: &[Value]) -> Value {
    examples.iter().max_by_key(|example| example.as_object().map_or(0, Map::len)).unwrap().clone()
}
