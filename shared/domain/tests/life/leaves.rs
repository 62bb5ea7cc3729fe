//! The log's format. leaves.jsonl holds one leaf of each type, each chained to the one before. What is written is kept for years
//! and read by other people's programs: a line there never changes; a new type is a new line.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::event::{
    Ballot, Decision, Event, Fact, Flaw, RefusedDecision, RevokedBecause, Vote, WithdrawnBecause,
};
use countersign_domain::leaf::{Frame, Head, Leaf, LeafError, LeafHash, MAX_LEAF, Place, Subject};
use countersign_domain::log::{Odds, Recovery};
use countersign_domain::review::{Outcome, Relation};
use countersign_domain::time::Seconds;
use countersign_domain::{Action, Code, Digest, Nonce, Time};
use serde_json::{Value, json};

use crate::kit::{agent, api, at, digest, evaluation, gate, groups, hash, id, request_id, rules, slack};

const SOURCE: &str = "urn:countersign:prod";
const ORIGIN: &str = "prod.123456789012.eu-west-1/countersign";
const KEY: &str = "countersign.example+8a9bcc13+ARMBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

/// Computed from leaves.jsonl by Python's hashlib: SHA-256 of a zero byte and the last line.
const LAST: &str = "5dc8d3d45aad048ccd38c6526caf1d263901772eb981d8b3779f1a647d6d8d29";

fn vote(person: &str, ballot: Ballot) -> Vote {
    Vote {
        actor: slack(person),
        ballot,
        gates: BTreeSet::from([id("data-export"), id("default")]),
        groups: groups("ops+security"),
        shown: Some(hash("card")),
        comment: None,
        at: at(62_120),
    }
}

