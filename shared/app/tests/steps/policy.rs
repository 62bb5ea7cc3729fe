//! The policy directory as it is now.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_app::policy::PolicySource;
use countersign_app::store::Ask;
use countersign_domain::Code;
use countersign_domain::review::Outcome;

use crate::given::ask;

const AGENTS: &str = r#"
[[agent]]
pattern = "aws:123456789012:role/*"
owners = ["dora"]
"#;

const PEOPLE: &str = r#"
[person.alice]
name = "Alice"
groups = ["platform"]
aliases = ["slack:T0SAMPLE/U0ALICE"]

[person.dora]
name = "Dora"
groups = ["platform"]
aliases = []
"#;

const PROFILES: &str = r#"
[[route]]
action = "s3.*"
outcome = "review"
profiles = ["default"]

[profile.default]
reviewers = ["group:platform"]
quorum = 1
review_for = "1h"
approval_ttl = "15m"
channels = ["sns"]
"#;

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    for (file, text) in [("agents.toml", AGENTS), ("people.toml", PEOPLE), ("profiles.toml", PROFILES)] {
        fs::write(path.join(file), text).unwrap();
    }
    path
}

fn outcome(source: &PolicySource, ask: &Ask) -> (&'static str, Option<Code>) {
    match source.evaluate(ask).outcome {
        Outcome::Allow { .. } => ("allow", None),
        Outcome::Review { .. } => ("review", None),
        Outcome::Deny { code } => ("deny", Some(code)),
    }
}

const REVIEW: (&str, Option<Code>) = ("review", None);
const DENIED: (&str, Option<Code>) = ("deny", Some(Code::PolicyDenied));

#[test]
fn a_broken_directory_denies_and_heals_when_it_is_mended() {
    let path = directory("broken");
    let source = PolicySource::new(&path);
    let check = |what: &str, expect: (&str, Option<Code>)| {
        assert_eq!(outcome(&source, &ask()), expect, "{what}");
        assert_eq!(source.current().is_ok(), expect == REVIEW, "{what}");
    };
    check("whole", REVIEW);
    fs::write(path.join("profiles.toml"), "[[route]").unwrap();
    check("a file that is no TOML", DENIED);
    check("still", DENIED);
    fs::write(path.join("profiles.toml"), PROFILES).unwrap();
    check("mended", REVIEW);
    fs::remove_file(path.join("agents.toml")).unwrap();
    check("a file is missing", DENIED);
    fs::write(path.join("agents.toml"), AGENTS).unwrap();
    check("mended again", REVIEW);
    fs::rename(&path, path.with_extension("away")).unwrap();
    check("the directory is gone", DENIED);
    fs::rename(path.with_extension("away"), &path).unwrap();
    check("it is back", REVIEW);

    let never = PolicySource::new(path.join("never"));
    assert_eq!(outcome(&never, &ask()), DENIED, "there never was one");
}

#[test]
fn a_changed_file_is_noticed() {
    let path = directory("changed");
    let source = PolicySource::new(&path);
    let before = source.current().unwrap();
    assert_eq!(outcome(&source, &ask()), REVIEW);
    assert!(std::sync::Arc::ptr_eq(&before, &source.current().unwrap()), "read once while nothing changes");

    fs::write(
        path.join("profiles.toml"),
        PROFILES.replacen("\"review\"\nprofiles = [\"default\"]", "\"allow\"", 1),
    )
    .unwrap();
    assert_eq!(outcome(&source, &ask()), ("allow", None));
    assert_ne!(source.current().unwrap().digest(), before.digest());

    // The same number of bytes, and a later time.
    let people = path.join("people.toml");
    fs::write(&people, PEOPLE.replace("Alice", "Alicf")).unwrap();
    let later = fs::metadata(&people).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options().append(true).open(&people).unwrap().set_modified(later).unwrap();
    let alice = countersign_app::sample::person("alice");
    assert_eq!(source.current().unwrap().person(&alice).unwrap().name, "Alicf");
}

#[test]
fn an_agent_that_nobody_registered_is_denied_by_name() {
    let source = PolicySource::new(directory("unknown"));
    let stranger = Ask { agent_name: "aws:999999999999:role/deploy".into(), ..ask() };
    assert_eq!(outcome(&source, &stranger), ("deny", Some(Code::AgentUnknown)));
}
