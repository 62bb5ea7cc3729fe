//! `countersign audit` as an auditor runs it: the real binary on a log in a directory, and a service that records.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::log::{self, Log};
use crate::server::{Reply, Server};

struct Place {
    dir: PathBuf,
    log: Log,
}

/// A log, and an auditor with a home of their own.
fn place(name: &str) -> Place {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("log")).unwrap();
    let log = log::ordinary(&dir.join("log"));
    Place { dir, log }
}

impl Place {
    /// The exit code, standard output and standard error of a run in the place's directory.
    fn run(&self, line: &str, input: &str, env: &[(&str, &str)]) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(line.split_whitespace())
            .env_clear()
            .env("HOME", &self.dir)
            .envs(env.iter().copied())
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn done(&self, line: &str) -> String {
        let (code, out, err) = self.run(line, "", &[]);
        assert_eq!(code, 0, "{line}: {out}{err}");
        out
    }

    fn trusted(&self) -> &Self {
        self.done(&format!("audit trust add {}", self.log.vkey()));
        self
    }
}

const EXPORT: &str = "audit export --from 2026-07-01 --to 2026-07-02 --log log --out pack --unrecorded";

#[test]
fn the_main_job_of_an_auditor() {
    let place = place("main");
    let (code, _, err) = place.run(EXPORT, "", &[]);
    assert_eq!(code, 42, "{err}");
    assert!(err.contains("no key is trusted"), "{err}");
    let said = place.done(&format!("audit trust add {}", place.log.vkey()));
    assert!(said.contains("fingerprint") && said.contains("by another channel"), "{said}");
    assert!(place.done("audit trust list").contains(&place.log.vkey()));

    let said = place.done(EXPORT);
    assert!(said.contains("of 4 requests") && said.contains("not recorded"), "{said}");
    let (code, out, err) = place.run("audit verify pack", "", &[]);
    assert_eq!(code, 40, "{out}{err}");
    assert!(
        out.contains("1. the manifest lists every file")
            && out.ends_with("The pack: holds, with exceptions\n")
    );
    assert!(err.contains("entries"), "{err}");

    let said = place.done("audit sample pack --n 2 --seed words");
    assert!(said.starts_with("2 of 3 requests that ran"), "{said}");
    assert_eq!(fs::read_dir(place.dir.join("pack/samples")).unwrap().count(), 5);
    let (code, out, err) = place.run("audit verify pack", "", &[]);
    assert_eq!(code, 40, "{out}{err}");
}

#[test]
fn an_event_is_proved_and_a_request_shown_from_a_pack_and_from_a_log() {
    let place = place("prove");
    place.trusted().done(EXPORT);
    let id = log::request(1);
    let event = format!("{id}.6");
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(words)
            .env_clear()
            .env("HOME", &place.dir)
            .current_dir(&place.dir)
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for from in ["pack", "log"] {
        let (code, text) = run(&["audit", "prove", &event, "--in", from]);
        assert_eq!(code, 0);
        let proof = countersign_tlog::Proof::parse(text.as_bytes()).unwrap();
        let keys = [place.log.vkey().parse().unwrap()];
        let leaf = countersign_tlog::tree::leaf_hash(&proof.extra);
        proof.verify(&leaf, log::ORIGIN, &keys, &[]).unwrap();
        assert_eq!(proof.extra, place.log.leaves[usize::try_from(proof.index).unwrap()]);

        let (code, text) = run(&["audit", "show", id.as_str(), "--in", from]);
        assert_eq!(code, 0);
        for part in ["succeeded", "ann · approve · Slack, workspace T0SPACE", "all under its signed root"] {
            assert!(text.contains(part), "{from}: {text}");
        }
        let (_, text) = run(&["--json", "audit", "show", id.as_str(), "--in", from]);
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (said["status"].as_str(), said["events"].as_array().unwrap().len()),
            (Some("succeeded"), 8)
        );
    }
    let (code, _) = run(&["audit", "prove", &format!("{id}.99"), "--in", "pack"]);
    assert_eq!(code, 2);
}

#[test]
fn an_export_is_recorded_before_the_pack_is_there() {
    let place = place("record");
    place.trusted();
    let line = EXPORT.replace("--unrecorded", "--token-stdin --control CC8.1");
    // A receipt of something else is no proof of this pack.
    let other = place.done("audit prove prod.123456789012.eu-west-1/countersign.1 --in log");
    let server = Server::start(vec![Reply::json(200, &serde_json::json!({"receipt": other}).to_string())]);
    let url = server.url.clone();
    let (code, _, err) = place.run(&line, "t0ken\n", &[("COUNTERSIGN_REVIEW_URL", &url)]);
    assert_eq!(code, 41, "{err}");
    assert!(err.contains("it is not of this export"), "{err}");
    assert!(!place.dir.join("pack").exists());
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/v1/review/log/exports"));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!((body["start"].as_u64(), body["control"].as_str()), (Some(0), Some("CC8.1")));
    assert_eq!(body["from"], "2026-07-01T00:00:00.000Z");
    assert!(body["manifest"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn a_pack_that_was_changed_is_broken_and_one_that_is_not_there_is_not_checked() {
    let place = place("changed");
    place.trusted().done(EXPORT);
    let csv = place.dir.join("pack/requests.csv");
    let text = fs::read_to_string(&csv).unwrap();
    let rows: Vec<&str> = text.lines().filter(|row| !row.starts_with(log::request(2).as_str())).collect();
    fs::write(&csv, format!("{}\n", rows.join("\n"))).unwrap();
    let (code, out, _) = place.run("audit verify pack", "", &[]);
    assert_eq!(code, 41, "{out}");
    assert!(out.contains("requests.csv") && out.ends_with("The pack: broken\n"), "{out}");
    assert_eq!(place.run("audit verify nowhere", "", &[]).0, 42);
    assert_eq!(place.run(EXPORT, "", &[]).0, 1, "the pack is there");
    assert_eq!(place.run(&EXPORT.replace("--to 2026-07-02", "--to 2026-07-01"), "", &[]).0, 2);
}

#[test]
fn another_key_for_a_log_is_not_taken_silently() {
    let place = place("rival");
    place.trusted().done(&format!("audit trust add {}", place.log.vkey()));
    let other = Log::with_key(&place.dir.join("other"), 9).vkey();
    let (code, _, err) = place.run(&format!("audit trust add {other}"), "", &[]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("says otherwise"), "{err}");
    place.done(&format!("audit trust add {other} --replace"));
    assert_eq!(place.run(EXPORT, "", &[]).0, 41);
}

#[test]
fn erase_and_recover_are_calls_of_the_reviewers_api() {
    let place = place("live");
    let server = Server::start(vec![Reply::json(200, r#"{"waiting":true}"#)]);
    let env = [("COUNTERSIGN_REVIEW_URL", server.url.clone())];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (code, out, err) = place.run("audit recover --reason restored --token-stdin", "t0ken\n", &env);
    assert_eq!((code, out.as_str()), (0, "{\"waiting\":true}\n"), "{err}");
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/review/log/recover");
    assert_eq!(seen[0].body, r#"{"reason":"restored"}"#);
}
