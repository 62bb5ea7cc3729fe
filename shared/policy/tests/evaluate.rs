//! What the policy of the tests and the demo says of asks, and how profiles add up.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use countersign_domain::review::{Excluded, Outcome};
use countersign_policy::{Alias, Ask, Policy, dir};

const ISSUER: &str = "http://127.0.0.1:4011";
const AGENT: &str = "aws:000000000000:role/test-agent-1";

/// The directory tests/policy, its placeholder replaced.
fn policy() -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/policy");
    let mut files = dir::read(&path).expect("the directory");
    let people = files.get_mut("people.toml").expect("people");
    *people = String::from_utf8(people.clone()).expect("UTF-8").replace("@OIDC@", ISSUER).into_bytes();
    Policy::load(&files).expect("a policy")
}

fn show(excluded: &Excluded) -> String {
    let one = |(person, relations): (_, &_)| {
        let relations = serde_json::to_string(relations).expect("JSON").replace(['[', ']', '"'], "");
        format!("{person}={relations}")
    };
    excluded.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The outcome with its gates or code, and who is excluded.
fn check(policy: &Policy, ask: Ask<'_>, outcome: &str, excluded: &str) {
    let evaluation = policy.evaluate(&ask);
    let said = match &evaluation.outcome {
        Outcome::Allow { .. } => "allow".to_owned(),
        Outcome::Deny { code } => format!("deny {code}"),
        Outcome::Review { gates, .. } => {
            let gates: Vec<String> = gates.iter().map(|g| format!("{}/{}", g.profile, g.quorum)).collect();
            format!("review {}", gates.join(" "))
        }
    };
    assert_eq!((said.as_str(), show(&evaluation.excluded).as_str()), (outcome, excluded), "{ask:?}");
    assert_eq!(evaluation.policy_digest, policy.digest());
}

fn ask<'a>(agent: &'a str, action: &'a str) -> Ask<'a> {
    Ask { agent, action, ..Ask::default() }
}

/// What people copy and edit must hold together: with it every example agent finds somebody to decide.
#[test]
fn the_policy_to_edit_lets_each_example_be_decided() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/policy");
    let policy = Policy::load(&dir::read(&path).expect("the directory")).expect("a policy");
    let (sync, deploy) = ("aws:123456789012:role/sync-agent", "aws:123456789012:role/deploy-web");
    check(&policy, ask(sync, "s3.list"), "allow", "");
    check(&policy, ask(sync, "s3.delete_bucket"), "deny policy_denied", "");
    check(&policy, ask(sync, "s3.sync"), "review data-export/1", "ben=owner");
    check(&policy, ask(deploy, "ecs.deploy"), "review default/1", "ana=owner ben=can_act_as");
    check(&policy, ask(deploy, "s3.sync"), "review data-export/1", "ana=owner ben=can_act_as");
    check(&policy, ask(deploy, "iam.attach"), "review default/1 security/2", "ana=owner ben=can_act_as");
    check(&policy, ask("aws:123456789012:role/other", "s3.list"), "deny agent_unknown", "");
}

#[test]
fn an_agent_must_be_registered() {
    let policy = policy();
    for agent in [
        "",
        "aws:000000000000:role/nobody",
        "aws:000000000000:role/xtest-agent",
        "aws:000000000000:user/test-agent",
        "oidc:http://127.0.0.1:4011#alice",
        "Aws:000000000000:role/test-agent",
    ] {
        check(&policy, ask(agent, "test.allow"), "deny agent_unknown", "");
        assert_eq!(policy.evaluate(&ask(agent, "test.allow")).determining, ["agents.toml"]);
    }
}

