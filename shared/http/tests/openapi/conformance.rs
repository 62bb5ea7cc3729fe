//! The judge itself: a fault that it overlooks would be overlooked everywhere.

use countersign_http::openapi::conformance::{Document, Seen};
use serde_json::{Value, json};

fn faults(schema: Value, value: Value) -> String {
    Document::agents().faults(&schema, &value).join("; ")
}

#[test]
fn each_keyword_takes_and_refuses() {
    fn check(schema: Value, good: Value, bad: Value) {
        assert_eq!(faults(schema.clone(), good), "", "{schema}");
        assert_ne!(faults(schema.clone(), bad), "", "{schema}");
    }
    check(json!({"type": "string"}), json!("a"), json!(1));
    check(json!({"type": ["integer", "null"]}), json!(null), json!(1.5));
    check(json!({"type": "integer"}), json!(1.0), json!("1"));
    check(json!({"type": "number"}), json!(1.5), json!(null));
    check(json!({"type": "boolean"}), json!(true), json!(0));
    check(json!({"type": "array"}), json!([]), json!({}));
    check(json!({"enum": ["a", "b"]}), json!("b"), json!("c"));
    check(json!({"const": 1}), json!(1), json!(2));
    check(json!({"required": ["a"], "properties": {"a": {}}}), json!({"a": null}), json!({}));
    check(json!({"properties": {"a": {"type": "null"}}}), json!({"a": null}), json!({"a": 1}));
    check(json!({"properties": {"a": {}}}), json!({"a": 1}), json!({"b": 1}));
    check(json!({"type": "object", "additionalProperties": true}), json!({"b": 1}), json!([]));
    check(json!({"items": {"type": "null"}}), json!([null]), json!([null, 1]));
    check(json!({"minItems": 1}), json!([1]), json!([]));
    check(json!({"maxItems": 1}), json!([1]), json!([1, 2]));
    check(json!({"minLength": 2}), json!("üü"), json!("ü"));
    check(json!({"maxLength": 2}), json!("üü"), json!("üüü"));
    check(json!({"pattern": "^[^\\u0000-\\u001f]*$"}), json!("a"), json!("a\n"));
    check(json!({"minimum": 1}), json!(1), json!(0));
    check(json!({"maximum": 1}), json!(1), json!(2));
    check(json!({"allOf": [{"minimum": 1}], "maximum": 2}), json!(1), json!(0));
    check(json!({"anyOf": [{"type": "null"}, {"minimum": 1, "type": "integer"}]}), json!(null), json!(0));
    check(json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}), json!(3), json!(2));
    check(json!({"$ref": "#/components/schemas/Outcome"}), json!("allow"), json!("maybe"));
    // Fields are looked for in all that a schema is put together from.
    let both = json!({"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}});
    check(both, json!({"a": 1, "b": 2}), json!({"a": 1, "c": 2}));
    let either = json!({"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]});
    check(either, json!({"b": 1}), json!({"c": 1}));
}

#[test]
fn what_it_does_not_know_it_does_not_pass_over() {
    assert!(faults(json!({"uniqueItems": true}), json!([])).contains("uniqueItems is not understood"));
    assert!(faults(json!({"$ref": "#/components/schemas/Nobody"}), json!(1)).contains("there is no schema"));
    assert!(faults(json!({"pattern": "("}), json!("a")).contains("pattern"));
    assert_eq!(faults(json!({"x-max-depth": 1, "description": "a"}), json!(1)), "");
}

#[test]
fn a_fault_is_told_with_its_place() {
    let schema = json!({"properties": {"a": {"items": {"type": "string"}}}});
    assert_eq!(faults(schema, json!({"a": ["b", 1]})), "/a/1: is not of type \"string\"");
}

#[test]
fn an_answer_is_of_its_operation_status_and_content_type() {
    fn check(method: &str, path: &str, status: u16, content_type: &str, body: &str, expect: &str) {
        let seen = Seen { method, path, status, content_type, body };
        let faults = Document::agents().answer(&seen).join("; ");
        assert!(
            faults.contains(expect) && faults.is_empty() == expect.is_empty(),
            "{path} {status}: {faults}"
        );
    }
    let health = r#"{"status":"ok","policy_digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#;
    let json = "application/json";
    check("GET", "/healthz", 200, json, health, "");
    check("GET", "/healthz", 200, "application/json; charset=utf-8", health, "");
    check("GET", "/healthz", 200, json, "{}", "required");
    check("GET", "/healthz", 200, json, "{", "no JSON");
    check("GET", "/healthz", 200, json, "", "no JSON");
    check("GET", "/healthz", 200, "", "", "content types");
    check("GET", "/healthz", 200, "text/html", health, "content types");
    check("GET", "/healthz", 201, json, health, "the status 201");
    check("POST", "/healthz", 200, json, health, "in no path");
    check("GET", "/healthz/", 200, json, health, "in no path");
    check("GET", "/v1/requests/req_01M8997DG1000000000000002T", 304, "", "", "");
    check("GET", "/v1/requests/req_01M8997DG1000000000000002T", 304, json, health, "content types");
    check("GET", "/v1/requests", 403, json, r#"{"message":"Forbidden"}"#, "");
    check("GET", "/v1/requests", 400, json, r#"{"message":"Forbidden"}"#, "content types");
    let problem = r#"{"type":"urn:countersign:problem:x","title":"","status":403,"detail":"","code":"forbidden","retryable":false,"agent_guidance":""}"#;
    check("GET", "/v1/requests", 403, "application/problem+json", problem, "");
    let wrong = problem.replace("forbidden", "expired");
    check("GET", "/v1/requests", 403, "application/problem+json", &wrong, "/code");
}
