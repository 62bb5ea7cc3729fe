//! What the API shows of a request is what its OpenAPI documents say: every field, and none besides.
//!
//! One view with every field and one with the fewest are written out here, so a new field is missed by the compiler;
//! how requests look in each status comes from the snapshots of `steps/view.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail loudly, too")]

use std::collections::BTreeSet;
use std::path::Path;

use countersign_app::sample::{agent, at, id, person, reviewers};
use countersign_app::view::{
    AgentView, ConsumeView, DecisionView, ExcludedView, GateView, QuestionView, RequestView, ReviewView,
    VoteView,
};
use countersign_domain::event::Decision;
use countersign_domain::ids::ProfileName;
use countersign_domain::review::Relation;
use countersign_domain::{Code, Digest, Status};
use countersign_http::openapi::conformance::Document;
use serde_json::{Value, json};

fn profile() -> ProfileName {
    "data-export".parse().unwrap()
}

fn every_field() -> ReviewView {
    let request = RequestView {
        id: id(1),
        status: Status::NeedsInfo,
        outcome: Some("review".into()),
        revision: 2,
        version: 9,
        digest: Digest::of(b"2"),
        action: "s3.sync".into(),
        target: Some("s3://reports-public".into()),
        agent: AgentView { id: agent("deploy"), name: "aws:123456789012:role/deploy".into() },
        executor: Some(agent("runner")),
        created_at: at(0),
        expires_at: Some(at(60)),
        valid_until: Some(at(120)),
        erased: false,
        overdue: false,
        gates: vec![GateView { profile: profile(), quorum: 2, approvals: 1, level: 1 }],
        question: Some(QuestionView { text: Some("Why?".into()), asked_at: at(1), answer_by: at(2) }),
        decision: Some(DecisionView {
            decision: Status::Approved,
            by: BTreeSet::from([person("alice")]),
            at: at(3),
            comment: Some("Go ahead.".into()),
        }),
        code: Some(Code::PolicyDenied),
        agent_guidance: Some("Answer the question."),
        consume: Some(ConsumeView { by: agent("deploy"), consumed_at: at(4) }),
    };
    ReviewView {
        request,
        arguments: Some(json!({"delete": true}).as_object().unwrap().clone()),
        justification: Some("The reports are to be published.".into()),
        on_behalf_of: Some("mallory".into()),
        delegation_chain: vec!["scheduler".into()],
        votes: vec![VoteView {
            person: person("alice"),
            decision: Decision::Approve,
            at: at(3),
            channel: "slack",
            gates: BTreeSet::from([profile()]),
            groups: reviewers(),
        }],
        excluded: vec![ExcludedView { person: person("dora"), reasons: BTreeSet::from([Relation::Owner]) }],
    }
}

fn fewest_fields() -> ReviewView {
    let all = every_field();
    let request = RequestView {
        outcome: None,
        target: None,
        executor: None,
        expires_at: None,
        valid_until: None,
        gates: Vec::new(),
        question: Some(QuestionView { text: None, asked_at: at(1), answer_by: at(2) }),
        decision: Some(DecisionView {
            decision: Status::Revoked,
            by: BTreeSet::new(),
            at: at(3),
            comment: None,
        }),
        code: None,
        agent_guidance: None,
        ..all.request
    };
    ReviewView {
        request,
        arguments: None,
        justification: None,
        on_behalf_of: None,
        delegation_chain: Vec::new(),
        votes: Vec::new(),
        excluded: Vec::new(),
    }
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// The view fits, has all fields of the schema when `whole`, and those it requires in any case.
fn check(document: &Document, schema: &str, view: &Value, whole: bool) {
    let schema = document.schema(schema);
    assert_eq!(document.faults(schema, view), [""; 0], "{view}");
    assert!(names(view).is_superset(&texts(&schema["required"])));
    if whole {
        // Only some answers hold these, and they are put there where that is answered.
        let elsewhere = BTreeSet::from(["nonce".to_owned(), "receipt".to_owned()]);
        let known: BTreeSet<_> = names(&schema["properties"]).difference(&elsewhere).cloned().collect();
        assert_eq!(known.difference(&names(view)).collect::<Vec<_>>(), [""; 0], "{view}");
    }
}

#[test]
fn a_view_has_the_fields_of_its_schema_and_no_other() {
    let all = json!(every_field());
    let agents = json!(every_field().request);
    let document = Document::reviewers();
    check(&document, "ReviewRequest", &all, true);
    check(&document, "Request", &agents, true);
    check(&Document::agents(), "Request", &agents, true);
    check(&document, "Agent", &all["agent"], true);
    check(&document, "Gate", &all["gates"][0], true);
    check(&document, "Question", &all["question"], true);
    check(&document, "Decision", &all["decision"], true);
    check(&document, "Consumption", &all["consume"], true);
    check(&document, "Vote", &all["votes"][0], true);
    check(&document, "Exclusion", &all["excluded"][0], true);
}

/// What may be absent is not required, and what is always there is.
#[test]
fn a_view_without_its_optional_fields_fits_too() {
    let few = RequestView { question: None, decision: None, consume: None, ..fewest_fields().request };
    let few = ReviewView { request: few, ..fewest_fields() };
    let document = Document::reviewers();
    let (review, request) = (json!(few), json!(few.request));
    check(&document, "ReviewRequest", &review, false);
    let always = texts(&document.schema("Request")["required"]);
    assert_eq!(names(&request), always);
    assert_eq!(names(&review), &always | &texts(&document.schema("ReviewRequest")["required"]));

    let inner = json!(fewest_fields());
    for (schema, field) in [("Question", "question"), ("Decision", "decision")] {
        check(&document, schema, &inner[field], false);
        assert_eq!(names(&inner[field]), texts(&document.schema(schema)["required"]), "{field}");
    }
    for schema in ["Agent", "Gate", "Consumption", "Vote", "Exclusion"] {
        let schema = document.schema(schema);
        let optional = BTreeSet::from(["nonce".to_owned()]);
        assert_eq!(&names(&schema["properties"]) - &optional, texts(&schema["required"]));
    }
}

#[test]
fn a_request_in_each_status_is_as_the_documents_say() {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/steps/snapshots");
    for status in Status::ALL {
        let path = snapshots.join(format!("steps__view__{status}.snap"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, shown) = text.split_once("\n---\n").expect("a snapshot's head and body");
        let seen: Value = serde_json::from_str(shown).unwrap();
        assert_eq!(seen["agent"]["status"], status.as_str());
        for document in [Document::agents(), Document::reviewers()] {
            check(&document, "Request", &seen["agent"], false);
            check(&document, "Request", &seen["agent_in_a_listing"], false);
        }
        check(&Document::reviewers(), "ReviewRequest", &seen["reviewer"], false);
    }
}
