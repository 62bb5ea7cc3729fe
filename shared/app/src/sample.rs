//! Samples for tests: an agent that asks, what policy says, and people who decide.
//!
//! Everything is the same in every run: times begin at [`at`]`(0)`, salts and nonces are fixed.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::agent::AgentRef;
use countersign_domain::event::{Actor, Decision, Evidence};
use countersign_domain::ids::{AgentId, ChannelName, GroupName, Origin, PersonId, RequestId};
use countersign_domain::refusal::Code;
use countersign_domain::request::{Command, Consume, Create, Decide, Request};
use countersign_domain::review::{
    ADMINS, Evaluation, Excluded, Gate, Level, Outcome, Relation, Reviewer, Rules,
};
use countersign_domain::time::Seconds;
use countersign_domain::{Action, Digest, Nonce, Time};
use serde_json::json;

use crate::store::{Ask, Idempotency, Words};

/// Which stack records.
pub const SOURCE: &str = "urn:countersign:sample";

/// The group that reviews.
pub const REVIEWERS: &str = "platform";

const NOON: i64 = 1_795_608_000_000;

/// So many seconds after noon of the sample day.
pub fn at(seconds: u32) -> Time {
    Time::from_millis(NOON) + Seconds(seconds)
}

/// What the text is the id or name of. Samples are right by construction; a wrong one stops the test.
#[allow(clippy::panic, reason = "a wrong sample is the test's own fault")]
fn parsed<T: std::str::FromStr<Err = countersign_domain::ids::InvalidId>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("a sample is wrong: {error}"))
}

/// The request number `n`: a greater number is a newer id.
pub fn id(n: u32) -> RequestId {
    RequestId::from_parts(1_795_608_000_000 + u64::from(n), 0x5A)
}

/// The agent of the role with this name.
pub fn agent(role: &str) -> AgentId {
    AgentId::of("role", "123456789012", role)
}

/// The log.
pub fn origin() -> Origin {
    parsed("sample.123456789012.eu-west-1/countersign")
}

/// A person.
pub fn person(id: &str) -> PersonId {
    parsed(id)
}

/// A channel.
pub fn channel(name: &str) -> ChannelName {
    parsed(name)
}

/// The groups of a reviewer.
pub fn reviewers() -> BTreeSet<GroupName> {
    BTreeSet::from([parsed(REVIEWERS)])
}

/// The groups of an admin.
pub fn admins() -> BTreeSet<GroupName> {
    BTreeSet::from([parsed(ADMINS)])
}

/// Free text with a salt that the text alone makes.
pub fn words(text: &str) -> Words {
    let salt = String::from(Digest::of(text.as_bytes())).chars().skip("sha256:".len()).take(32).collect();
    Words { text: text.to_owned(), salt }
}

/// An ask in clear of the role `deploy`.
pub fn ask(target: &str) -> Ask {
    let arguments = json!({"source": "s3://reports-staging/2026", "delete": true});
    Ask {
        action: Action {
            action: "s3.sync".into(),
            target: target.into(),
            arguments: arguments.as_object().cloned().unwrap_or_default(),
        },
        nonce: Nonce::new([7; 16]),
        agent_name: "aws:123456789012:role/deploy".into(),
        session: Some("build-4711".into()),
        sso_session: None,
        justification: Some(words("The reports of last year are to be published.")),
        on_behalf_of: Some("mallory".into()),
        delegation_chain: vec!["scheduler".into()],
    }
}

/// Policy sends it to one reviewer of [`REVIEWERS`], on these channels; dora may not decide.
pub fn review(channels: &[&str]) -> Evaluation {
    review_with(channels, |_, _| {})
}

/// The same with another gate or other rules.
pub fn review_with(channels: &[&str], change: impl FnOnce(&mut Gate, &mut Rules)) -> Evaluation {
    let mut gate = Gate {
        profile: parsed("data-export"),
        quorum: 1,
        levels: vec![Level {
            after: Seconds(0),
            reviewers: BTreeSet::from([Reviewer::Group(parsed(REVIEWERS))]),
            channels: channels.iter().map(|name| channel(name)).collect(),
        }],
    };
    let mut rules = Rules {
        review_for: Seconds(3600),
        approval_ttl: Seconds(900),
        answer_within: Seconds(1800),
        rejects: 1,
        require_comment: false,
        max_auth_age: Seconds(900),
        cool_down: Seconds(0),
        record: BTreeSet::new(),
    };
    change(&mut gate, &mut rules);
    evaluation(Outcome::Review { gates: vec![gate], rules })
}

/// Policy lets it run.
pub fn allow() -> Evaluation {
    evaluation(Outcome::Allow { approval_ttl: Seconds(900), record: BTreeSet::new() })
}

/// Policy denies it.
pub fn deny(code: Code) -> Evaluation {
    evaluation(Outcome::Deny { code })
}

fn evaluation(outcome: Outcome) -> Evaluation {
    Evaluation {
        policy_digest: Digest::of(b"policy").into(),
        determining: vec!["route s3.*".into()],
        outcome,
        excluded: Excluded::from([(person("dora"), BTreeSet::from([Relation::Owner]))]),
    }
}

/// The command by which the role asks.
pub fn create(id: &RequestId, role: &str, ask: &Ask, evaluation: Evaluation) -> Create {
    let agent = agent(role);
    Create {
        id: id.clone(),
        digest: ask.action.digest(&agent, &ask.nonce),
        agent: AgentRef { id: agent, name: format!("aws:123456789012:role/{role}") },
        action: ask.action.action.clone(),
        executor: None,
        on_behalf_of: BTreeMap::from([(person("mallory"), false)]),
        expires_in: None,
        justification: ask.justification.as_ref().map(Words::hash),
        evaluation,
        recorded: BTreeMap::new(),
        consume: None,
    }
}

/// The record of the key that made the request.
pub fn idempotency(role: &str, key: &str, request: &RequestId) -> Idempotency {
    let agent = agent(role);
    Idempotency {
        agent,
        key: key.to_owned(),
        body: Digest::of(key.as_bytes()),
        request: request.clone(),
        forget: at(8_000_000),
    }
}

/// A person who pressed a button in chat.
pub fn actor(name: &str) -> Actor {
    Actor { person: person(name), evidence: Evidence::Slack { workspace: "T0SAMPLE".into() } }
}

/// A reviewer says this of the request as it stands.
pub fn decide(request: &Request, name: &str, decision: Decision, text: Option<&Words>) -> Command {
    Command::Decide(Box::new(Decide {
        actor: actor(name),
        groups: reviewers(),
        relations: BTreeSet::new(),
        decision,
        digest: request.digest.clone(),
        answers: None,
        text: text.map(Words::hash),
        shown: None,
    }))
}

/// The role takes the right to run.
pub fn consume(request: &Request, role: &str) -> Command {
    Command::Consume(Consume {
        by: agent(role),
        digest: request.digest.clone(),
        attempt: Digest::of(b"attempt"),
        void_before: None,
        recovered: None,
    })
}
