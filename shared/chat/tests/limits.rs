//! Whatever an agent sends: a message stays within Slack's limits, and foreign text stays in preformatted text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod common;

use common::{at, card, strings};
use countersign_chat::card::{Answer, Card, CardState, GateState, LogShown, VoteShown};
use countersign_chat::slack::blocks::{MAX_BLOCKS, MAX_BYTES};
use countersign_chat::slack::modals::{self, Next};
use countersign_chat::slack::{About, Place, render};
use countersign_chat::text::is_hidden;
use countersign_domain::Nonce;
use countersign_domain::event::{Ballot, Decision};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Stands in every foreign text, so that it can be found wherever it goes.
const SIGN: &str = "zQ7";

/// Foreign text: any Unicode, markup, padding, quotes; from nothing to more than a card can hold.
fn foreign() -> impl Strategy<Value = String> {
    let bits = prop_oneof![
        4 => any::<char>().prop_map(String::from),
        2 => "[a-zA-Z0-9/:._-]{1,12}",
        1 => prop_oneof![
            Just("<!channel>"), Just("<https://evil.example|x>"), Just("<!date^1^{date}|x>"), Just("*"), Just("```"),
            Just("&amp;"), Just("\u{202e}"), Just("\n\n\n\n"), Just("          "), Just("\"\"\"\\\\\\"), Just("😀"),
        ].prop_map(str::to_owned),
        1 => Just(SIGN.to_owned()),
    ];
    let short = vec(bits, 0..60).prop_map(|bits| bits.concat());
    (short, prop_oneof![4 => Just(1usize), 1 => 1usize..40])
        .prop_map(|(text, times)| format!("{SIGN}{}", text.repeat(times)))
}

