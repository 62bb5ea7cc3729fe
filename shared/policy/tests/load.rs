//! What makes a policy, and every way in which a directory is none: the message names file, place and mend.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use countersign_policy::{Policy, PolicyError, dir};

const PEOPLE: &str = "[person.ann]\nname = \"Ann\"\ngroups = [\"all\"]\n";
const PROFILES: &str = "[profile.default]\nreviewers = [\"group:all\"]\nchannels = [\"sns\"]\n";

fn files(profiles: &str, people: &str, agents: &str) -> BTreeMap<String, Vec<u8>> {
    [("profiles.toml", profiles), ("people.toml", people), ("agents.toml", agents)]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into()
}

fn check(files: &BTreeMap<String, Vec<u8>>, message: &str) {
    let error = Policy::load(files).expect_err(message);
    assert_eq!(error.to_string(), message);
}

#[test]
fn the_smallest_policy_loads_with_the_defaults_that_the_documentation_shows() {
    let policy = Policy::load(&files(PROFILES, PEOPLE, "")).expect("a policy");
    let ask = countersign_policy::Ask { agent: "aws:1:role/x", ..Default::default() };
    assert_eq!(
        serde_json::to_value(policy.evaluate(&ask).outcome).expect("JSON"),
        serde_json::json!({"outcome": "deny", "code": "agent_unknown"})
    );

    let agents = "[[agent]]\npattern = \"aws:1:role/*\"\nowners = [\"bob\"]\n";
    let people = format!("{PEOPLE}[person.bob]\nname = \"Bob\"\n");
    let policy = Policy::load(&files(PROFILES, &people, agents)).expect("a policy");
    assert_eq!(
        serde_json::to_value(policy.evaluate(&ask)).expect("JSON"),
        serde_json::json!({
            "policy_digest": policy.digest(), "determining": ["default"], "excluded": {},
            "outcome": "review",
            "gates": [{
                "profile": "default", "quorum": 1,
                "levels": [{"after": 0, "reviewers": ["group:all"], "channels": ["sns"]}],
            }],
            "rules": {
                "review_for": 3600, "approval_ttl": 900, "answer_within": 86400, "rejects": 1,
                "require_comment": false, "max_auth_age": 900, "cool_down": 0, "record": ["target"],
            },
        })
    );
}

/// The expected value by Python's hashlib over the form that [`Policy::load`] documents.
#[test]
fn the_digest_covers_every_file_and_every_name() {
    let mut files = files(PROFILES, PEOPLE, "");
    files.insert("notes/é.txt".into(), vec![0, 255]);
    let digest =
        |files: &BTreeMap<String, Vec<u8>>| Policy::load(files).expect("a policy").digest().to_owned();
    let before = digest(&files);
    assert_eq!(before, "sha256:de1c1deeff342ee7392bf6d6387a0045a53a5c581273dacc8192bc49028ac70a");

    files.insert("notes/é.txt".into(), vec![0]);
    let changed = digest(&files);
    files.remove("notes/é.txt");
    files.insert("notes/é.tx".into(), vec![b't', 0]);
    let renamed = digest(&files);
    assert!(before != changed && changed != renamed && renamed != before);
}

#[test]
fn a_directory_must_be_whole() {
    for (name, message) in [
        ("profiles.toml", "profiles.toml is missing"),
        ("people.toml", "people.toml is missing"),
        ("agents.toml", "agents.toml is missing"),
    ] {
        let mut files = files(PROFILES, PEOPLE, "");
        files.remove(name);
        check(
            &files,
            &format!("{message}; the policy directory must hold profiles.toml, people.toml and agents.toml"),
        );
    }
    let mut broken = files(PROFILES, PEOPLE, "");
    broken.insert("agents.toml".into(), b"# \n# \xff".to_vec());
    check(&broken, "agents.toml, line 2: not UTF-8; save the file as UTF-8");
}

fn check_profiles(text: &str, message: &str) {
    check(&files(text, PEOPLE, ""), &format!("profiles.toml, {message}"));
}

fn check_people(text: &str, message: &str) {
    check(&files(PROFILES, text, ""), &format!("people.toml, {message}"));
}

