//! The table's stream and the minute's sweep: whose events rang, in plain types.
//!
//! The stream is a doorbell: it says where to look, never what is there.

use std::collections::BTreeMap;

use countersign_domain::leaf::Subject;
use serde_json::{Value, json};

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doorbell {
    /// Look at these subjects. Each comes with the sequence number of its first record in the batch.
    Rang(BTreeMap<Subject, String>),
    /// Look at everything that is owed.
    Sweep,
    /// Neither.
    Unknown,
}

impl Doorbell {
    /// What a function's event asks for: a batch of the stream, or `{"sweep": true}`.
    pub fn of(event: &Value) -> Self {
        if event["sweep"] == Value::Bool(true) {
            return Doorbell::Sweep;
        }
        let Some(records) = event["Records"].as_array() else { return Doorbell::Unknown };
        let mut rang = BTreeMap::new();
        for record in records {
            let change = &record["dynamodb"];
            let (pk, number) = (change["Keys"]["pk"]["S"].as_str(), change["SequenceNumber"].as_str());
            let subject = pk.and_then(subject_of);
            if let (Some(subject), Some(number)) = (subject, number) {
                rang.entry(subject).or_insert_with(|| number.to_owned());
            }
        }
        Doorbell::Rang(rang)
    }
}

fn subject_of(pk: &str) -> Option<Subject> {
    pk.strip_prefix("REQ#").or_else(|| pk.strip_prefix("AGENT#"))?.parse().ok()
}

/// The answer to a batch of the stream: which records must come again (`ReportBatchItemFailures`).
pub fn failures(failed: Vec<String>) -> Value {
    let failed: Vec<Value> = failed.into_iter().map(|number| json!({"itemIdentifier": number})).collect();
    json!({"batchItemFailures": failed})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doorbell_says_where_to_look() {
        fn check(event: Value, expect: &str) {
            let found = match Doorbell::of(&event) {
                Doorbell::Sweep => "sweep".to_owned(),
                Doorbell::Unknown => "unknown".to_owned(),
                Doorbell::Rang(rang) => {
                    rang.iter().map(|(s, n)| format!("{s}={n}")).collect::<Vec<_>>().join(",")
                }
            };
            assert_eq!(found, expect, "{event}");
        }
        let record = |pk: &str, number: &str| json!({"dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": number}});
        let (id, agent) = ("req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW", "agt_abcdefghijklmnopqrstuvwxy2");
        check(json!({"sweep": true}), "sweep");
        check(json!({"sweep": "yes"}), "unknown");
        check(json!(null), "unknown");
        check(json!({"Records": []}), "");
        let twice = [record(&format!("REQ#{id}"), "1"), record(&format!("REQ#{id}"), "2")];
        check(json!({"Records": twice}), &format!("{id}=1"));
        check(json!({"Records": [record(&format!("AGENT#{agent}"), "7"), {}]}), &format!("{agent}=7"));
        check(json!({"Records": [record("IDEM#x", "1"), record("REQ#rubbish", "2")]}), "");
    }
}
