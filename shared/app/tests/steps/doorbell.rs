//! The doorbell, and what is said of the records that must come again.

use std::collections::BTreeMap;

use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::sample::{agent, id};
use countersign_domain::leaf::Subject;
use serde_json::{Value, json};

#[test]
fn a_failed_subject_comes_again_from_its_first_record() {
    let record =
        |pk: String, number: &str| json!({"dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": number}});
    let (one, two) = (format!("REQ#{}", id(1)), format!("REQ#{}", id(2)));
    let frozen = format!("AGENT#{}", agent("deploy"));
    let records = [
        record(one.clone(), "101"),
        record(two.clone(), "102"),
        record(one, "103"),
        record(frozen, "104"),
        record(two, "105"),
        record("ONCE#sha256:00".into(), "106"),
    ];
    let Doorbell::Rang(rang) = Doorbell::of(&json!({"Records": records})) else { panic!("a batch rings") };
    let expected = [
        (Subject::Request(id(1)), "101"),
        (Subject::Request(id(2)), "102"),
        (Subject::Agent(agent("deploy")), "104"),
    ];
    assert_eq!(
        rang,
        expected
            .map(|(subject, number)| (subject, number.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    );

    fn check(failed: &[&str], expect: Value) {
        assert_eq!(
            failures(failed.iter().map(|n| (*n).to_owned()).collect()),
            json!({"batchItemFailures": expect})
        );
    }
    check(&[], json!([]));
    check(&["102", "101"], json!([{"itemIdentifier": "102"}, {"itemIdentifier": "101"}]));
}
