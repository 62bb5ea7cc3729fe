//! What holds for every policy and every ask.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::review::{Evaluation, Outcome};
use countersign_policy::{Alias, Ask, Policy};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

const PEOPLE: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];
const GROUPS: [&str; 3] = ["g0", "g1", "g2"];
const AGENTS: [&str; 4] = ["aws:1:role/a", "aws:1:role/b", "aws:1:sso/R/ann", "oidc:https://i.example#bob"];

/// A policy as blocks of TOML: people, agents and profiles may stand in any order, routes may not.
#[derive(Debug, Clone)]
struct Blocks {
    people: Vec<String>,
    agents: Vec<String>,
    routes: Vec<String>,
    profiles: Vec<String>,
}

impl Blocks {
    fn load(&self) -> Policy {
        let profiles = format!("{}{}", self.routes.concat(), self.profiles.concat());
        let files = [
            ("people.toml", self.people.concat()),
            ("agents.toml", self.agents.concat()),
            ("profiles.toml", profiles),
        ];
        let files: BTreeMap<_, _> = files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into();
        Policy::load(&files).unwrap_or_else(|e| panic!("{e}\n{self:#?}"))
    }
}

fn blocks() -> impl Strategy<Value = Blocks> {
    // Every group has its first member, so that each exists.
    let people = vec(subsequence(GROUPS.to_vec(), 0..3), PEOPLE.len()).prop_map(|groups| {
        let person = |(i, mut groups): (usize, Vec<&str>)| {
            if let Some(group) = GROUPS.get(i).filter(|group| !groups.contains(group)) {
                groups.push(group);
            }
            let id = PEOPLE[i];
            format!(
                "[person.{id}]\nname = \"{id}\"\ngroups = {groups:?}\naliases = \
                 [\"email:{id}@example.com\", \"sso:{id}\", \"oidc:https://i.example#{id}\"]\n"
            )
        };
        groups.into_iter().enumerate().map(person).collect()
    });
    let holder = || {
        prop_oneof![
            prop::sample::select(PEOPLE.to_vec()).prop_map(str::to_owned),
            prop::sample::select(GROUPS.to_vec()).prop_map(|group| format!("group:{group}")),
        ]
    };
    let pattern = prop::sample::select(vec!["aws:1:role/a", "aws:*:role/*", "aws:*", "oidc:*#bob"]);
    let agent =
        (pattern, btree_set(holder(), 1..3), btree_set(holder(), 0..2)).prop_map(|(pattern, owners, act)| {
            format!(
                "[[agent]]\npattern = \"{pattern}\"\nowners = {:?}\ncan_act_as = {:?}\n",
                list(owners),
                list(act)
            )
        });
    let reviewers =
        || btree_set(holder().prop_map(|h| if h.contains(':') { h } else { format!("person:{h}") }), 1..4);
    let profile = (reviewers(), 1..4_u32, reviewers(), 1..4_u32, any::<bool>());
    let profiles = vec(profile, 4).prop_map(|profiles| {
        let profile = |(i, (reviewers, hours, later, half, comment)): (usize, (_, u32, _, u32, bool))| {
            format!(
                "[profile.{}]\nreviewers = {:?}\nchannels = [\"sns\"]\nreview_for = \"{hours}h\"\n\
                 levels = [{{ after = \"{}m\", reviewers = {:?} }}]\nrequire_comment = {comment}\n",
                ["default", "p1", "p2", "p3"][i],
                list(reviewers),
                (half * 30).min(hours * 60 - 1),
                list(later),
            )
        };
        profiles.into_iter().enumerate().map(profile).collect()
    });
    let route = prop_oneof![
        Just("outcome = \"allow\"\n".to_owned()),
        Just("outcome = \"deny\"\n".to_owned()),
        subsequence(vec!["default", "p1", "p2", "p3"], 1..4)
            .prop_map(|profiles| format!("outcome = \"review\"\nprofiles = {profiles:?}\n")),
    ];
    let routes = vec(route, 0..4).prop_map(|routes| {
        let route = |(i, rest)| format!("[[route]]\naction = \"{}\"\n{rest}", ["x", "y*", "z", "*"][i]);
        routes.into_iter().enumerate().map(route).collect()
    });
    (people, vec(agent, 0..4), routes, profiles).prop_map(|(people, agents, routes, profiles)| Blocks {
        people,
        agents,
        routes,
        profiles,
    })
}

fn list(set: BTreeSet<String>) -> Vec<String> {
    set.into_iter().collect()
}

/// An ask that owns its parts.
#[derive(Debug, Clone)]
struct Owned {
    agent: &'static str,
    action: &'static str,
    session: Option<String>,
    verified: Vec<Alias>,
    on_behalf_of: Option<String>,
    chain: Vec<String>,
}

impl Owned {
    fn ask(&self) -> Ask<'_> {
        Ask {
            action: self.action,
            agent: self.agent,
            sso_session: self.session.as_deref(),
            verified: &self.verified,
            on_behalf_of: self.on_behalf_of.as_deref(),
            delegation_chain: &self.chain,
        }
    }
}