fn check_agents(text: &str, message: &str) {
    check(&files(PROFILES, PEOPLE, text), &format!("agents.toml, {message}"));
}

/// A second line of the smallest profile.
fn check_value(line: &str, message: &str) {
    check_profiles(&format!("{PROFILES}{line}\n"), message);
}

#[test]
fn profiles_must_have_their_form() {
    check_profiles("\n[profile", "line 2: unclosed table, expected `]`");
    check_value(
        "quorun = 1",
        "line 4: unknown field `quorun`, expected one of `reviewers`, `channels`, `quorum`, `review_for`, \
         `approval_ttl`, `answer_within`, `levels`, `rejects`, `require_comment`, `max_auth_age`, `cool_down`, `record`",
    );
    check_value("quorum = 0", "line 4: 0 people is not possible; write a whole number from 1 to 20");
    check_value("rejects = 21", "line 4: 21 people is not possible; write a whole number from 1 to 20");
    check_value(
        "review_for = \"1 hour\"",
        "line 4: \"1 hour\" is not a span of time; write a whole number and s, m, h or d, \
         e.g. \"90s\" or \"2h\", at most 36500d",
    );
    check_value(
        "review_for = 3600",
        "line 4: invalid type: integer `3600`, expected a span of time in quotes, e.g. \"90s\"",
    );
    check_value("quorum = 1\nquorum = 1", "line 5: duplicate key");
    check_value("[profile.default]", "line 4: duplicate key");
    check_value("levels = [{ reviewers = [] }]", "line 4: missing field `after`");
    check_profiles("\n[profile.default]\nchannels = [\"sns\"]\n", "line 2: missing field `reviewers`");
    check_profiles(
        "[profile.default]\nreviewers = [\"all\"]\n",
        "line 2: \"all\" is not a reviewer: group:<group name> or person:<person id>",
    );
    check_profiles(
        &PROFILES.replace("sns", "slack:#general"),
        "line 3: \"slack:#general\" is not a channel: slack:<channel id> or sns",
    );
    check_profiles("[profiles.default]\n", "line 1: unknown field `profiles`, expected `route` or `profile`");
    check_profiles(
        "[profile.Default]\n",
        "line 1: \"Default\" is not a profile name: 1 to 64 characters of a-z, 0-9, '.', '_' and '-', \
         starting with a letter or digit",
    );
    check_profiles(
        "[[route]]\naction = \"s3.**\"\noutcome = \"deny\"\n",
        "line 2: \"s3.**\" is not a pattern: one * stands for any text already",
    );
    check_profiles(
        "[[route]]\naction = \"*\"\noutcome = \"permit\"\n",
        "line 3: unknown variant `permit`, expected one of `allow`, `review`, `deny`",
    );
    check_profiles("\n[[route]]\naction = \"*\"\n", "line 2: missing field `outcome`");
}

#[test]
fn people_and_agents_must_have_their_form() {
    check_people(
        "[person.ann]\nname = \"Ann\"\naliases = [\"slack:ann\"]\n",
        "line 3: \"slack:ann\" is not an alias; write slack:<team or enterprise id>/<user id>, \
         e.g. slack:T0123ABCD/U0456EFGH",
    );
    check_people(
        "[person.ann]\nemail = \"x\"\n",
        "line 2: unknown field `email`, expected one of `name`, `groups`, `aliases`",
    );
    check_people("[person.ann]\ngroups = [\"all\"]\n", "line 1: missing field `name`");
    check_agents("\n[[agent]]\npattern = \"aws:*\"\n", "line 2: missing field `owners`");
    check_agents("[[agents]]\n", "line 1: unknown field `agents`, expected `agent`");
    check_agents(
        "[[agent]]\npattern = \"aws:*\"\nowners = [\"person:ann\"]\n",
        "line 3: \"person:ann\" is not a person id: 1 to 64 characters of a-z, 0-9, '.', '_' and '-', \
         starting with a letter or digit; write a person id or group:<group name>",
    );
}

