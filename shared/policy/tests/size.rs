//! The largest review that a policy may ask for fits the log and the table, down to its last vote.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::agent::AgentRef;
use countersign_domain::event::{Actor, Decision, Evidence, RefusedDecision};
use countersign_domain::leaf::{Head, Leaf, MAX_LEAF, Place, Subject};
use countersign_domain::request::{Command, Create, Decide};
use countersign_domain::review::Evaluation;
use countersign_domain::{
    AgentId, Code, Digest, GroupName, Request, RequestId, Status, Time, decide, evolve,
};
use countersign_policy::{Ask, Policy, PolicyError};

/// An item of the table holds 400 KB; STATE has some fields beside the snapshot.
const MAX_STATE: usize = 256 * 1024;

const PEOPLE: usize = 30;

/// A name as long as can be.
fn long(name: &str) -> String {
    format!("{name:x<64}")
}

fn person(n: usize) -> String {
    long(&format!("p{n:02}"))
}

/// As many gates with as many groups, all names of full length; everybody is in every group.
fn policy(gates: usize, groups: usize, quorum: usize) -> Result<Policy, PolicyError> {
    let names: Vec<String> = (0..groups).map(|n| long(&format!("g{n}"))).collect();
    let reviewers = names.iter().map(|name| format!("\"group:{name}\"")).collect::<Vec<_>>().join(", ");
    let profile = |name: &str, quorum: usize| {
        format!(
            "[profile.{name}]\nreviewers = [{reviewers}]\nchannels = [\"slack:C{}\"]\nquorum = {quorum}\n",
            "0".repeat(63)
        )
    };
    let gates: Vec<String> = (0..gates).map(|n| long(&format!("gate{n}"))).collect();
    let named = gates.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let mut profiles = format!("[[route]]\naction = \"a\"\noutcome = \"review\"\nprofiles = [{named}]\n");
    profiles += &profile("default", 1);
    profiles.extend(gates.iter().map(|name| profile(name, quorum)));
    let in_all = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let people: String =
        (0..PEOPLE).map(|n| format!("[person.{}]\nname = \"P\"\ngroups = [{in_all}]\n", person(n))).collect();
    let agents = format!("[[agent]]\npattern = \"aws:*\"\nowners = [\"{}\"]\n", person(0));
    let files = [("profiles.toml", profiles), ("people.toml", people), ("agents.toml", agents)];
    Policy::load(&files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into())
}

/// Why there is no such policy.
fn refused(gates: usize, groups: usize, quorum: usize) -> String {
    policy(gates, groups, quorum).map(drop).expect_err("too much").to_string()
}

/// Lives through a command; gives the length of the longest leaf.
fn execute(request: &mut Option<Request>, command: Command) -> usize {
    let id = RequestId::from_parts(1, 1);
    let subject = Subject::Request(id.clone());
    let place = Place { source: "urn:countersign:prod", subject: &subject, rno: Some(1) };
    let mut longest = 0;
    for event in decide(request.as_ref(), command, Time::from_millis(0)).expect("it is taken") {
        longest = longest.max(Leaf::make(&place, &Head::EMPTY, &event).expect("it fits").bytes.len());
        *request = Some(evolve(request.as_ref(), &event, Some(&id)).expect("it follows"));
    }
    longest
}

fn create(evaluation: Evaluation) -> Command {
    let agent = AgentRef { id: AgentId::of("role", "1", "x"), name: "aws:1:role/x".into() };
    Command::Create(Box::new(Create {
        id: RequestId::from_parts(1, 1),
        agent,
        action: "a".into(),
        digest: Digest::of(b""),
        executor: None,
        on_behalf_of: BTreeMap::new(),
        expires_in: None,
        justification: None,
        evaluation,
        recorded: BTreeMap::new(),
        consume: None,
    }))
}

/// Everything that can be in a snapshot, and every vote that can be cast, each as long as can be.
fn worst(policy: &Policy, groups: usize) -> (usize, usize) {
    let evaluation = policy.evaluate(&Ask { action: "a", agent: "aws:1:role/x", ..Default::default() });
    let mut request = None;
    let mut longest = execute(&mut request, create(evaluation));
    let groups: BTreeSet<GroupName> =
        (0..groups).map(|n| long(&format!("g{n}")).parse().expect("a group")).collect();
    let evidence = || Evidence::Api {
        issuer: "i".repeat(256),
        auth_time: Some(Time::from_millis(0)),
        amr: (0..8).map(|n| format!("{n:0>16}")).collect(),
    };
    for n in 0..PEOPLE * Code::ALL.len() {
        let person = Some(person(n % PEOPLE).parse().expect("a person"));
        let code = Code::ALL[n / PEOPLE];
        let refused = RefusedDecision {
            person,
            evidence: Some(evidence()),
            decision: Some(Decision::Approve),
            digest: None,
            code,
            relations: BTreeSet::new(),
        };
        execute(&mut request, Command::RecordRefusedDecision(refused));
        let by = AgentId::of("role", "1", &n.to_string());
        execute(&mut request, Command::RecordRefusedExecution { by, code });
    }
    let state = |request: &Option<Request>| serde_json::to_vec(request).expect("JSON").len();
    let mut largest = state(&request);
    // The first is the owner's and does not decide.
    for n in 1..PEOPLE {
        if request.as_ref().is_some_and(|r| r.status != Status::Pending) {
            break;
        }
        let vote = Decide {
            actor: Actor { person: person(n).parse().expect("a person"), evidence: evidence() },
            groups: groups.clone(),
            relations: BTreeSet::new(),
            decision: Decision::Approve,
            digest: Digest::of(b""),
            answers: None,
            text: Some(Digest::of(b"")),
            shown: Some(Digest::of(b"")),
        };
        longest = longest.max(execute(&mut request, Command::Decide(Box::new(vote))));
        largest = largest.max(state(&request));
    }
    assert_eq!(request.map(|r| r.status), Some(Status::Approved));
    (longest, largest)
}

#[test]
fn the_worst_that_a_policy_may_ask_for_fits_leaf_and_item() {
    let mut nearest = 0;
    for (gates, groups) in [(1, 1), (1, 16), (2, 4), (8, 1), (8, 4)] {
        let most = (1..=20).rev().find(|quorum| policy(gates, groups, *quorum).is_ok()).expect("a quorum");
        let (longest, largest) = worst(&policy(gates, groups, most).expect("a policy"), groups);
        assert!(longest <= MAX_LEAF, "{longest}");
        nearest = nearest.max(longest);
        assert!(largest <= MAX_STATE, "{largest}");
        if most < 20 {
            let error = refused(gates, groups, most + 1);
            assert!(error.starts_with("profiles.toml, route[0].profiles: its votes may take "), "{error}");
        }
    }
    assert!(nearest > MAX_LEAF * 3 / 4, "the limit is not far from what can be: {nearest}");
    // Of one gate, and one group of a name of any length, all that may be written holds.
    policy(1, 1, 20).expect("twenty of one group");
    let error = refused(9, 1, 1);
    assert_eq!(error, "profiles.toml, route[0].profiles: more than 8; merge some into one profile");
    let error = refused(8, 30, 1);
    assert!(error.starts_with("profiles.toml, route[0].profiles: its gates may take "), "{error}");
}
