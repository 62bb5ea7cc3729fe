//! Values for a field that its schema takes, and values next to them that it does not.

use std::collections::BTreeSet;

use countersign_http::openapi::conformance::Document;
use serde_json::{Value, json};

/// Values around the limits of a schema. `example` is one that it takes, if there is one.
pub(crate) fn around(document: &Document, schema: &Value, example: Option<&Value>) -> Vec<Value> {
    let words = words(document, schema, example);
    let is_text = document.resolve(schema).get("pattern").is_some();
    assert!(!is_text || !words.is_empty(), "give an example of {schema}");
    let swept = words.iter().flat_map(|word| swept(word)).map(Value::from);
    let mut values: Vec<_> = odd().into_iter().chain(example.cloned()).chain(swept).collect();
    limits(document, schema, &mut values);
    values
}

/// Texts that the schema takes.
fn words(document: &Document, schema: &Value, example: Option<&Value>) -> BTreeSet<String> {
    let schema = document.resolve(schema);
    let lists = ["examples", "enum"].iter().flat_map(|name| schema[name].as_array().into_iter().flatten());
    let own = lists.chain(example).filter_map(Value::as_str).map(str::to_owned);
    let parts = schema["anyOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| words(document, part, None))).collect()
}

/// Values at the limits of numbers, lengths and lists, and next to them.
fn limits(document: &Document, schema: &Value, values: &mut Vec<Value>) {
    let schema = document.resolve(schema);
    for part in schema["anyOf"].as_array().into_iter().flatten() {
        limits(document, part, values);
    }
    for limit in ["minimum", "maximum"].iter().filter_map(|name| schema[name].as_i64()) {
        values.extend([limit - 1, limit, limit + 1].map(Value::from));
    }
    for limit in ["minLength", "maxLength"].iter().filter_map(|name| schema[name].as_u64()) {
        let limit = usize::try_from(limit).unwrap();
        for length in [limit.saturating_sub(1), limit, limit + 1] {
            values.extend(["a", "0", "ü", "😀"].map(|fill| Value::from(fill.repeat(length))));
        }
    }
    if let Some(items) = schema.get("items") {
        let most = usize::try_from(schema["maxItems"].as_u64().unwrap_or_default()).unwrap();
        values
            .extend(around(document, items, Some(&json!("bob"))).into_iter().map(|item| json!(["a", item])));
        values.extend([0, most, most + 1].map(|entries| json!(vec!["a"; entries])));
    }
}

fn odd() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-1),
        json!(9_007_199_254_740_991_u64),
        json!(""),
        json!("a"),
        json!("1"),
        json!([]),
        json!(["a"]),
        json!([null]),
        json!({}),
        json!({"a": 1}),
    ]
}

/// The text with one character more, less or other: any of Latin-1 in the middle, some at both ends.
fn swept(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let any: Vec<char> =
        (0..=0xff).filter_map(char::from_u32).chain(['\u{2028}', '\u{202e}', '😀']).collect();
    let some: Vec<char> = "\n -./0:A_az~ü".chars().collect();
    let last = characters.len().saturating_sub(1);
    let mut all = vec![
        text.to_owned(),
        text.to_uppercase(),
        text.to_lowercase(),
        format!("{text}0"),
        format!("{text}s"),
        format!("{text}\n"),
    ];
    for (place, others) in [(0, &some), (4.min(last), &some), (characters.len() / 2, &any), (last, &some)] {
        let (before, after) = characters.split_at(place);
        let (before, rest) = (String::from_iter(before), String::from_iter(after.iter().skip(1)));
        all.push(format!("{before}{rest}"));
        all.extend(others.iter().map(|other| format!("{before}{other}{rest}")));
    }
    all.extend(some.iter().map(|other| format!("{other}{text}")));
    all
}
