//! Tables of bodies: what each parser takes, and where it points when it does not.

use serde_json::json;

use super::*;

fn call(content_type: &str, body: &[u8]) -> HttpRequest {
    let mut request = HttpRequest::from_event(&json!({
        "rawPath": "/",
        "headers": {"content-type": content_type},
        "requestContext": {"http": {"method": "POST"}},
    }))
    .unwrap();
    request.body = body.to_vec();
    request
}

fn json_call(body: &str) -> HttpRequest {
    call("application/json", body.as_bytes())
}

/// `code pointer`, and the detail must not repeat the marker that stands for what the caller sent.
fn refused<T>(parsed: Result<T, Problem>) -> String {
    parsed.map_or_else(
        |problem| {
            assert!(!problem.detail().contains("SENT"), "{problem}");
            format!("{} {}", problem.code(), problem.pointer().unwrap_or("-"))
        },
        |_| "taken".to_owned(),
    )
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const AGENT: &str = "agt_abcdefghijklmnopqrstuvwxy2";

/// A create body with one field changed; `null` takes it away.
fn create(name: &str, value: Value) -> HttpRequest {
    let mut body = json!({"action": "s3.sync", "target": "s3://a", "arguments": {"n": 1}});
    body[name] = value;
    json_call(&body.to_string())
}

#[test]
fn a_create_body_is_read_whole() {
    let body = json!({
        "action": "s3.sync", "target": "s3://a/ü", "arguments": {"n": 1.0}, "justification": "a\nb",
        "on_behalf_of": "email:a@example.com", "delegation_chain": ["bob", "carol"], "executor": AGENT,
        "expires_in": 900, "consume": true,
    });
    let body = CreateBody::parse(&json_call(&body.to_string())).unwrap();
    assert_eq!(body.action.action, "s3.sync");
    assert_eq!(body.action.target, "s3://a/ü");
    assert_eq!(Value::Object(body.action.arguments), json!({"n": 1}));
    assert_eq!(body.justification.as_deref(), Some("a\nb"));
    assert_eq!(body.on_behalf_of.as_deref(), Some("email:a@example.com"));
    assert_eq!(body.delegation_chain, ["bob", "carol"]);
    assert_eq!(body.executor.map(String::from).as_deref(), Some(AGENT));
    assert_eq!(body.expires_in, Some(Seconds(900)));
    assert!(body.consume);

    let least = CreateBody::parse(&create("justification", Value::Null)).unwrap();
    assert_eq!((least.justification, least.delegation_chain.len(), least.consume), (None, 0, false));
}

#[test]
fn the_fields_of_a_create_body() {
    fn check(name: &str, value: Value, expect: &str) {
        let shown: String = value.to_string().chars().take(60).collect();
        assert_eq!(refused(CreateBody::parse(&create(name, value))), expect, "{name}: {shown}");
    }
    check("action", "a".into(), "taken");
    check("action", "0.a_b:c/d-e".into(), "taken");
    check("action", "a".repeat(128).into(), "taken");
    check("action", "a".repeat(129).into(), "invalid_request /action");
    check("action", "".into(), "invalid_request /action");
    check("action", "SENT".into(), "invalid_request /action");
    check("action", ".a".into(), "invalid_request /action");
    check("action", "a b".into(), "invalid_request /action");
    check("action", "é".into(), "invalid_request /action");
    check("action", json!(["SENT"]), "invalid_request /action");
    check("action", Value::Null, "invalid_request /action");
    check("target", "x".repeat(2048).into(), "taken");
    check("target", "ü".repeat(2048).into(), "taken");
    check("target", "x".repeat(2049).into(), "invalid_request /target");
    check("target", "".into(), "invalid_request /target");
    check("target", "SENT\n".into(), "invalid_request /target");
    check("target", "SENT\u{7f}".into(), "invalid_request /target");
    check("target", 1.into(), "invalid_request /target");
    check("arguments", json!({}), "taken");
    check("arguments", json!(["SENT"]), "invalid_request /arguments");
    check("arguments", Value::Null, "invalid_request /arguments");
    check("justification", "x".repeat(4000).into(), "taken");
    check("justification", "x".repeat(4001).into(), "invalid_request /justification");
    check("justification", "".into(), "invalid_request /justification");
    check("justification", "SENT\u{0}".into(), "invalid_request /justification");
    check("on_behalf_of", "x".repeat(256).into(), "taken");
    check("on_behalf_of", "x".repeat(257).into(), "invalid_request /on_behalf_of");
    check("delegation_chain", json!([]), "taken");
    check("delegation_chain", json!(vec!["a"; 10]), "taken");
    check("delegation_chain", json!(vec!["a"; 11]), "invalid_request /delegation_chain");
    check("delegation_chain", json!(["a", ""]), "invalid_request /delegation_chain/1");
    check("delegation_chain", json!(["a", null]), "invalid_request /delegation_chain/1");
    check("delegation_chain", "SENT".into(), "invalid_request /delegation_chain");
    check("executor", AGENT.into(), "taken");
    check("executor", "agt_SENT".into(), "invalid_request /executor");
    check("expires_in", 1.into(), "taken");
    check("expires_in", MAX_EXPIRES_IN.into(), "taken");
    check("expires_in", (MAX_EXPIRES_IN + 1).into(), "invalid_request /expires_in");
    check("expires_in", 0.into(), "invalid_request /expires_in");
    check("expires_in", (-1).into(), "invalid_request /expires_in");
    check("expires_in", 1.5.into(), "invalid_request /expires_in");
    check("expires_in", "15m".into(), "invalid_request /expires_in");
    check("consume", false.into(), "taken");
    check("consume", "true".into(), "invalid_request /consume");
    check("agent", "SENT".into(), "invalid_request /agent");
    check("a/b~c", "SENT".into(), "invalid_request /a~1b~0c");
}

#[test]
fn a_body_has_one_exact_meaning() {
    fn check(body: &str, expect: &str) {
        let shown: String = body.chars().take(80).collect();
        assert_eq!(refused(CreateBody::parse(&json_call(body))), expect, "{shown}");
    }
    let with = |arguments: &str| format!(r#"{{"action":"a","target":"t","arguments":{arguments}}}"#);
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    check(&with(r#"{"a":9007199254740991}"#), "taken");
    check(&with(r#"{"a":9007199254740993}"#), "arguments_not_canonical /arguments/a");
    check(&with(r#"{"a":[1,{"b":1,"b":1}]}"#), "arguments_not_canonical /arguments/a/1/b");
    check(&with(r#"{"a":"\ud800"}"#), "arguments_not_canonical /arguments/a");
    check(&with(&nested(32)), "taken");
    check(&with(&nested(33)), &format!("arguments_not_canonical /arguments{}", "/a".repeat(32)));
    check(r#"{"action":"a","action":"a","target":"t","arguments":{}}"#, "invalid_request /action");
    check(r#"{"target":"t","arguments":{},"expires_in":1e400}"#, "invalid_request /expires_in");
    check(&with(r#"{"a""#), "invalid_request /arguments/a");
    check(&with("{"), "invalid_request ");
    check("[]", "invalid_request ");
    check("null", "invalid_request ");
    check("{} {}", "invalid_request ");
    check("", "invalid_request ");
    let arguments = |bytes: usize| with(&format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8)));
    check(&arguments(64 * 1024), "taken");
    check(&arguments(64 * 1024 + 1), "payload_too_large /arguments");
    check(&arguments(80 * 1024), "payload_too_large -");
    // Spaces do not count: the canonical form is what is kept.
    check(&with(&format!("{{{}}}", " ".repeat(70 * 1024))), "taken");
}

#[test]
fn a_body_is_json_by_its_content_type() {
    fn check(content_type: &str, status: u16) {
        let parsed = WithdrawBody::parse(&call(content_type, b"{}"));
        assert_eq!(parsed.map_or_else(|p| p.status(), |_| 200), status, "{content_type}");
    }
    check("application/json", 200);
    check("Application/JSON; charset=UTF-8", 200);
    check("application/json;charset=\"utf-8\"", 200);
    check("application/json; charset=latin1", 415);
    check("application/jsonp", 415);
    check("text/plain", 415);
    check("application/x-www-form-urlencoded", 415);
    check("", 415);
    let packed = HttpRequest::from_event(&json!({
        "rawPath": "/", "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        "requestContext": {"http": {"method": "POST"}}, "body": "{}",
    }));
    assert_eq!(WithdrawBody::parse(&packed.unwrap()).unwrap_err().status(), 415);
}

#[test]
fn the_other_bodies() {
    fn check<T>(parse: fn(&HttpRequest) -> Result<T, Problem>, body: Value, expect: &str) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        assert_eq!(refused(parse(&json_call(&text))), expect, "{text}");
    }
    check(RespondBody::parse, json!({"answer": "yes"}), "taken");
    check(RespondBody::parse, json!({"answer": "yes", "arguments": {}, "justification": "j"}), "taken");
    check(RespondBody::parse, json!({"arguments": {}}), "invalid_request /answer");
    check(RespondBody::parse, json!({"answer": "yes", "target": "t"}), "invalid_request /target");
    for parse in [
        |r: &HttpRequest| WithdrawBody::parse(r).map(|b| b.reason),
        |r: &HttpRequest| RevokeBody::parse(r).map(|b| b.reason),
        |r: &HttpRequest| EraseBody::parse(r).map(|b| b.reason),
        |r: &HttpRequest| FreezeBody::parse(r).map(|b| b.reason),
    ] {
        check(parse, Value::Null, "taken");
        check(parse, json!({}), "taken");
        check(parse, json!({"reason": null}), "taken");
        check(parse, json!({"reason": "r"}), "taken");
        check(parse, json!({"reason": ""}), "invalid_request /reason");
        check(parse, json!({"reason": "r", "by": "SENT"}), "invalid_request /by");
        check(parse, json!("SENT"), "invalid_request ");
    }
    let attempt = "0123456789abcdef0123456789abcdef";
    check(ConsumeBody::parse, json!({"digest": DIGEST, "attempt": attempt}), "taken");
    check(ConsumeBody::parse, json!({"digest": DIGEST}), "invalid_request /attempt");
    check(ConsumeBody::parse, json!({"attempt": attempt}), "invalid_request /digest");
    check(ConsumeBody::parse, json!({"digest": DIGEST, "attempt": "SENT"}), "invalid_request /attempt");
    check(ConsumeBody::parse, json!({"digest": "SENT", "attempt": attempt}), "invalid_request /digest");
    check(ConsumeBody::parse, json!({"digest": DIGEST, "attempt": attempt, "n": 1}), "invalid_request /n");
    check(ConsumeBody::parse, Value::Null, "invalid_request ");
    check(OutcomeBody::parse, json!({"outcome": "succeeded"}), "taken");
    check(OutcomeBody::parse, json!({"outcome": "failed", "detail": "d"}), "taken");
    check(OutcomeBody::parse, json!({"outcome": "unknown"}), "taken");
    check(OutcomeBody::parse, json!({"outcome": "SENT"}), "invalid_request /outcome");
    check(OutcomeBody::parse, json!({"outcome": {"succeeded": 1}}), "invalid_request /outcome");
    check(OutcomeBody::parse, json!({}), "invalid_request /outcome");
    check(DecideBody::parse, json!({"decision": "approve", "digest": DIGEST}), "taken");
    check(DecideBody::parse, json!({"decision": "reject", "digest": DIGEST, "comment": "c"}), "taken");
    check(DecideBody::parse, json!({"decision": "request_info", "digest": DIGEST, "comment": "?"}), "taken");
    check(
        DecideBody::parse,
        json!({"decision": "request_info", "digest": DIGEST}),
        "invalid_request /comment",
    );
    check(DecideBody::parse, json!({"decision": "Approve", "digest": DIGEST}), "invalid_request /decision");
    check(DecideBody::parse, json!({"decision": "approve"}), "invalid_request /digest");
    check(
        DecideBody::parse,
        json!({"decision": "approve", "digest": DIGEST, "person": "bob"}),
        "invalid_request /person",
    );
}

#[test]
fn a_refusal_says_what_and_how_to_mend_it() {
    fn check(name: &str, value: Value, expect: &str) {
        assert_eq!(CreateBody::parse(&create(name, value)).unwrap_err().detail(), expect);
    }
    check("target", Value::Null, "the field target is missing");
    check("target", json!({}), "target: is an object; write a string");
    check("target", "".into(), "target: has 0 characters; 1 to 2048 are possible");
    check("target", "a\tb".into(), "target: holds the control character U+0009; leave it out");
    check(
        "executor",
        "x".into(),
        "executor: no agent id; write agt_ and 26 characters of lower-case base32 (a-z, 2-7)",
    );
    check("expires_in", "15m".into(), "expires_in: write an integer from 1 to 6912000, without quotes");
    check("delegation_chain", json!([1]), "delegation_chain/0: is a number; write a string");
    check(
        "colour",
        "red".into(),
        "there is no field \"colour\" in this body; it takes action, target, arguments, justification, \
         on_behalf_of, delegation_chain, executor, expires_in, consume",
    );
    let twice = json_call(r#"{"arguments":{"a":{"b":1,"b":2}}}"#);
    let detail = CreateBody::parse(&twice).unwrap_err().detail().to_owned();
    assert_eq!(detail, "arguments/a/b: this key stands there twice; keep one");
}
