//! Every route stands in its document, and nothing else does.

use std::collections::BTreeSet;

use countersign_domain::{AgentId, RequestId};
use countersign_http::openapi::conformance::Document;
use countersign_http::openapi::{self};
use countersign_http::token::DECIDE_SCOPE;
use countersign_http::{AgentRoute, HttpRequest, ReviewRoute};
use serde_json::{Value, json};

use crate::{call, documents};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

fn request_id() -> RequestId {
    "req_01M8997DG1000000000000002T".parse().unwrap()
}

fn agent_id() -> AgentId {
    "agt_wdcitpd6kozp2n4jneytiucngd".parse().unwrap()
}

/// Every route of the agents' API. The match makes sure that a new one is added here.
fn agents_routes() -> Vec<AgentRoute> {
    let id = request_id;
    let listed = vec![
        AgentRoute::Create,
        AgentRoute::List,
        AgentRoute::Read(id()),
        AgentRoute::Respond(id()),
        AgentRoute::Withdraw(id()),
        AgentRoute::Consume(id()),
        AgentRoute::Outcome(id()),
        AgentRoute::Explain,
        AgentRoute::OpenApi,
        AgentRoute::Health,
    ];
    for route in &listed {
        match route {
            AgentRoute::Create
            | AgentRoute::List
            | AgentRoute::Read(_)
            | AgentRoute::Respond(_)
            | AgentRoute::Withdraw(_)
            | AgentRoute::Consume(_)
            | AgentRoute::Outcome(_)
            | AgentRoute::Explain
            | AgentRoute::OpenApi
            | AgentRoute::Health => {}
        }
    }
    listed
}

/// Every route of the reviewers' API, likewise.
fn review_routes() -> Vec<ReviewRoute> {
    let id = request_id;
    let listed = vec![
        ReviewRoute::List,
        ReviewRoute::Read(id()),
        ReviewRoute::Events(id()),
        ReviewRoute::Decide(id()),
        ReviewRoute::Revoke(id()),
        ReviewRoute::Erase(id()),
        ReviewRoute::Cards(id()),
        ReviewRoute::Freeze(agent_id()),
        ReviewRoute::Unfreeze(agent_id()),
        ReviewRoute::Recover,
        ReviewRoute::Export,
        ReviewRoute::SlackInteractions,
        ReviewRoute::SlackEvents,
        ReviewRoute::OpenApi,
        ReviewRoute::Health,
    ];
    for route in &listed {
        match route {
            ReviewRoute::List
            | ReviewRoute::Read(_)
            | ReviewRoute::Events(_)
            | ReviewRoute::Decide(_)
            | ReviewRoute::Revoke(_)
            | ReviewRoute::Erase(_)
            | ReviewRoute::Cards(_)
            | ReviewRoute::Freeze(_)
            | ReviewRoute::Unfreeze(_)
            | ReviewRoute::Recover
            | ReviewRoute::Export
            | ReviewRoute::SlackInteractions
            | ReviewRoute::SlackEvents
            | ReviewRoute::OpenApi
            | ReviewRoute::Health => {}
        }
    }
    listed
}

fn filled(path: &str) -> String {
    path.replace("{id}", request_id().as_str()).replace("{agent}", agent_id().as_str())
}

fn shown<R: std::fmt::Debug>(route: R) -> String {
    format!("{route:?}")
}

/// Method, path and route of every operation, as the router takes it.
fn documented<R: std::fmt::Debug>(
    document: &Document,
    of: impl Fn(&HttpRequest) -> Option<R>,
) -> Vec<(String, String, String)> {
    let route = |method: &str, path: &str| {
        let request = call(method, &filled(path), "", &[]).unwrap();
        shown(of(&request).unwrap_or_else(|| panic!("the router knows no {method} {path}")))
    };
    document.operations().map(|(method, path, _)| (route(&method, path), method, path.to_owned())).collect()
}

fn check<R: std::fmt::Debug>(document: &Document, all: Vec<R>, of: impl Fn(&HttpRequest) -> Option<R>) {
    let found = documented(document, &of);
    let named: BTreeSet<_> = found.iter().map(|(route, ..)| route.clone()).collect();
    assert_eq!(named.len(), found.len(), "two operations are one route: {found:?}");
    assert_eq!(named, all.into_iter().map(shown).collect::<BTreeSet<_>>());

    // A path of the document takes no other methods than the document says.
    let paths: BTreeSet<_> = found.iter().map(|(_, _, path)| path).collect();
    for (method, path) in paths.iter().flat_map(|path| METHODS.iter().map(move |method| (*method, *path))) {
        let taken = of(&call(method, &filled(path), "", &[]).unwrap()).is_some();
        let told = found.iter().any(|(_, m, p)| m == method && p == path);
        assert_eq!(taken, told, "{method} {path}");
    }
}