/// One fact of each type, in the order of the enum.
fn facts() -> Vec<Fact> {
    let bound = BTreeMap::from([(id("ann"), BTreeSet::from([Relation::Owner, Relation::CanActAs]))]);
    let gates =
        vec![gate("ops", 2, &[(0, "ops+@sam"), (600, "leads")]), gate("security", 1, &[(0, "security")])];
    let review = evaluation(Outcome::Review { gates, rules: rules() }, bound);
    let token = api("eve", Some(at(-1)));
    let (digest, agent) = (digest(1), agent("deploy"));
    let text = Some(hash("salt and words"));
    vec![
        Fact::Created {
            agent: agent.clone(),
            agent_name: "aws:123456789012:role/deploy".into(),
            action: "s3.sync".into(),
            digest: digest.clone(),
            executor: Some(crate::kit::agent("executor")),
            on_behalf_of: BTreeMap::from([(id("ann"), true), (id("ben"), false)]),
            expires_in: Some(Seconds(1800)),
            justification: text.clone(),
        },
        Fact::Revised { revision: 2, digest: digest.clone(), justification: None },
        Fact::Evaluated {
            revision: 1,
            digest: digest.clone(),
            evaluation: review,
            recorded: BTreeMap::from([
                ("target".into(), "arn:aws:s3:::reports/€".into()),
                ("arguments.limit".into(), json!(0.5)),
                ("arguments.filter".into(), json!({"b": [null, true], "a": 9_007_199_254_740_991_u64})),
            ]),
            valid_until: None,
        },
        Fact::Denied { code: Code::AgentUnknown },
        Fact::Expired { deadline: at(3_600_000) },
        Fact::Undeliverable { deadline: at(3_600_000) },
        Fact::Withdrawn { because: WithdrawnBecause::Unanswered, reason: None },
        Fact::Revoked {
            because: RevokedBecause::Person(token.clone()),
            groups: BTreeSet::from([id("admins")]),
            reason: text.clone(),
        },
        Fact::Lapsed { valid_until: at(900_000) },
        Fact::Escalated { level: 1 },
        Fact::NotificationSent { to: id("sns") },
        Fact::NotificationFailed { to: id("slack:C0APPROVALS"), error: "channel_not_found".into() },
        Fact::InfoRequested {
            digest: digest.clone(),
            actor: token.clone(),
            groups: BTreeSet::from([id("ops")]),
            shown: Some(hash("card")),
            question: hash("salt and question"),
            answer_by: at(600_000),
        },
        Fact::InfoSupplied { answer: hash("salt and answer") },
        Fact::VoteCast { digest: digest.clone(), vote: vote("cyd", Ballot::Approve) },
        Fact::Approved {
            digest: digest.clone(),
            votes: vec![
                vote("cyd", Ballot::Approve),
                Vote { actor: token.clone(), ..vote("eve", Ballot::Approve) },
            ],
            valid_until: at(962_120),
            latency_ms: 62_120,
        },
        Fact::Rejected { digest: digest.clone(), votes: vec![vote("cyd", Ballot::Reject)], latency_ms: 5 },
        Fact::DecisionRefused(RefusedDecision {
            person: Some(id("ann")),
            evidence: Some(token.evidence.clone()),
            decision: Some(Decision::Approve),
            digest: Some(digest.clone()),
            code: Code::SelfApprovalDenied,
            relations: BTreeSet::from([Relation::OnBehalfOf, Relation::Delegation]),
        }),
        Fact::Consumed { by: agent.clone(), digest, attempt: hash("attempt") },
        Fact::ExecutionRefused { by: agent.clone(), code: Code::AlreadyConsumed },
        Fact::Succeeded { by: agent.clone(), detail: None },
        Fact::Failed { by: agent.clone(), detail: text.clone() },
        Fact::Unknown { by: agent, detail: None },
        Fact::AgentFrozen {
            actor: slack("root"),
            groups: groups("admins"),
            void_before: at(0),
            reason: text.clone(),
        },
        Fact::AgentUnfrozen { actor: api("root", Some(at(0))), groups: groups("admins"), reason: None },
        Fact::LogGenesis { origin: id(ORIGIN), key: KEY.into(), after: None },
        Fact::LogHeartbeat {},
        Fact::LogQuarantined {
            of: "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW".into(),
            number: 7,
            hash: LeafHash::of(b"{}"),
            because: Flaw::Malformed,
        },
        Fact::LogExported {
            actor: api("sam", Some(at(0))),
            start: 256,
            end: 1_000,
            from: at(0),
            to: at(60_000),
            control: Some("CC8.1".into()),
            manifest: hash("MANIFEST"),
        },
        Fact::LogRecovered { recovery: recovery(), void_before: at(62_120) },
        Fact::LogKeyAdded { key: KEY.into() },
        Fact::LogKeyRetired { key: KEY.into() },
        Fact::LogTamperSuspected { object: "checkpoint".into(), because: Odds::Checkpoint },
        Fact::DataErased { actor: token.clone(), groups: BTreeSet::from([id("admins")]), reason: text },
    ]
}

fn recovery() -> Recovery {
    Recovery {
        origin: id(ORIGIN),
        size: 1_000,
        root: LeafHash::of(b"1000 leaves"),
        by: [api("root", Some(at(0))), slack("eve")],
        reason: hash("the table was restored"),
        halt: Some(Odds::Restored),
    }
}

/// What the log before it could no longer say stands in a log's first leaf.
#[test]
fn a_genesis_names_the_log_that_it_goes_on_from() {
    let genesis = |after| Fact::LogGenesis { origin: id(ORIGIN), key: KEY.into(), after };
    let written = json!(genesis(Some(recovery())));
    assert_eq!(serde_json::from_value::<Fact>(written.clone()).ok(), Some(genesis(Some(recovery()))));
    let after = &written["data"]["after"];
    assert_eq!(
        (&after["origin"], &after["size"], &after["halt"]),
        (&json!(ORIGIN), &json!(1000), &json!("restored"))
    );
    assert_eq!((&after["by"][0]["person"], &after["by"][1]["person"]), (&json!("root"), &json!("eve")));
    assert_eq!(json!(genesis(None))["data"].get("after"), None);
}