#[test]
fn what_a_profile_needs_must_be_there() {
    check_profiles(
        &PROFILES.replace("default", "other"),
        "profile.default: is missing; what no route matches is reviewed under it",
    );
    check_profiles(
        &PROFILES.replace("\"group:all\"", ""),
        "profile.default.reviewers: is empty; then nobody would ever be asked",
    );
    check_profiles(
        &PROFILES.replace("\"sns\"", ""),
        "profile.default.channels: is empty; then nobody would ever be asked",
    );
    check_profiles(
        &PROFILES.replace("group:all", "group:al"),
        "profile.default.reviewers: nobody in people.toml is in group al; mend the name, or add it to somebody's groups",
    );
    check_profiles(
        &PROFILES.replace("group:all", "person:bob"),
        "profile.default.reviewers: people.toml has no person bob; mend the id, or add [person.bob]",
    );
    check_value(
        "levels = [{ after = \"1s\", channels = [\"sns\"] }, { after = \"2s\", reviewers = [\"person:bob\"] }]",
        "profile.default.levels[1].reviewers: people.toml has no person bob; mend the id, or add [person.bob]",
    );
    check_value("quorum = 2", "profile.default.quorum: 2 people are needed, but its reviewers are only 1");
    check_value("rejects = 2", "profile.default.rejects: 2 people are needed, but its reviewers are only 1");
    check_value(
        "record = [\"target\", \"justification\"]",
        "profile.default.record: \"justification\" is no field; write target or arguments.<top-level field>",
    );
    check_value(
        "record = [\"arguments.\"]",
        "profile.default.record: \"arguments.\" is no field; write target or arguments.<top-level field>",
    );
}