#[test]
fn the_first_route_that_fits_decides() {
    let policy = policy();
    check(&policy, ask(AGENT, "s3.sync"), "review data-export/1", "");
    check(&policy, ask(AGENT, "s3.sync2"), "review default/1", "");
    check(&policy, ask(AGENT, ""), "review default/1", "");
    check(&policy, ask(AGENT, "test.quorum2"), "review quorum2/2", "");
    check(&policy, ask(AGENT, "test.twogates"), "review data/1 security/1", "frank=owner");
    check(&policy, ask(AGENT, "test.allow"), "allow", "");
    check(&policy, ask(AGENT, "test.deny"), "deny policy_denied", "");
    check(&policy, ask(AGENT, "test.nobody"), "deny no_eligible_reviewer", "frank=owner");
    let evaluation = policy.evaluate(&ask(AGENT, "s3.sync"));
    assert_eq!(evaluation.determining, ["route s3.sync"]);
    let evaluation = policy.evaluate(&ask(AGENT, "test.allow"));
    assert_eq!(
        serde_json::to_value(evaluation.outcome).expect("JSON"),
        serde_json::json!({"outcome": "allow", "approval_ttl": 900, "record": ["target"]})
    );
}

#[test]
fn the_profiles_of_the_tests_are_what_the_tests_expect() {
    fn check(action: &str, pointer: &str, value: serde_json::Value) {
        let outcome = serde_json::to_value(policy().evaluate(&ask(AGENT, action)).outcome).expect("JSON");
        assert_eq!(outcome.pointer(pointer), Some(&value), "{action} {outcome}");
    }
    check("test.expire", "/rules/review_for", 3.into());
    check("test.lapse", "/rules/approval_ttl", 3.into());
    check("test.unanswered", "/rules/answer_within", 2.into());
    check("test.comment", "/rules/require_comment", true.into());
    check("test.fresh", "/rules/max_auth_age", 60.into());
    check("test.rejects2", "/rules/rejects", 2.into());
    check("test.cooldown", "/rules/cool_down", 3600.into());
    check("test.absent", "/rules/review_for", 4.into());
    check("test.absent", "/gates/0/levels/0/channels/0", "slack:C0ABSENT".into());
    check("test.sns", "/gates/0/levels/0/channels/1", "sns".into());
    check("test.escalate", "/gates/0/levels/1/after", 2.into());
    check("test.escalate", "/gates/0/levels/1/reviewers/0", "group:leads".into());
    let policy = policy();
    let channels: Vec<&str> = policy.channels().iter().map(|channel| channel.as_str()).collect();
    assert_eq!(channels, ["slack:C0ABSENT", "slack:C0APPROVALS", "slack:C0DATA", "slack:C0ESCALATE", "sns"]);
}

#[test]
fn nobody_decides_on_their_own_agent() {
    let policy = policy();
    let alices = "aws:000000000000:role/owned-by-alice-2";
    check(&policy, ask(alices, "s3.sync"), "review data-export/1", "alice=owner");
    check(&policy, ask(alices, "test.quorum2"), "review quorum2/2", "alice=owner");
    let bob = ask("aws:000000000000:role/acts-bob", "s3.sync");
    check(&policy, bob, "review data-export/1", "bob=can_act_as");

    let sso = |session: &str| format!("aws:000000000000:sso/AWSReservedSSO_Ops_0123/{session}");
    for session in ["bob", "BOB", "bob@example.com", "Bob@Example.com"] {
        check(&policy, ask(&sso(session), "s3.sync"), "review data-export/1", "bob=can_act_as");
        let beside = Ask { sso_session: Some(session), ..ask(AGENT, "s3.sync") };
        check(&policy, beside, "review data-export/1", "bob=can_act_as");
    }
    check(&policy, ask(&sso("frank"), "test.twogates"), "review data/1 security/1", "frank=owner,can_act_as");
    check(&policy, ask(&sso("zoe"), "s3.sync"), "review data-export/1", "");
}

