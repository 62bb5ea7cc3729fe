//! Limits that JSON Schema has no words for stand in the documents as `x-` fields: bytes and depth.

use countersign_domain::strict::Limits;
use countersign_http::body::MAX_BODY;
use countersign_http::openapi::conformance::Document;
use serde_json::{Value, json};

use crate::fields::{Taken, bodies, schema_of};
use crate::posted;

fn refused(parse: Taken, body: &[u8]) -> Option<String> {
    parse(&posted(body)).err().map(|problem| problem.code().to_string())
}

/// An example of the body, padded with spaces to so many bytes.
fn padded(document: &Document, body: &Value, bytes: usize) -> Vec<u8> {
    let schema = document.resolve(schema_of(body));
    let schema = schema["oneOf"].get(0).map_or(schema, |first| document.resolve(first));
    let mut text = schema["examples"][0].to_string().into_bytes();
    text.resize(bytes, b' ');
    text
}

#[test]
fn a_body_has_so_many_bytes() {
    for (document, path, body, parse) in bodies() {
        let most = usize::try_from(body["x-max-bytes"].as_u64().unwrap()).unwrap();
        assert_eq!(most, MAX_BODY, "{path}");
        assert_eq!(refused(parse, &padded(&document, &body, most)), None, "{path}");
        let over = refused(parse, &padded(&document, &body, most + 1));
        assert_eq!(over.as_deref(), Some("payload_too_large"), "{path}");
    }
}

#[test]
fn a_body_may_be_left_out_where_it_is_not_required() {
    for (_, path, body, parse) in bodies() {
        assert_eq!(refused(parse, b"").is_some(), body["required"] == true, "{path}");
    }
}

#[test]
fn arguments_have_so_many_bytes_and_levels() {
    let document = Document::agents();
    let schema = document.schema("Arguments");
    let limit = |name: &str| usize::try_from(schema[name].as_u64().unwrap()).unwrap();
    let (bytes, depth) = (limit("x-max-canonical-bytes"), limit("x-max-depth"));
    assert_eq!((bytes, depth), (Limits::ARGUMENTS.max_bytes, usize::from(Limits::ARGUMENTS.max_depth)));

    let parse = crate::fields::PARSERS[0].1;
    let check = |arguments: Value, expect: Option<&str>| {
        let body = json!({"action": "a", "target": "t", "arguments": arguments}).to_string();
        assert_eq!(refused(parse, body.as_bytes()).as_deref(), expect);
    };
    let long = |bytes: usize| json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())});
    let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
    check(long(bytes), None);
    check(long(bytes + 1), Some("payload_too_large"));
    check(deep(depth), None);
    check(deep(depth + 1), Some("arguments_not_canonical"));
}
