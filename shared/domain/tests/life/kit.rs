//! The names of these tests: people and their groups, agents, digests, instants, and policy's answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::str::FromStr;

use countersign_domain::event::{Actor, Evidence};
use countersign_domain::review::{Evaluation, Excluded, Gate, Level, Outcome, Reviewer, Rules};
use countersign_domain::time::Seconds;
use countersign_domain::{AgentId, Digest, GroupName, PersonId, RequestId, Time};

/// Where the tests' clock starts: 2026-11-25T00:00:00Z.
const START: i64 = 1_795_564_800_000;

/// Who there is, and their groups. Sam reviews nothing.
pub const PEOPLE: [(&str, &str); 7] = [
    ("ann", "ops"),
    ("ben", "ops"),
    ("cyd", "ops+security"),
    ("dan", "leads"),
    ("eve", "security"),
    ("root", "admins"),
    ("sam", "staff"),
];

/// What `text` names.
pub fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// `millis` after the start.
pub fn at(millis: i64) -> Time {
    Time::from_millis(START + millis)
}

/// How long after the start, in milliseconds.
pub fn since_start(time: Time) -> i64 {
    time.millis() - START
}

pub fn request_id() -> RequestId {
    id("req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW")
}

/// `agent` asks, `executor` may be named by it, `stranger` has no part in it.
pub fn agent(name: &str) -> AgentId {
    AgentId::of("role", "123456789012", name)
}

/// The digest of the revision of this number.
pub fn digest(revision: u32) -> Digest {
    hash(&format!("revision {revision}"))
}

pub fn hash(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// `ops+security` as groups.
pub fn groups(text: &str) -> BTreeSet<GroupName> {
    text.split('+').filter(|name| !name.is_empty()).map(id).collect()
}

/// The groups that a person is in.
pub fn groups_of(person: &str) -> BTreeSet<GroupName> {
    let found = PEOPLE.iter().find(|(name, _)| *name == person);
    groups(found.unwrap_or_else(|| panic!("nobody is called {person}")).1)
}

pub fn slack(person: &str) -> Actor {
    Actor { person: id(person), evidence: Evidence::Slack { workspace: "T0SPACE".into() } }
}

pub fn api(person: &str, auth_time: Option<Time>) -> Actor {
    let evidence = Evidence::Api { issuer: "https://idp.example".into(), auth_time, amr: BTreeSet::new() };
    Actor { person: id(person), evidence }
}

/// One hour to decide, 15 minutes to consume, 10 minutes in all for answers.
pub fn rules() -> Rules {
    Rules {
        review_for: Seconds(3600),
        approval_ttl: Seconds(900),
        answer_within: Seconds(600),
        rejects: 1,
        require_comment: false,
        max_auth_age: Seconds(900),
        cool_down: Seconds(0),
        record: BTreeSet::from(["target".into()]),
    }
}

/// A gate with these levels: when each begins, and who may decide from then on (`ops`, `@ann`). Each has a channel
/// of its own.
pub fn gate(profile: &str, quorum: u8, levels: &[(u32, &str)]) -> Gate {
    let reviewer = |name: &str| match name.strip_prefix('@') {
        Some(person) => Reviewer::Person(id(person)),
        None => Reviewer::Group(id(name)),
    };
    let level = |(n, (after, reviewers)): (usize, &(u32, &str))| Level {
        after: Seconds(*after),
        reviewers: reviewers.split('+').map(reviewer).collect(),
        channels: BTreeSet::from([id(&format!("slack:C{}{n}", profile.to_uppercase()))]),
    };
    Gate { profile: id(profile), quorum, levels: levels.iter().enumerate().map(level).collect() }
}

pub fn evaluation(outcome: Outcome, excluded: Excluded) -> Evaluation {
    Evaluation {
        policy_digest: hash("policy").into(),
        determining: vec!["route s3.*".into()],
        outcome,
        excluded,
    }
}

/// Nobody is excluded and nobody claimed.
pub fn nobody<V>() -> BTreeMap<PersonId, V> {
    BTreeMap::new()
}
