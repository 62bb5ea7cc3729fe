//! The words that programs act on are those of the domain: codes with their statuses, statuses of requests, votes.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::event::{Ballot, Decision, Evidence, Fact};
use countersign_domain::review::Relation;
use countersign_domain::{Code, Status};
use countersign_http::openapi::conformance::Document;
use countersign_http::{HttpResponse, Problem};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{documents, texts};

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn every_code_and_every_status_stands_there_once() {
    for (_, document) in documents() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts(&document.schema("Code")["enum"]), codes);
        let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        assert_eq!(texts(&document.schema("Status")["enum"]), statuses);
        assert_eq!(texts(&document.schema("Outcome")["enum"]), ["allow", "review", "deny"]);
        assert_eq!(document.schema("Problem")["properties"]["code"]["$ref"], "#/components/schemas/Code");
    }
}

/// The refusals of a document: status → codes.
fn refusals(document: &Document) -> BTreeMap<u16, BTreeSet<String>> {
    let responses = document.root()["components"]["responses"].as_object().unwrap().values();
    let of_one = |response: &Value| {
        let narrowed = &response["content"]["application/problem+json"]["schema"]["properties"];
        let status = u16::try_from(narrowed["status"]["const"].as_u64()?).unwrap();
        Some((status, texts(&narrowed["code"]["enum"]).into_iter().map(str::to_owned).collect()))
    };
    responses.filter_map(of_one).collect()
}

#[test]
fn each_code_comes_with_its_status() {
    let mut table: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for code in Code::ALL {
        let status = Problem::new(*code, "").status();
        table.entry(status).or_default().insert(code.as_str().to_owned());
    }
    // A body that is not declared as JSON is the one status that no code has of its own.
    table.insert(415, BTreeSet::from(["invalid_request".to_owned()]));
    for (name, document) in documents() {
        assert_eq!(refusals(&document), table, "{name}");
    }
}

#[test]
fn a_response_stands_under_its_own_status() {
    for (name, document) in documents() {
        for (method, path, operation) in document.operations() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let problem = &document.resolve(response)["content"]["application/problem+json"];
                let told = &problem["schema"]["properties"]["status"]["const"];
                let same = told.as_u64().map(|told| told.to_string());
                assert!(told.is_null() || same.as_ref() == Some(status), "{name} {method} {path} {status}");
            }
        }
    }
}

#[test]
fn every_problem_is_as_the_documents_say() {
    for (name, document) in documents() {
        for code in Code::ALL {
            let answer = HttpResponse::from(Problem::new(*code, "what happened").at("/digest"));
            let body: Value = serde_json::from_str(answer.body()).unwrap();
            assert_eq!(document.faults(document.schema("Problem"), &body), [""; 0], "{name} {code}");
        }
        let with_all: Value =
            serde_json::from_str(HttpResponse::from(Problem::invalid_at("/a", "b")).body()).unwrap();
        let known: BTreeSet<_> =
            document.schema("Problem")["properties"].as_object().unwrap().keys().collect();
        assert_eq!(with_all.as_object().unwrap().keys().collect::<BTreeSet<_>>(), known, "{name}");
    }
}

#[test]
fn votes_and_exclusions_have_the_domains_words() {
    let document = Document::reviewers();
    let check = |list: &Value, expect: &[String]| assert_eq!(texts(list), expect);
    let vote = &document.schema("Vote")["properties"];
    check(&vote["decision"]["enum"], &[Ballot::Approve, Ballot::Reject].map(word));
    let said = [&document.schema("Approve"), &document.schema("RejectOrAsk")];
    let said: Vec<_> = said.iter().flat_map(|s| texts(&s["properties"]["decision"]["enum"])).collect();
    assert_eq!(said, [Decision::Approve, Decision::Reject, Decision::RequestInfo].map(word));
    let relations = [Relation::Owner, Relation::CanActAs, Relation::OnBehalfOf, Relation::Delegation];
    check(&document.schema("Exclusion")["properties"]["reasons"]["items"]["enum"], &relations.map(word));

    let evidence = [
        Evidence::Slack { workspace: String::new() },
        Evidence::Api { issuer: String::new(), auth_time: None, amr: BTreeSet::new() },
    ];
    let channels = evidence.map(|e| word(&serde_json::to_value(e).unwrap()["channel"]));
    check(&vote["channel"]["enum"], &channels);
    // A new relation, ballot, decision or way of proof must be added above.
    match (relations[0], Ballot::Approve, Decision::Approve, Evidence::Slack { workspace: String::new() }) {
        (
            Relation::Owner | Relation::CanActAs | Relation::OnBehalfOf | Relation::Delegation,
            Ballot::Approve | Ballot::Reject,
            Decision::Approve | Decision::Reject | Decision::RequestInfo,
            Evidence::Slack { .. } | Evidence::Api { .. },
        ) => {}
    }
}

/// serde says which types there are when it is given another.
#[test]
fn every_type_of_a_requests_event_is_an_example() {
    let error = serde_json::from_value::<Fact>(json!({"type": "?", "data": {}})).unwrap_err().to_string();
    let others = |word: &&str| ["agent.", "log."].iter().any(|own| word.starts_with(own));
    let known: BTreeSet<_> = error.split('`').filter(|word| word.contains('.') && !others(word)).collect();
    assert!(known.contains("decision.approved"), "{error}");
    let document = Document::reviewers();
    let kind = &document.schema("Event")["properties"]["type"];
    assert_eq!(texts(&kind["examples"]).into_iter().collect::<BTreeSet<_>>(), known);
}