fn arguments() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        foreign().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((foreign(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    vec((foreign(), value), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

fn state() -> impl Strategy<Value = CardState> {
    let by = || vec(foreign(), 0..4);
    prop_oneof![
        4 => Just(CardState::Pending { deadline: at(60) }),
        1 => (foreign(), foreign()).prop_map(|(question, asked_by)| CardState::NeedsInfo { question, asked_by, answer_by: at(9) }),
        1 => by().prop_map(|by| CardState::Approved { by, at: at(1), valid_until: at(2) }),
        1 => (by(), option::of(foreign())).prop_map(|(by, reason)| CardState::Rejected { by, at: at(1), reason }),
        1 => option::of(foreign()).prop_map(|reason| CardState::Withdrawn { at: at(1), reason }),
        1 => (option::of(foreign()), option::of(foreign()))
            .prop_map(|(by, reason)| CardState::Revoked { by, at: at(1), reason }),
        1 => Just(CardState::Unknown { at: at(1) }),
    ]
}

prop_compose! {
    fn cards()(
        (state, action, target, arguments, agent_name) in (state(), foreign(), foreign(), arguments(), foreign()),
        (on_behalf_of, executor, justification) in (option::of(foreign()), option::of(foreign()), option::of(foreign())),
        delegation_chain in vec(foreign(), 0..6),
        answers in vec((foreign(), foreign(), foreign()), 0..4),
        (people, gates) in (vec(foreign(), 0..12), 0u8..9),
        facts in vec((foreign(), foreign()), 0..12),
        require_comment in any::<bool>(),
    ) -> Card {
        let answer = |(asked_by, question, answer)| Answer { asked_by, question, answer };
        let gate = |n| {
            let profile = format!("{n}{}", "_".repeat(63)).parse().unwrap();
            GateState { profile, quorum: 255, approvals: 255, level: 255 }
        };
        Card {
            state, action, target, arguments, agent_name, on_behalf_of, executor, justification, delegation_chain,
            answers: answers.into_iter().map(answer).collect(),
            votes: people.into_iter().map(|person| VoteShown { person, ballot: Ballot::Approve }).collect(),
            gates: (0..gates).map(gate).collect(),
            facts, require_comment,
            log: Some(LogShown { size: u64::MAX, root: [0xff; 32] }),
            nonce: Nonce::new([0xab; 16]),
            ..card()
        }
    }
}

/// Foreign text in its place, nothing hidden, no nonce, and the form that Slack asks of each string.
fn well_formed(json: &Value) -> Result<(), TestCaseError> {
    for (path, text) in strings(json) {
        if path.ends_with("<rich_text_preformatted>/elements/*<text>/text") {
            prop_assert!(text.encode_utf16().count() <= 3_000, "{path}: too long");
        } else {
            prop_assert!(!text.contains(SIGN), "foreign text at {path}: {text:?}");
        }
        prop_assert!(!text.is_empty(), "nothing at {path}");
        prop_assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "hidden at {path}: {text:?}");
        prop_assert!(!text.contains(&"ab".repeat(16)), "the nonce at {path}");
        let most = match path.rsplit('/').next() {
            Some("value") => 2_000,
            Some("private_metadata") => 3_000,
            _ if path.contains("/title/") => 24,
            _ if path.contains("<header>") => 150,
            _ if path.contains("<button>/text") => 75,
            _ => 3_000,
        };
        prop_assert!(text.chars().count() <= most, "{path} has more than {most}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_message_is_literal_and_within_the_limits(card in cards()) {
        let message = render(&card);
        prop_assert!(message.blocks.len() <= MAX_BLOCKS);
        let json = serde_json::to_value(&message).unwrap();
        let bytes = json.to_string().len();
        prop_assert!(bytes <= MAX_BYTES, "{bytes} bytes");
        well_formed(&json)?;
        let ended = !matches!(card.state, CardState::Pending { .. } | CardState::NeedsInfo { .. });
        prop_assert_eq!(ended, !json.to_string().contains("\"button\""));
    }

    #[test]
    fn a_view_is_literal_and_within_the_limits(card in cards()) {
        let place = Place { channel: "C0A".into(), ts: "1.2".into() };
        for decision in [Decision::Approve, Decision::Reject, Decision::RequestInfo] {
            if let Next::Open(view) = modals::next(&card, decision, &About::card(&card), &place) {
                prop_assert!(view.0["blocks"].as_array().unwrap().len() <= 100);
                prop_assert!(view.0.to_string().len() <= 250_000);
                well_formed(&view.0)?;
            }
        }
    }
}

#[test]
fn the_fullest_card_fits() {
    // Text whose every character takes two bytes in JSON, in every place at once.
    let full = "zQ7\"".repeat(2_000);
    let mut card = card();
    for text in [&mut card.action, &mut card.target, &mut card.agent_name] {
        *text = full.clone();
    }
    for text in [&mut card.on_behalf_of, &mut card.executor, &mut card.justification] {
        *text = Some(full.clone());
    }
    let answer = Answer { asked_by: full.clone(), question: full.clone(), answer: full.clone() };
    card.answers = vec![answer; 5];
    card.delegation_chain = vec![format!("p\u{430}{full}"); 9];
    card.facts = vec![(full.clone(), full.clone()); 9];
    card.arguments.insert("\u{202e}\u{5d0}\u{430}b".to_owned(), full.clone().into());
    let gate =
        GateState { profile: "p".repeat(64).parse().unwrap(), quorum: 255, approvals: 255, level: 200 };
    card.gates = vec![gate; 9];
    card.votes = vec![VoteShown { person: full.clone(), ballot: Ballot::Approve }; 20];
    let by = vec![full.clone(); 5];
    for state in [
        card.state.clone(),
        CardState::NeedsInfo { question: full.clone(), asked_by: full.clone(), answer_by: at(1) },
        CardState::Rejected { by: by.clone(), at: at(1), reason: Some(full.clone()) },
        CardState::Revoked { by: Some(full.clone()), at: at(1), reason: Some(full.clone()) },
    ] {
        card.state = state;
        let message = serde_json::to_string(&render(&card)).unwrap();
        assert!(message.len() <= MAX_BYTES, "{} bytes: {}", message.len(), card.state.headline());
        assert!(message.len() > 8_000, "{} bytes: the test is not full", message.len());
    }
}