fn claim() -> impl Strategy<Value = String> {
    let person = prop::sample::select(PEOPLE.to_vec());
    let form = prop::sample::select(vec!["", "sso:", "person:", "@", "oidc:https://i.example#"]);
    prop_oneof![
        4 => (person, form).prop_map(|(person, form)| match form {
            "@" => format!("{person}@EXAMPLE.com"),
            form => format!("{form}{person}"),
        }),
        1 => any::<String>(),
    ]
}

fn owned() -> impl Strategy<Value = Owned> {
    let verified = prop::sample::select(PEOPLE.to_vec())
        .prop_map(|person| format!("email:{person}@example.com").parse().expect("an alias"));
    (
        prop::sample::select(AGENTS.to_vec()),
        prop::sample::select(vec!["x", "yy", "z", "w"]),
        prop::option::of(claim()),
        vec(verified, 0..2),
        prop::option::of(claim()),
        vec(claim(), 0..3),
    )
        .prop_map(|(agent, action, session, verified, on_behalf_of, chain)| Owned {
            agent,
            action,
            session,
            verified,
            on_behalf_of,
            chain,
        })
}

fn strength(evaluation: &Evaluation) -> u8 {
    match evaluation.outcome {
        Outcome::Allow { .. } => 0,
        Outcome::Review { .. } => 1,
        Outcome::Deny { .. } => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_claim_never_weakens_an_answer(
        blocks in blocks(), owned in owned(), more in claim(), place in any::<Index>(),
    ) {
        let policy = blocks.load();
        let before = policy.evaluate(&owned.ask());
        let mut claiming = owned.clone();
        claiming.chain.insert(place.index(owned.chain.len() + 1), more.clone());
        let mut acting = owned.clone();
        acting.on_behalf_of.get_or_insert(more);
        for bolder in [claiming, acting] {
            let after = policy.evaluate(&bolder.ask());
            prop_assert!(strength(&after) >= strength(&before), "{:?} {:?}", before, after);
            for (person, relations) in &before.excluded {
                prop_assert!(after.excluded.get(person).is_some_and(|now| now.is_superset(relations)));
            }
            if let (Outcome::Review { gates, rules }, Outcome::Review { gates: now, rules: today }) =
                (&before.outcome, &after.outcome)
            {
                prop_assert_eq!((gates, rules), (now, today));
            }
        }
    }

    #[test]
    fn a_review_can_be_met_by_independent_people_and_a_lone_gate_ends_it(blocks in blocks(), owned in owned()) {
        let policy = blocks.load();
        let evaluation = policy.evaluate(&owned.ask());
        let bound = policy.relations(&owned.ask());
        for (person, relations) in &evaluation.excluded {
            prop_assert_eq!(bound.get(person), Some(relations));
        }
        if let Outcome::Review { gates, rules } = &evaluation.outcome {
            for gate in gates {
                prop_assert!(gate.levels[0].after.0 == 0 && gate.levels.iter().all(|l| l.after < rules.review_for));
                let last = u8::try_from(gate.levels.len() - 1).expect("few levels");
                let eligible: Vec<_> = policy.people().filter(|p| gate.admits(&p.id, &p.groups, last)).collect();
                let independent = eligible.iter().filter(|p| !bound.contains_key(&p.id)).count();
                prop_assert!(independent >= usize::from(gate.quorum));
                for person in eligible {
                    prop_assert_eq!(evaluation.excluded.get(&person.id), bound.get(&person.id));
                }
            }
        }
    }

    #[test]
    fn the_order_of_entries_changes_nothing(
        (blocks, shuffled) in blocks().prop_flat_map(|blocks| {
            let shuffled = (
                Just(blocks.people.clone()).prop_shuffle(),
                Just(blocks.agents.clone()).prop_shuffle(),
                Just(blocks.profiles.clone()).prop_shuffle(),
            );
            let routes = blocks.routes.clone();
            let shuffled = shuffled.prop_map(move |(people, agents, profiles)| {
                Blocks { people, agents, routes: routes.clone(), profiles }
            });
            (Just(blocks), shuffled)
        }),
        owned in owned(),
    ) {
        let (one, other) = (blocks.load(), shuffled.load());
        let (before, mut after) = (one.evaluate(&owned.ask()), other.evaluate(&owned.ask()));
        after.policy_digest.clone_from(&before.policy_digest);
        prop_assert_eq!(before, after);
        prop_assert_eq!(one.relations(&owned.ask()), other.relations(&owned.ask()));
    }

    #[test]
    fn a_damaged_directory_is_a_policy_or_an_error_and_never_a_panic(
        blocks in blocks(), file in 0..3_usize, at in any::<Index>(), bytes in vec(any::<u8>(), 0..4), cut in 0..4_usize,
    ) {
        let profiles = format!("{}{}", blocks.routes.concat(), blocks.profiles.concat());
        let mut texts = [blocks.people.concat(), blocks.agents.concat(), profiles].map(String::into_bytes);
        let start = at.index(texts[file].len() + 1);
        let end = (start + cut).min(texts[file].len());
        texts[file].splice(start..end, bytes);
        let names = ["people.toml", "agents.toml", "profiles.toml"].map(str::to_owned);
        if let Err(error) = Policy::load(&names.into_iter().zip(texts).collect()) {
            prop_assert!(error.to_string().contains(".toml"), "{}", error);
        }
    }
}
