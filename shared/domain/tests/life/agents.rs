//! Freezing an agent: who may, what it marks, and that the mark stays.

use countersign_domain::agent::{Agent, Command, decide, evolve};
use countersign_domain::event::{Actor, Fact};
use countersign_domain::{Code, GroupName};
use std::collections::BTreeSet;

use crate::history::History;
use crate::kit::{agent, api, at, groups, groups_of, id, since_start, slack};

/// Steps are `@<seconds> freeze` or `unfreeze` and a person; expected is the state, with the mark in seconds, or the code.
fn check(history: &str, expect: &str) {
    let mut after = History::default();
    let mut effect = String::new();
    for step in history.split(';') {
        let words: Vec<_> = step.split_whitespace().collect();
        let [time, verb, who] = words[..] else { panic!("{step}") };
        let now = at(time.trim_start_matches('@').parse::<i64>().expect("seconds") * 1000);
        let command = command(verb, slack(who), groups_of(who));
        effect = match after.execute_agent(&agent("agent"), command, now) {
            Ok(events) if events.is_empty() => "nothing".to_owned(),
            Ok(events) => events[0].fact.kind().to_owned(),
            Err(refusal) => refusal.code().as_str().to_owned(),
        };
    }
    let state = after.agents.get(&agent("agent")).map(|h| h.state.clone()).unwrap_or_default();
    let mark = state.void_before.map(|mark| (since_start(mark) / 1000).to_string()).unwrap_or("none".into());
    let frozen = if state.frozen { "frozen" } else { "free" };
    assert_eq!(format!("{effect}: {frozen}, {mark}"), expect, "{history}");
}

fn command(verb: &str, by: Actor, groups: BTreeSet<GroupName>) -> Command {
    match verb {
        "freeze" => Command::Freeze { by, groups, reason: None },
        _ => Command::Unfreeze { by, groups, reason: None },
    }
}

#[test]
fn an_admin_freezes_and_unfreezes_and_the_mark_is_kept() {
    check("@10 freeze root", "agent.frozen: frozen, 10");
    check("@10 freeze root; @20 unfreeze root", "agent.unfrozen: free, 10");
    check("@10 freeze root; @20 freeze root", "agent.frozen: frozen, 20");
    check("@10 freeze root; @20 unfreeze root; @30 unfreeze root", "nothing: free, 10");
    check("@10 freeze root; @20 unfreeze root; @30 freeze root", "agent.frozen: frozen, 30");
    check("@10 unfreeze root", "nothing: free, none");
    // A clock that runs behind moves no mark back.
    check("@10 freeze root; @5 freeze root", "agent.frozen: frozen, 10");
    check("@10 freeze ann", "not_eligible: free, none");
    check("@10 freeze root; @20 unfreeze ann", "not_eligible: frozen, 10");
}

#[test]
fn a_freeze_needs_a_sign_in_that_is_not_too_old() {
    let freeze = |signed_in| {
        let command = command("freeze", api("root", signed_in), groups_of("root"));
        decide(&Agent::default(), command, at(900_000)).map(|events| events.len()).map_err(|r| r.code())
    };
    assert_eq!(freeze(Some(at(0))), Ok(1));
    assert_eq!(freeze(Some(at(-1))), Err(Code::AssuranceRequired));
    assert_eq!(freeze(None), Err(Code::AssuranceRequired));
}

#[test]
fn a_mark_voids_what_was_made_up_to_it() {
    let agent = Agent { frozen: false, void_before: Some(at(10)) };
    assert_eq!(agent.voids(at(10)), Some(at(10)));
    assert_eq!(agent.voids(at(11)), None);
    assert_eq!(Agent::default().voids(at(0)), None);
}

#[test]
fn no_event_moves_a_mark_back_or_is_out_of_place() {
    let frozen = Agent { frozen: true, void_before: Some(at(10)) };
    let free = Agent { frozen: false, ..frozen.clone() };
    let event = |fact, now| countersign_domain::Event { time: at(now), fact };
    let admins = || groups_of("root");
    let freeze = |mark| Fact::AgentFrozen {
        actor: slack("root"),
        groups: admins(),
        void_before: at(mark),
        reason: None,
    };
    let unfreeze = || Fact::AgentUnfrozen { actor: slack("root"), groups: admins(), reason: None };
    assert!(evolve(&frozen, &event(freeze(20), 20)).is_ok());
    assert!(evolve(&frozen, &event(freeze(10), 5)).is_ok());
    assert!(evolve(&frozen, &event(freeze(5), 5)).is_err());
    assert!(evolve(&frozen, &event(freeze(9), 20)).is_err());
    assert!(evolve(&frozen, &event(freeze(30), 20)).is_err());
    assert!(evolve(&Agent::default(), &event(freeze(5), 20)).is_err());
    assert_eq!(evolve(&frozen, &event(unfreeze(), 20)), Ok(free.clone()));
    assert!(evolve(&free, &event(unfreeze(), 20)).is_err());
    assert!(evolve(&free, &event(Fact::NotificationSent { to: id("sns") }, 20)).is_err());
}

/// Forged: what an agent's own chain says was done by somebody who may not.
#[test]
fn no_event_is_by_somebody_who_is_no_admin_or_did_not_sign_in() {
    fn check(actor: Actor, in_groups: &str, takes: bool) {
        let groups = groups(in_groups);
        let freeze = Fact::AgentFrozen {
            actor: actor.clone(),
            groups: groups.clone(),
            void_before: at(0),
            reason: None,
        };
        let frozen = Agent { frozen: true, void_before: Some(at(-1)) };
        for (state, fact) in [
            (Agent::default(), freeze.clone()),
            (frozen.clone(), freeze),
            (frozen, Fact::AgentUnfrozen { actor: actor.clone(), groups: groups.clone(), reason: None }),
        ] {
            let event = countersign_domain::Event { time: at(0), fact };
            assert_eq!(evolve(&state, &event).is_ok(), takes, "{actor:?} in {in_groups:?}: {event:?}");
        }
    }
    check(slack("root"), "admins", true);
    check(slack("root"), "", false);
    check(slack("root"), "ops+auditors", false);
    check(api("root", Some(at(-900_000))), "admins", true);
    check(api("root", Some(at(-900_001))), "admins", false);
    check(api("root", None), "admins", false);
}

#[test]
fn the_log_holds_the_group_that_it_rested_on_and_no_other() {
    for verb in ["freeze", "unfreeze"] {
        let frozen = Agent { frozen: true, void_before: Some(at(-1)) };
        let events = decide(&frozen, command(verb, slack("root"), groups("admins+ops")), at(0));
        let (Fact::AgentFrozen { groups: held, .. } | Fact::AgentUnfrozen { groups: held, .. }) =
            &events.expect("an admin")[0].fact
        else {
            panic!("{verb}")
        };
        assert_eq!(*held, groups("admins"));
    }
}