#[test]
fn the_times_of_a_profile_must_fit_together() {
    for key in ["review_for", "approval_ttl", "answer_within", "max_auth_age"] {
        check_value(
            &format!("{key} = \"0s\""),
            &format!("profile.default.{key}: no time at all; write at least \"1s\""),
        );
    }
    let longest = "review_for = \"50d\"\nanswer_within = \"29d\"\napproval_ttl = ";
    Policy::load(&files(&format!("{PROFILES}{longest}\"1d\""), PEOPLE, "")).expect("80 days");
    check_value(
        &format!("{longest}\"86401s\""),
        "profile.default.review_for: review_for, approval_ttl and answer_within are 6912001s together; \
         they may be 80d: shorten one",
    );
    check_value(
        "review_for = \"36500d\"\napproval_ttl = \"36500d\"\nanswer_within = \"36500d\"",
        "profile.default.review_for: review_for, approval_ttl and answer_within are 109500d together; \
         they may be 80d: shorten one",
    );
    let levels = |levels: &[&str]| {
        let levels =
            levels.iter().map(|after| format!("{{ after = {after:?}, reviewers = [\"person:ann\"] }}"));
        format!("levels = [{}]", levels.collect::<Vec<_>>().join(", "))
    };
    let ascending = "levels begin one after the other: write a longer time than that of the level before";
    check_value(&levels(&["0s"]), &format!("profile.default.levels[0]: {ascending}"));
    check_value(&levels(&["5m", "300s"]), &format!("profile.default.levels[1]: {ascending}"));
    check_value(
        &levels(&["10m", "1h"]),
        "profile.default.levels[1]: the review is over by then: write a time shorter than review_for",
    );
    check_value(
        "levels = [{ after = \"1s\" }]",
        "profile.default.levels[0]: the level adds nothing: name reviewers or channels",
    );
    let many: Vec<String> = (1..=16).map(|n| format!("{n}s")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check_value(&levels(&many), "profile.default.levels: more than 15 levels");
    Policy::load(&files(&format!("{PROFILES}{}", levels(&many[..15])), PEOPLE, "")).expect("15 levels");
}

#[test]
fn routes_must_lead_somewhere() {
    fn check_route(route: &str, message: &str) {
        check_profiles(&format!("{PROFILES}[[route]]\naction = \"s3.*\"\n{route}"), message);
    }
    check_route(
        "outcome = \"review\"\n",
        "route[0].profiles: is missing; name at least one profile, e.g. profiles = [\"default\"]",
    );
    check_route(
        "outcome = \"review\"\nprofiles = [\"default\", \"data\"]\n",
        "route[0].profiles: there is no profile data; mend the name, or add [profile.data]",
    );
    for outcome in ["allow", "deny"] {
        check_route(
            &format!("outcome = {outcome:?}\nprofiles = [\"default\"]\n"),
            "route[0].profiles: nobody is asked here; remove it, or write outcome = \"review\"",
        );
    }
    check_route(
        "outcome = \"deny\"\n[[route]]\naction = \"x\"\noutcome = \"deny\"\n\
         [[route]]\naction = \"s3.get*\"\noutcome = \"allow\"\n",
        "route[2].action: route[0] (s3.*) takes all of s3.get* already; put this one before it, or remove it",
    );
}

#[test]
fn people_must_be_told_apart() {
    let two = |ann: &str, bob: &str| {
        format!("{PEOPLE}aliases = [{ann}]\n[person.bob]\nname = \"Bob\"\naliases = [\"sso:bob\", {bob}]\n")
    };
    check_people(
        &two("\"email:a@example.com\"", "\"email:A@Example.com\""),
        "person.bob.aliases[1]: email:A@Example.com is an alias of ann already; an alias names one person, once",
    );
    check_people(
        &two("\"sso:ann\", \"sso:ANN\"", ""),
        "person.ann.aliases[1]: sso:ANN is an alias of ann already; an alias names one person, once",
    );
    for name in ["", "  ", "a\\u0007", &"x".repeat(101)] {
        check_people(
            &format!("[person.ann]\nname = \"{name}\"\n"),
            "person.ann.name: is not a name; write 1 to 100 characters without control characters",
        );
    }
}

#[test]
fn agents_must_have_owners_who_exist() {
    let agent = |pattern: &str, rest: &str| format!("[[agent]]\npattern = {pattern:?}\n{rest}\n");
    check_agents(
        &agent("*", "owners = [\"ann\"]"),
        "agent[0].pattern: * fits no agent; begin it with aws: or oidc:",
    );
    check_agents(
        &agent("aws:*", "owners = []"),
        "agent[0].owners: is empty; name the people who answer for this agent",
    );
    check_agents(
        &agent("aws:*", "owners = [\"bob\"]"),
        "agent[0].owners: people.toml has no person bob; mend the id, or add [person.bob]",
    );
    let fine = agent("oidc:*", "owners = [\"ann\"]\ncan_act_as = [\"group:all\"]");
    Policy::load(&files(PROFILES, PEOPLE, &fine)).expect("a policy");
    check_agents(
        &(fine + &agent("aws:*", "owners = [\"ann\"]\ncan_act_as = [\"group:ops\"]")),
        "agent[1].can_act_as: nobody in people.toml is in group ops; mend the name, or add it to somebody's groups",
    );
}

#[test]
fn a_directory_is_read_with_all_that_lies_in_it() {
    let root = std::env::temp_dir().join(format!("countersign-policy-{}", std::process::id()));
    std::fs::create_dir_all(root.join("more")).expect("a directory");
    for (name, bytes) in files(PROFILES, PEOPLE, "") {
        std::fs::write(root.join(name), bytes).expect("a file");
    }
    std::fs::write(root.join("more/note"), b"x").expect("a file");
    let read = dir::read(&root).expect("the directory");
    let names: Vec<&str> = read.keys().map(String::as_str).collect();
    assert_eq!(names, ["agents.toml", "more/note", "people.toml", "profiles.toml"]);
    let digest = dir::load(&root).expect("a policy").digest().to_owned();
    assert_eq!(digest, Policy::load(&read).expect("a policy").digest());

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&root, root.join("more/circle")).expect("a link");
        let error = dir::read(&root).expect_err("a circle").to_string();
        assert!(error.contains("directories lie more than 4 deep here"), "{error}");
    }
    std::fs::remove_dir_all(&root).expect("removed");
    let gone = dir::load(&root);
    assert!(
        matches!(&gone, Err(PolicyError::Unreadable { path, .. }) if *path == root.display().to_string())
    );
}
