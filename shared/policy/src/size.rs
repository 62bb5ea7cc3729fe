//! What a review may come to in the log. A review whose decision did not fit its leaf could never be decided, so a
//! policy that allows one is none.

use countersign_domain::event::{Actor, Ballot, Event, Evidence, Fact, Vote};
use countersign_domain::ids::{InvalidId, RequestId};
use countersign_domain::leaf::{Head, Leaf, LeafError, MAX_LEAF, Place, Subject};
use countersign_domain::review::{Evaluation, Excluded, Gate, Outcome, Reviewer, Rules};
use countersign_domain::{Digest, Time};

/// What is left of a leaf for the fields that the log holds in clear, and for the people bound to the agent.
const ROOM: usize = MAX_LEAF / 2;

/// Longer than issuers and workspaces are.
const LONGEST_ISSUER: usize = 256;

/// As many words of `amr`, and as long ones, as a token's verifier keeps.
const MOST_METHODS: usize = 8;
const LONGEST_METHOD: usize = 16;

/// Longer than the names of stacks are.
const LONGEST_SOURCE: usize = 160;

/// Why a review under these gates and rules would not fit the log, if so.
pub(crate) fn too_large(gates: &[Gate], rules: &Rules) -> Option<String> {
    let evaluation = Evaluation {
        policy_digest: Digest::of(b"").into(),
        determining: vec!["x".repeat(128)],
        outcome: Outcome::Review { gates: gates.to_vec(), rules: rules.clone() },
        excluded: Excluded::new(),
    };
    let evaluated = Fact::Evaluated {
        revision: u32::MAX,
        digest: Digest::of(b""),
        evaluation,
        recorded: Default::default(),
        valid_until: None,
    };
    let votes = match worst_votes(gates, rules) {
        Ok(votes) => votes,
        Err(error) => return Some(error.to_string()),
    };
    let decided = Fact::Approved {
        digest: Digest::of(b""),
        votes,
        valid_until: Time::from_millis(0),
        latency_ms: u64::MAX,
    };
    for (what, fact, room) in [("gates", evaluated, ROOM), ("votes", decided, MAX_LEAF)] {
        let size = size(fact);
        if size > room {
            return Some(format!(
                "its {what} may take {size} bytes of the log, which has {room} for them; ask fewer people, or name fewer \
                 groups, levels and channels"
            ));
        }
    }
    None
}

/// As many votes as there can be, each with all that it may hold.
fn worst_votes(gates: &[Gate], rules: &Rules) -> Result<Vec<Vote>, InvalidId> {
    let reviewers = gates.iter().flat_map(|gate| &gate.levels).flat_map(|level| &level.reviewers);
    let group = |reviewer: &Reviewer| match reviewer {
        Reviewer::Group(group) => Some(group.clone()),
        Reviewer::Person(_) => None,
    };
    let evidence = Evidence::Api {
        issuer: "x".repeat(LONGEST_ISSUER),
        auth_time: Some(Time::from_millis(0)),
        amr: (0..MOST_METHODS).map(|n| format!("{n:0>LONGEST_METHOD$}")).collect(),
    };
    let vote = Vote {
        actor: Actor { person: "x".repeat(64).parse()?, evidence },
        ballot: Ballot::Approve,
        gates: gates.iter().map(|gate| gate.profile.clone()).collect(),
        groups: reviewers.filter_map(group).collect(),
        shown: Some(Digest::of(b"")),
        comment: Some(Digest::of(b"")),
        at: Time::from_millis(0),
    };
    let count = gates.iter().map(|gate| usize::from(gate.quorum)).sum::<usize>() + usize::from(rules.rejects);
    Ok(vec![vote; count])
}

fn size(fact: Fact) -> usize {
    let subject = Subject::Request(RequestId::from_parts(0, 0));
    let source = "x".repeat(LONGEST_SOURCE);
    let place = Place { source: &source, subject: &subject, rno: Some(u64::from(u32::MAX)) };
    let event = Event { time: Time::from_millis(0), fact };
    match Leaf::make(&place, &Head::EMPTY, &event) {
        Ok(leaf) => leaf.bytes.len(),
        Err(LeafError::TooLong(bytes)) => bytes,
        Err(_) => usize::MAX,
    }
}