/// The line of each type. A new type does not compile here until it has one.
fn line(fact: &Fact) -> usize {
    match fact {
        Fact::Created { .. } => 1,
        Fact::Revised { .. } => 2,
        Fact::Evaluated { .. } => 3,
        Fact::Denied { .. } => 4,
        Fact::Expired { .. } => 5,
        Fact::Undeliverable { .. } => 6,
        Fact::Withdrawn { .. } => 7,
        Fact::Revoked { .. } => 8,
        Fact::Lapsed { .. } => 9,
        Fact::Escalated { .. } => 10,
        Fact::NotificationSent { .. } => 11,
        Fact::NotificationFailed { .. } => 12,
        Fact::InfoRequested { .. } => 13,
        Fact::InfoSupplied { .. } => 14,
        Fact::VoteCast { .. } => 15,
        Fact::Approved { .. } => 16,
        Fact::Rejected { .. } => 17,
        Fact::DecisionRefused(_) => 18,
        Fact::Consumed { .. } => 19,
        Fact::ExecutionRefused { .. } => 20,
        Fact::Succeeded { .. } => 21,
        Fact::Failed { .. } => 22,
        Fact::Unknown { .. } => 23,
        Fact::AgentFrozen { .. } => 24,
        Fact::AgentUnfrozen { .. } => 25,
        Fact::LogGenesis { .. } => 26,
        Fact::LogHeartbeat {} => 27,
        Fact::LogQuarantined { .. } => 28,
        Fact::LogExported { .. } => 29,
        Fact::LogRecovered { .. } => 30,
        Fact::LogKeyAdded { .. } => 31,
        Fact::LogKeyRetired { .. } => 32,
        Fact::LogTamperSuspected { .. } => 33,
        Fact::DataErased { .. } => 34,
    }
}

#[test]
fn one_leaf_of_each_type_is_byte_for_byte_as_ever() {
    let lines: Vec<&str> = include_str!("leaves.jsonl").lines().collect();
    let facts = facts();
    assert_eq!(facts.iter().map(line).collect::<Vec<_>>(), (1..=lines.len()).collect::<Vec<_>>());
    let mut head = Head::EMPTY;
    for (fact, line) in facts.into_iter().zip(lines) {
        let kind = fact.kind();
        let subject = match kind.split_once('.') {
            Some(("agent", _)) => Subject::Agent(agent("deploy")),
            Some(("log", _)) => Subject::Log(id(ORIGIN)),
            _ => Subject::Request(request_id()),
        };
        let rno = matches!(subject, Subject::Request(_)).then_some(42);
        let event = Event { time: at(62_120), fact };
        let place = Place { source: SOURCE, subject: &subject, rno };
        let leaf = Leaf::make(&place, &head, &event).expect("it fits");
        assert_eq!(String::from_utf8_lossy(&leaf.bytes), line);
        assert_eq!((leaf.kind.as_str(), leaf.hash), (kind, LeafHash::of(line.as_bytes())));

        let read = Leaf::parse(line.as_bytes()).expect("a leaf");
        assert_eq!((read.event, read.source.as_str(), read.rno), (event, SOURCE, rno));
        assert_eq!((&read.subject, read.seq, read.prev), (&subject, leaf.seq, head.hash));
        let (seq, prev, kind) = (leaf.seq, head.hash, kind.to_owned());
        let frame = Frame { subject, seq, prev, kind, time: at(62_120) };
        assert_eq!(Frame::read(line.as_bytes()), Ok(frame));
        head = leaf.head();
    }
    assert_eq!(String::from(head.hash), LAST);
}

/// Both by Python's hashlib, over the JSON written by hand.
#[test]
fn digest_and_agent_id_are_what_another_program_computes() {
    let arguments =
        json!({"to": "ops@example.com", "lines": ["é", "\u{1f600}", "\n"], "n": -1.5, "on": true});
    let Value::Object(arguments) = arguments else { panic!("an object") };
    let action = Action { action: "mail.send".into(), target: "smtp://mail.example:587".into(), arguments };
    let nonce = Nonce::new([0xff; 16]);
    let asked_by = countersign_domain::AgentId::of("oidc", "https://idp.example", "svc \"é\"");
    assert_eq!(asked_by.as_str(), "agt_vm6b22diiv74psljenlstof4xh");
    assert_eq!(
        action.digest(&asked_by, &nonce).as_str(),
        "sha256:814c2f05b7efca65b66d945683de7c14bdc3e83a331d4c3d593bf028fb0a7afd"
    );
}