#[test]
fn whom_it_acts_for_is_excluded_whatever_the_name() {
    let policy = policy();
    for claim in [
        "bob",
        " Bob ",
        "person:bob",
        "bob@example.com",
        "BOB@example.com",
        "email:bob@example.com",
        "slack:T0COUNTER/U0BOB",
        "oidc:http://127.0.0.1:4011#bob",
        "sso:bob",
    ] {
        let acting = Ask { on_behalf_of: Some(claim), ..ask(AGENT, "s3.sync") };
        check(&policy, acting, "review data-export/1", "bob=on_behalf_of");
        let chain = ["zoe".to_owned(), claim.to_owned()];
        let delegated = Ask { delegation_chain: &chain, ..ask(AGENT, "s3.sync") };
        check(&policy, delegated, "review data-export/1", "bob=delegation");
    }
    let verified: Alias = "oidc:http://127.0.0.1:4011#bob".parse().expect("an alias");
    let verified = [verified];
    let chain = ["carol".to_owned()];
    let all = Ask {
        verified: &verified,
        on_behalf_of: Some("carol"),
        delegation_chain: &chain,
        ..ask("aws:000000000000:role/acts-bob", "test.escalate")
    };
    check(&policy, all, "review escalate/1", "bob=can_act_as,on_behalf_of carol=on_behalf_of,delegation");
    check(
        &policy,
        Ask { action: "test.quorum2", ..all },
        "deny no_eligible_reviewer",
        "bob=can_act_as,on_behalf_of carol=on_behalf_of,delegation",
    );
    for claim in
        ["", "zoe", "slack:T0OTHER/U0BOB", "oidc:https://idp.example#bob", "group:platform", "\u{202e}"]
    {
        let nobody = Ask { on_behalf_of: Some(claim), ..ask(AGENT, "s3.sync") };
        check(&policy, nobody, "review data-export/1", "");
    }
}

#[test]
fn relations_hold_for_those_who_could_not_decide_as_well() {
    let policy = policy();
    let dave = Ask { on_behalf_of: Some("dave"), ..ask(AGENT, "s3.sync") };
    check(&policy, dave, "review data-export/1", "");
    assert_eq!(show(&policy.relations(&dave)), "dave=on_behalf_of frank=owner");
    let unknown = Ask { on_behalf_of: Some("dave"), ..ask("aws:1:role/unknown", "s3.sync") };
    assert_eq!(show(&policy.relations(&unknown)), "dave=on_behalf_of");
}

#[test]
fn a_level_beyond_the_review_counts_for_nothing_and_a_later_one_counts() {
    let policy = policy();
    let chain = ["alice", "bob", "carol"].map(str::to_owned);
    let bound = "alice=delegation bob=delegation carol=delegation";
    let lone = Ask { delegation_chain: &chain, ..ask(AGENT, "s3.sync") };
    check(&policy, lone, "deny no_eligible_reviewer", bound);
    // Erin comes in at the second level.
    check(&policy, Ask { action: "test.escalate", ..lone }, "review escalate/1", bound);
}

#[test]
fn people_are_found_by_id_and_alias() {
    let policy = policy();
    let find = |text: &str| {
        let alias: Alias = text.parse().expect(text);
        policy.person_by_alias(&alias).map(|person| person.name.as_str())
    };
    assert_eq!(find("slack:T0COUNTER/U0ERIN"), Some("Erin Ekberg"));
    assert_eq!(find("slack:E0COUNTER/U0ERIN"), None);
    assert_eq!(find("email:ERIN@example.com"), Some("Erin Ekberg"));
    assert_eq!(find("oidc:http://127.0.0.1:4011#erin"), Some("Erin Ekberg"));
    assert_eq!(find("oidc:http://127.0.0.1:4011#Erin"), None);
    let erin = policy.person(&"erin".parse().expect("an id")).expect("Erin");
    assert_eq!(serde_json::to_value(&erin.groups).expect("JSON"), serde_json::json!(["leads", "security"]));
    assert!(policy.person(&"zoe".parse().expect("an id")).is_none());
    assert_eq!(policy.people().count(), 7);
}

fn small(profiles: &str, agents: &str) -> Policy {
    let people = "[person.ann]\nname = \"Ann\"\ngroups = [\"a\"]\naliases = [\"oidc:https://idp.example#ann\"]\n\
                  [person.bob]\nname = \"Bob\"\ngroups = [\"b\", \"a\"]\naliases = [\"email:x@example.com\"]\n\
                  [person.cat]\nname = \"Cat\"\ngroups = [\"c\"]\naliases = [\"sso:x@example.com\"]\n";
    let profiles = format!(
        "{profiles}\n[profile.default]\nreviewers = [\"group:a\", \"group:c\"]\nchannels = [\"sns\"]"
    );
    let files = [("profiles.toml", profiles.as_str()), ("people.toml", people), ("agents.toml", agents)];
    let files: BTreeMap<_, _> = files.map(|(n, t)| (n.to_owned(), t.as_bytes().to_vec())).into();
    Policy::load(&files).expect("a policy")
}

