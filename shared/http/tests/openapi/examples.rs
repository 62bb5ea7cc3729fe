//! Every example is one.

use countersign_http::openapi::conformance::Document;
use serde_json::Value;

use crate::documents;

/// Looks at all nodes of the document that hold examples.
fn check(document: &Document, node: &Value, place: &str, seen: &mut usize) {
    let Some(object) = node.as_object() else {
        for (i, inner) in node.as_array().into_iter().flatten().enumerate() {
            check(document, inner, &format!("{place}/{i}"), seen);
        }
        return;
    };
    // Of a schema: its own; of a parameter or content: of the schema it holds.
    let own = object.get("examples").and_then(Value::as_array).into_iter().flatten().map(|one| (node, one));
    let held = object.get("example").map(|one| (&node["schema"], one));
    for (schema, example) in own.chain(held) {
        *seen += 1;
        let faults = document.faults(schema, example);
        assert!(faults.is_empty(), "{place}: {example}: {faults:?}");
    }
    for (name, inner) in object.iter().filter(|(name, _)| !["example", "examples"].contains(&name.as_str())) {
        check(document, inner, &format!("{place}/{name}"), seen);
    }
}

#[test]
fn every_example_fits_its_schema() {
    for (name, document) in documents() {
        let mut seen = 0;
        check(&document, document.root(), name, &mut seen);
        assert!(seen > 15, "{name}: only {seen} examples");
    }
}