#[test]
fn the_documents_hold_every_route_and_no_other() {
    check(&Document::agents(), agents_routes(), |request| AgentRoute::of(request).ok());
    check(&Document::reviewers(), review_routes(), |request| ReviewRoute::of(request).ok());
}

/// What a caller of an operation must show, in words.
fn wanted(document: &Document, operation: &Value) -> String {
    let security = operation.get("security").unwrap_or(&document.root()["security"]);
    let of_one = |one: &Value| {
        let schemes = one.as_object().unwrap().iter();
        let scheme = |(name, scopes): (&String, &Value)| {
            std::iter::once(name.as_str()).chain(crate::texts(scopes)).collect::<Vec<_>>().join(":")
        };
        schemes.map(scheme).collect::<Vec<_>>().join("+")
    };
    security.as_array().unwrap().iter().map(of_one).collect::<Vec<_>>().join(" or ")
}

#[test]
fn each_route_says_what_its_caller_must_show() {
    let document = Document::agents();
    for (_, path, operation) in document.operations() {
        let open = ["/openapi.json", "/healthz"].contains(&path);
        assert_eq!(wanted(&document, operation), if open { "" } else { "signature or token" }, "{path}");
    }
    let document = Document::reviewers();
    let deciding = format!("token:{DECIDE_SCOPE}");
    for (method, path, operation) in document.operations() {
        let expect = match (method.as_str(), path.split('/').nth(1)) {
            (_, Some("slack")) => "slackSignature",
            ("GET", Some("v1")) => "token",
            ("POST", Some("v1")) => &deciding,
            _ => "",
        };
        assert_eq!(wanted(&document, operation), expect, "{method} {path}");
    }
    for (name, document) in documents() {
        let schemes = document.root()["components"]["securitySchemes"].as_object().unwrap();
        for (_, path, operation) in document.operations() {
            let wanted = wanted(&document, operation);
            let names = wanted.split(" or ").filter(|one| !one.is_empty());
            for scheme in names.map(|one| one.split(':').next().unwrap()) {
                assert!(schemes.contains_key(scheme), "{name} {path}: no scheme {scheme}");
            }
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_summary() {
    for (name, document) in documents() {
        let mut names = BTreeSet::new();
        for (method, path, operation) in document.operations() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty() && names.insert(id), "{name}: {method} {path}");
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        }
    }
}

#[test]
fn each_api_serves_its_document() {
    let check = |answer: countersign_http::HttpResponse, title: &str| {
        assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let document: Value = serde_json::from_str(answer.body()).unwrap();
        assert_eq!((&document["openapi"], &document["info"]["title"]), (&json!("3.1.0"), &json!(title)));
    };
    check(openapi::agents(), "Countersign: the agents' API");
    check(openapi::reviewers(), "Countersign: the reviewers' API");
}

/// What both APIs speak of is the same in both documents.
#[test]
fn shared_parts_are_the_same_in_both_documents() {
    let (agents, reviewers) = (Document::agents(), Document::reviewers());
    for kind in ["schemas", "responses", "parameters", "headers"] {
        let part = |document: &Document| document.root()["components"][kind].as_object().unwrap().clone();
        let (one, other) = (part(&agents), part(&reviewers));
        let shared: Vec<_> = one.keys().filter(|name| other.contains_key(*name)).collect();
        assert!(!shared.is_empty(), "{kind}");
        for name in shared {
            assert_eq!(one[name], other[name], "{kind}/{name}");
        }
    }
}

/// Every reference leads somewhere, and nothing stands there that nobody refers to.
#[test]
fn no_part_is_missing_or_left_over() {
    fn references(node: &Value, found: &mut BTreeSet<String>) {
        match node {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }
    for (name, document) in documents() {
        let mut used = BTreeSet::new();
        references(document.root(), &mut used);
        let kinds = ["schemas", "responses", "parameters", "headers"];
        let there = kinds.iter().flat_map(|kind| {
            let parts = document.root()["components"][kind].as_object().unwrap().keys();
            parts.map(move |part| format!("#/components/{kind}/{part}"))
        });
        assert_eq!(used, there.collect(), "{name}");
    }
}