#[test]
fn where_profiles_differ_the_stricter_holds() {
    let policy = small(
        r#"
        [[route]]
        action = "x"
        outcome = "review"
        profiles = ["two", "one"]
        [profile.one]
        reviewers = ["person:ann"]
        channels = ["slack:C1"]
        review_for = "10m"
        approval_ttl = "5m"
        answer_within = "1h"
        rejects = 1
        max_auth_age = "1h"
        cool_down = "1h"
        record = ["target", "arguments.bucket"]
        [profile.two]
        reviewers = ["person:ann", "person:cat"]
        channels = ["slack:C2"]
        review_for = "1h"
        approval_ttl = "1m"
        answer_within = "2h"
        rejects = 2
        require_comment = true
        max_auth_age = "2h"
        record = ["arguments.bucket", "arguments.key"]
        levels = [{ after = "5m", channels = ["sns"] }, { after = "10m", reviewers = ["person:bob"] }]
        "#,
        "[[agent]]\npattern = \"aws:1:role/x\"\nowners = [\"cat\"]\n",
    );
    let both = ask("aws:1:role/x", "x");
    assert_eq!(
        serde_json::to_value(policy.evaluate(&both).outcome).expect("JSON"),
        serde_json::json!({
            "outcome": "review",
            "gates": [
                {"profile": "one", "quorum": 1,
                 "levels": [{"after": 0, "reviewers": ["person:ann"], "channels": ["slack:C1"]}]},
                {"profile": "two", "quorum": 1, "levels": [
                    {"after": 0, "reviewers": ["person:ann", "person:cat"], "channels": ["slack:C2"]},
                    {"after": 300, "reviewers": [], "channels": ["sns"]},
                ]},
            ],
            "rules": {
                "review_for": 600, "approval_ttl": 60, "answer_within": 3600, "rejects": 1,
                "require_comment": true, "max_auth_age": 3600, "cool_down": 3600, "record": ["arguments.bucket"],
            },
        })
    );
    check(&policy, both, "review one/1 two/1", "cat=owner");
    // Bob's level begins when the shorter review of `one` is over.
    check(
        &policy,
        Ask { on_behalf_of: Some("ann"), ..both },
        "deny no_eligible_reviewer",
        "ann=on_behalf_of cat=owner",
    );
    check(&policy, Ask { on_behalf_of: Some("bob"), ..both }, "review one/1 two/1", "cat=owner");
}

#[test]
fn all_patterns_that_fit_an_agent_add_up() {
    let policy = small(
        "",
        r#"
        [[agent]]
        pattern = "aws:1:role/deploy-*"
        owners = ["ann"]
        [[agent]]
        pattern = "aws:*:role/*-prod"
        owners = ["cat"]
        can_act_as = ["group:a"]
        [[agent]]
        pattern = "oidc:https://idp.example#*"
        owners = ["cat"]
        "#,
    );
    check(&policy, ask("aws:1:role/deploy-test", "x"), "review default/1", "ann=owner");
    check(
        &policy,
        ask("aws:2:role/deploy-prod", "x"),
        "deny no_eligible_reviewer",
        "ann=can_act_as bob=can_act_as cat=owner",
    );
    check(
        &policy,
        ask("aws:1:role/deploy-prod", "x"),
        "deny no_eligible_reviewer",
        "ann=owner,can_act_as bob=can_act_as cat=owner",
    );
    // A person's own token is an agent like any other, and the person is bound to it.
    check(&policy, ask("oidc:https://idp.example#ann", "x"), "review default/1", "ann=can_act_as cat=owner");
    // A bare address may name more than one person: all are excluded.
    let either = Ask { on_behalf_of: Some("X@example.com"), ..ask("aws:1:role/deploy-x", "x") };
    check(&policy, either, "deny no_eligible_reviewer", "ann=owner bob=on_behalf_of cat=on_behalf_of");
}