#[test]
fn what_is_no_leaf_is_refused() {
    fn check(edit: impl Fn(&str) -> String, expect: &str) {
        let line = include_str!("leaves.jsonl").lines().next().expect("a line");
        let edited = edit(line);
        assert_ne!(edited, line);
        let error = Leaf::parse(edited.as_bytes()).expect_err(&edited).to_string();
        assert!(error.contains(expect), "{error}");
    }
    let replace = |from: &'static str, to: &'static str| move |line: &str| line.replace(from, to);
    check(|_| "{}".into(), "no schema");
    check(|_| "[".into(), "not a leaf");
    check(|line| format!("{line}\n"), "not in canonical form");
    check(replace("{\"data\"", "{ \"data\""), "not in canonical form");
    check(replace("\"seq\":1", "\"seq\":1,\"seq\":1"), "not in canonical form");
    check(replace("\"seq\":1", "\"seq\":1.0"), "not in canonical form");
    check(replace("\"seq\":1", "\"seq\":2"), "its id is not its subject and seq");
    check(replace("\"seq\":1,", ""), "no seq");
    check(replace("\"schema\":1", "\"schema\":2"), "schema 2 is newer than this program");
    check(replace("request.created", "request.made"), "unknown variant");
    check(replace("\"subject\":\"req_", "\"subject\":\"rex_"), "is not a request id");
    check(replace("\"prev\":\"0", "\"prev\":\"x"), "is not a leaf hash");
    check(replace("\"action\":\"s3.sync\",", ""), "missing field");
    check(replace("02.120Z", "02.120"), "not an RFC 3339 time");
    assert!(matches!(Leaf::parse(b"\xff"), Err(LeafError::Malformed(_))));
}

/// What archives must not stop where a newer program writes.
#[test]
fn a_frame_is_read_whatever_stands_in_it() {
    fn check(from: &str, to: &str, expect: &str) {
        let line = include_str!("leaves.jsonl").lines().next().expect("a line").replace(from, to);
        let found = Frame::read(line.as_bytes());
        let text = found.as_ref().map_or_else(ToString::to_string, |frame| frame.kind.clone());
        assert!(text.contains(expect), "{from} → {to}: {text}");
    }
    check("\"schema\":1", "\"schema\":2", "request.created");
    check("request.created", "request.made", "request.made");
    check("\"action\":\"s3.sync\",", "", "request.created");
    check("\"seq\":1", "\"seq\":2", "its id is not its subject and seq");
    check("\"prev\":\"0", "\"prev\":\"x", "is not a leaf hash");
    check("{\"data\"", "{ \"data\"", "not in canonical form");
    check("s3.sync", &"s".repeat(MAX_LEAF), "a leaf holds 32768");
}

#[test]
fn a_leaf_has_a_longest_length() {
    let make = |error: String| {
        let event = Event { time: at(0), fact: Fact::NotificationFailed { to: id("sns"), error } };
        let subject = Subject::Request(request_id());
        Leaf::make(&Place { source: SOURCE, subject: &subject, rno: Some(1) }, &Head::EMPTY, &event)
    };
    let around = make(String::new()).expect("it fits").bytes.len();
    assert_eq!(make("x".repeat(MAX_LEAF - around)).map(|leaf| leaf.bytes.len()), Ok(MAX_LEAF));
    assert_eq!(make("x".repeat(MAX_LEAF - around + 1)), Err(LeafError::TooLong(MAX_LEAF + 1)));
}

/// What is locked for years holds words as hashes only.
#[test]
fn the_text_of_a_fact_is_its_hash_in_the_leaf() {
    let with: Vec<_> = facts().iter().filter(|f| f.text().is_some()).map(Fact::kind).collect();
    let expect = [
        "request.created",
        "request.revoked",
        "info.requested",
        "info.supplied",
        "execution.failed",
        "agent.frozen",
        "log.recovered",
        "data.erased",
    ];
    assert_eq!(with, expect);
    for fact in facts() {
        let (text, written) = (fact.text().cloned(), json!(fact).to_string());
        assert!(text.is_none_or(|hash: Digest| written.contains(hash.as_str())));
    }
    let farthest = Time::from_millis(i64::MAX);
    assert_eq!(farthest.to_string().parse(), Ok(farthest), "every time that is written is read");
}
