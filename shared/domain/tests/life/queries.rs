//! Leaves for the queries of infra/athena to be tried on: tests/queries reads queries.jsonl, which holds these, byte for byte.

use std::collections::BTreeMap;

use countersign_domain::event::{Actor, Ballot, Event, Evidence, Fact, Vote};
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::review::Outcome;
use countersign_domain::{Digest, RequestId, Time};

use crate::kit::{agent, digest, evaluation, gate, groups, hash, id, nobody, rules, slack};

/// One request: when it was made, what it is about, and how it ended.
struct Life {
    created: &'static str,
    /// What it was about, under another profile, before it was revised.
    revises: Option<&'static str>,
    action: &'static str,
    target: Option<&'static str>,
    gates: &'static [&'static str],
    votes: Vec<(Actor, Ballot)>,
    latency_ms: u64,
    approved: bool,
}

fn api(person: &str, amr: &[&str]) -> Actor {
    let amr = amr.iter().map(|word| (*word).to_owned()).collect();
    Actor {
        person: id(person),
        evidence: Evidence::Api { issuer: "https://idp.example".into(), auth_time: None, amr },
    }
}

/// Of the quarter from July to September but for the first and the last, which are a moment off.
fn lives() -> Vec<Life> {
    use Ballot::{Approve, Reject};
    let life = |created, action, target, gates, votes: &[(Actor, Ballot)], latency_ms, approved| Life {
        created,
        revises: (action == "db.migrate").then_some("as first asked"),
        action,
        target,
        gates,
        votes: votes.to_vec(),
        latency_ms,
        approved,
    };
    vec![
        life(
            "2026-06-30T23:59:59.998Z",
            "s3.sync",
            Some("before"),
            &["default"],
            &[(slack("cyd"), Approve)],
            1,
            true,
        ),
        // Made before, decided within.
        life(
            "2026-06-30T23:59:59.999Z",
            "s3.sync",
            Some("over the turn"),
            &["default"],
            &[(slack("cyd"), Approve)],
            1_000,
            true,
        ),
        life(
            "2026-07-10T08:00:00.000Z",
            "db.migrate",
            Some("a \"quoted\", 'target' €"),
            &["default", "security"],
            &[(api("ann", &["mfa", "pwd"]), Approve), (api("eve", &["pwd"]), Approve)],
            3_000,
            true,
        ),
        // The profile records nothing in clear.
        life(
            "2026-08-01T00:00:00.000Z",
            "vault.read",
            None,
            &["security"],
            &[(api("ann", &["hwk", "pin"]), Approve)],
            2_000,
            true,
        ),
        // The same two at the same time.
        life(
            "2026-08-02T00:00:00.000Z",
            "s3.sync",
            Some("same"),
            &["default"],
            &[(api("ben", &[]), Approve)],
            4_000,
            true,
        ),
        life(
            "2026-08-02T00:00:00.000Z",
            "s3.sync",
            Some("same"),
            &["default"],
            &[(api("ben", &["otp", "pwd"]), Approve)],
            4_000,
            true,
        ),
        life(
            "2026-09-01T00:00:00.000Z",
            "s3.sync",
            Some(""),
            &["default"],
            &[(slack("cyd"), Reject)],
            9_000,
            false,
        ),
        // One approval of two, and never decided.
        life(
            "2026-09-02T00:00:00.000Z",
            "s3.sync",
            Some("undecided"),
            &["default"],
            &[(api("eve", &["pwd"]), Approve)],
            0,
            false,
        ),
        life(
            "2026-10-01T00:00:00.000Z",
            "s3.sync",
            Some("after"),
            &["default"],
            &[(slack("cyd"), Approve)],
            1,
            true,
        ),
    ]
}

fn leaves() -> Vec<String> {
    lives().iter().zip(1..).flat_map(|(life, number)| leaves_of(life, number)).collect()
}

fn after(time: Time, millis: u64) -> Time {
    Time::from_millis(time.millis() + i64::try_from(millis).expect("not long"))
}

fn leaves_of(life: &Life, number: u64) -> Vec<String> {
    let created: Time = life.created.parse().expect("a time");
    let request = RequestId::from_parts(created.millis().unsigned_abs(), number.into());
    let (digest, decided) = (digest(number.try_into().expect("few")), after(created, life.latency_ms));
    let vote = |(actor, ballot): &(Actor, Ballot)| Vote {
        actor: actor.clone(),
        ballot: *ballot,
        gates: life.gates.iter().map(|gate| id(gate)).collect(),
        groups: groups("ops"),
        shown: None,
        comment: None,
        at: decided,
    };
    let votes: Vec<Vote> = life.votes.iter().map(vote).collect();
    let evaluated = |revision, digest: &Digest, gates: &[&str], target: Option<&str>| {
        let gates = gates.iter().map(|profile| gate(profile, 1, &[(0, "ops")])).collect();
        Fact::Evaluated {
            revision,
            digest: digest.clone(),
            evaluation: evaluation(Outcome::Review { gates, rules: rules() }, nobody()),
            recorded: target.map(|target| ("target".to_owned(), target.into())).into_iter().collect(),
            valid_until: None,
        }
    };
    let first = if life.revises.is_some() { hash("as first asked") } else { digest.clone() };
    let asked = Fact::Created {
        agent: agent("deploy"),
        agent_name: "aws:123456789012:role/deploy".into(),
        action: life.action.into(),
        digest: first.clone(),
        executor: None,
        on_behalf_of: BTreeMap::new(),
        expires_in: None,
        justification: None,
    };
    let mut facts = vec![(created, asked)];
    if let Some(target) = life.revises {
        facts.push((created, evaluated(1, &first, &["ops"], Some(target))));
        facts.push((created, Fact::Revised { revision: 2, digest: digest.clone(), justification: None }));
    }
    facts.push((created, evaluated(1 + u32::from(life.revises.is_some()), &digest, life.gates, life.target)));
    let cast = |vote: &Vote| (decided, Fact::VoteCast { digest: digest.clone(), vote: vote.clone() });
    facts.extend(votes.iter().map(cast));
    let (digest, latency_ms) = (digest.clone(), life.latency_ms);
    if life.approved {
        facts.push((decided, Fact::Approved { digest, votes, valid_until: decided, latency_ms }));
    } else if votes.iter().any(|vote| vote.ballot == Ballot::Reject) {
        facts.push((decided, Fact::Rejected { digest, votes, latency_ms }));
    }
    let (subject, mut head) = (Subject::Request(request), Head::EMPTY);
    let place = Place { source: "urn:countersign:prod", subject: &subject, rno: Some(number) };
    let make = |(time, fact)| {
        let leaf = Leaf::make(&place, &head, &Event { time, fact }).expect("it fits");
        head = leaf.head();
        String::from_utf8(leaf.bytes).expect("JSON")
    };
    facts.into_iter().map(make).collect()
}

#[test]
fn the_queries_are_tried_on_leaves_as_they_are_made() {
    assert_eq!(include_str!("queries.jsonl"), leaves().join("\n") + "\n");
}
