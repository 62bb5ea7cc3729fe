//! Arbitrary plans: any people, groups, agents, digests and times, but often enough the ones that lead on.

use countersign_domain::Code;
use countersign_domain::event::{Decision, ExecutionOutcome};
use countersign_domain::review::{Evaluation, Excluded, Outcome, Relation};
use countersign_domain::time::Seconds;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::kit::{PEOPLE, evaluation, gate, id, rules};
use crate::plan::{Act, Age, Pass, Plan};

/// Runs `test` on so many values, the same ones each time.
pub fn for_all<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::XorShift));
    let result = runner.run(strategy, |value| {
        test(value);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

/// A plan of up to so many steps.
pub fn plan(steps: usize) -> impl Strategy<Value = Plan> {
    let ask = (
        policy(),
        any::<bool>(),
        prop::option::weighted(0.15, (person(), any::<bool>())),
        prop::option::weighted(0.2, 1..300_u32),
        prop::option::weighted(0.3, 0..3_u8),
    );
    (ask, vec((pass(), act()), 1..steps)).prop_map(
        |((evaluation, executor, acts_for, expires, consume), steps)| Plan {
            evaluation,
            executor,
            acts_for,
            expires,
            consume,
            steps,
        },
    )
}

fn person() -> impl Strategy<Value = usize> {
    0..PEOPLE.len()
}

fn pass() -> impl Strategy<Value = Pass> {
    prop_oneof![
        12 => (-2_000..5_000_i64).prop_map(Pass::By),
        2 => (5_000..60_000_i64).prop_map(Pass::By),
        2 => select(vec![-1, 0, 1, 1_000]).prop_map(Pass::Due),
    ]
}

fn policy() -> impl Strategy<Value = Evaluation> {
    let level = |after: u32| {
        (Just(after), select(vec!["ops", "security", "leads", "@sam+ops", "ops+leads", "staff"]))
    };
    let levels = prop_oneof![
        3 => vec(level(0), 1),
        1 => (level(0), level(20)).prop_map(|(a, b)| vec![a, b]),
        1 => (level(0), level(20), level(60)).prop_map(|(a, b, c)| vec![a, b, c]),
    ];
    let gates = prop_oneof![
        6 => vec((1..3_u8, levels.clone()), 1),
        2 => vec((1..3_u8, levels), 2),
        // Not to be decided before a level that admits who voted in the other gate.
        1 => Just(vec![(1, vec![(0, "ops")]), (2, vec![(0, "leads"), (20, "ops")])]),
    ];
    let times = (select(vec![30, 120, 120, 3600]), select(vec![10, 600]), select(vec![15, 90, 90]), 1..3_u8);
    let flags = (prop::bool::weighted(0.15), btree_map(person(), btree_set(relation(), 1..3), 0..2));
    (0..12_u8, gates, times, flags).prop_map(
        |(which, gates, (review_for, ttl, answer, rejects), (comment, bound))| {
            let mut rules = rules();
            rules.review_for = Seconds(review_for);
            rules.approval_ttl = Seconds(ttl);
            rules.answer_within = Seconds(answer);
            rules.rejects = rejects;
            rules.require_comment = comment;
            let outcome = match which {
                0 => Outcome::Deny { code: Code::PolicyDenied },
                1 => Outcome::Allow { approval_ttl: rules.approval_ttl, record: rules.record },
                _ => {
                    let gates = gates.iter().zip(["one", "two"]);
                    let gates = gates.map(|((quorum, levels), name)| gate(name, *quorum, levels)).collect();
                    Outcome::Review { gates, rules }
                }
            };
            let excluded: Excluded = bound.into_iter().map(|(who, why)| (id(PEOPLE[who].0), why)).collect();
            evaluation(outcome, excluded)
        },
    )
}

fn relation() -> impl Strategy<Value = Relation> {
    select(vec![Relation::Owner, Relation::CanActAs, Relation::OnBehalfOf, Relation::Delegation])
}

fn act() -> impl Strategy<Value = Act> {
    let rarely = || prop::bool::weighted(0.08);
    let decision = || {
        prop_oneof![
            10 => Just(Decision::Approve),
            2 => Just(Decision::Reject),
            3 => Just(Decision::RequestInfo),
        ]
    };
    let age = prop_oneof![
        6 => Just(Age::Chat),
        1 => Just(Age::Unknown),
        3 => select(vec![0, 899_999, 900_000, 900_001]).prop_map(Age::Millis),
    ];
    let groups = prop::option::weighted(0.1, person());
    let words = prop::bool::weighted(0.9);
    let decide = (person(), decision(), rarely(), groups, rarely(), age, words).prop_map(
        |(who, decision, stale, groups, bound, age, words)| Act::Decide {
            who,
            decision,
            stale,
            groups,
            bound,
            age,
            words,
        },
    );
    let by = || prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    let outcome =
        select(vec![ExecutionOutcome::Succeeded, ExecutionOutcome::Failed, ExecutionOutcome::Unknown]);
    let channel = || select(vec!["slack:CONE0", "slack:CTWO0", "sns"]);
    let code = || select(vec![Code::NotEligible, Code::Expired]);
    let freeze = (0..3_usize, prop_oneof![3 => Just(5), 1 => person()]);
    prop_oneof![
        40 => (person(), decision(), prop::option::weighted(0.3, policy().prop_map(Box::new)))
            .prop_map(|(who, decision, new)| Act::LeadOn { who, decision, new }),
        10 => decide,
        4 => (by(), prop::option::of(policy().prop_map(Box::new)))
            .prop_map(|(by, revision)| Act::Respond { by, revision }),
        1 => by().prop_map(|by| Act::Withdraw { by }),
        8 => (by(), 0..3_u8, rarely()).prop_map(|(by, attempt, stale)| Act::Consume { by, attempt, stale }),
        4 => (by(), outcome).prop_map(|(by, outcome)| Act::Report { by, outcome }),
        1 => (0..4_u8, person(), -5_000..5_000_i64)
            .prop_map(|(because, who, mark)| Act::Revoke { because, who, mark }),
        4 => Just(Act::Tick),
        2 => channel().prop_map(|channel| Act::Sent { channel }),
        1 => channel().prop_map(|channel| Act::NotSent { channel }),
        1 => (prop::option::of(person()), code()).prop_map(|(who, code)| Act::RefusedDecision { who, code }),
        1 => (by(), code()).prop_map(|(by, code)| Act::RefusedExecution { by, code }),
        1 => freeze.clone().prop_map(|(agent, who)| Act::Freeze { agent, who }),
        // The stranger is never frozen: in its place a person erases.
        1 => freeze.prop_map(|(agent, who)| match agent {
            2 => Act::Erase { who },
            _ => Act::Unfreeze { agent, who },
        }),
    ]
}
