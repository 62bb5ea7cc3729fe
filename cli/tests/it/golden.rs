//! Golden runs of the real binary: standard output, standard error and exit code, and what the service was sent.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::server::{Reply, Seen, Server};

const ID: &str = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";
const DIGEST: &str = "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

/// A view of the request with this status and no times that would change from run to run.
fn view(status: &str) -> Reply {
    let body = format!(
        r#"{{"id":"{ID}","status":"{status}","revision":1,"digest":"{DIGEST}","action":"s3.sync","target":"s3://backup/users/","agent":{{"id":"agt_abcdefghijklmnopqrstuvwxy2","name":"aws:123456789012:role/deploy"}},"gates":[{{"profile":"default","quorum":1,"approvals":0,"level":0}}]}}"#
    );
    Reply::json(if status == "pending" { 202 } else { 200 }, &body)
}

/// What one run did.
struct Ran {
    /// All of it, as a snapshot shows it.
    shown: String,
    stdout: String,
    stderr: String,
    code: i32,
    seen: Vec<Seen>,
}

/// Runs `countersign` with the words of `line` (`'…'` keeps spaces) against a server that gives `replies`.
fn run(line: &str, input: &str, replies: Vec<Reply>) -> Ran {
    run_with(line, input, replies, &[("COUNTERSIGN_TOKEN", "t0ken")])
}

fn run_with(line: &str, input: &str, replies: Vec<Reply>, env: &[(&str, &str)]) -> Ran {
    let server = Server::start(replies);
    let url = server.url.clone();
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(words(&line.replace("ID", ID).replace("DIGEST", DIGEST)))
        .env_clear()
        .env("COUNTERSIGN_URL", &url)
        .env("COUNTERSIGN_REVIEW_URL", &url)
        .envs(env.iter().copied())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments ends without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let host = url.trim_start_matches("http://");
    let clean = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(host, "HOST");
    let (stdout, stderr) = (clean(output.stdout), clean(output.stderr));
    let code = output.status.code().unwrap();
    let seen = server.seen();
    let calls: String = seen.iter().map(|s| format!("> {} {} {}\n", s.method, s.path, s.body)).collect();
    let shown = format!(
        "$ countersign {line}\n{calls}--- standard output\n{stdout}--- standard error\n{stderr}--- exit {code}\n"
    );
    Ran { shown, stdout, stderr, code, seen }
}

fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate().flat_map(|(n, part)| {
        if n % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    quoted.collect()
}

const ASK: &str = "request --action s3.sync --target s3://backup/users/";

#[test]
fn the_main_job_by_hand() {
    let key = "--idempotency-key k1";
    let consumed =
        format!(r#"{{"id":"{ID}","status":"consumed","digest":"{DIGEST}","nonce":"00ff","receipt":null}}"#);
    let attempt = "--attempt 0123456789abcdef0123456789abcdef";
    let text = [
        run(&format!("{ASK} --arguments '{{\"prefix\":\"a/\"}}' {key}"), "", vec![view("pending")]),
        run("wait ID", "", vec![view("approved")]),
        run(&format!("consume ID --digest DIGEST {attempt}"), "", vec![Reply::json(200, &consumed)]),
        run("outcome ID --succeeded --detail '3 objects'", "", vec![view("succeeded")]),
    ]
    .map(|r| r.shown)
    .join("\n");
    insta::assert_snapshot!("main_job", text);
}

#[test]
fn the_reviewers_side() {
    let page = format!(
        r#"{{"requests":[{{"id":"{ID}","status":"pending","action":"a","target":"t"}}],"next":"c2"}}"#
    );
    let facts = r#"{"events":[{"seq":1,"type":"request.created","time":"2026-11-24T22:00:00.000Z","data":{"action":"a"}}]}"#;
    let text = [
        run("review list --status pending --token-stdin", "t0k\n", vec![Reply::json(200, &page)]),
        run("review show ID --token-stdin", "t0k\n", vec![view("pending")]),
        run(
            "decide ID request_info --digest DIGEST --comment 'which users?' --token-stdin",
            "t0k\n",
            vec![view("needs_info")],
        ),
        run("revoke ID --reason 'wrong bucket' --token-stdin", "t0k\n", vec![view("revoked")]),
        run("events ID --token-stdin", "t0k\n", vec![Reply::json(200, facts)]),
        run("freeze agt_abcdefghijklmnopqrstuvwxy2 --token-stdin", "t0k\n", vec![Reply::json(200, "{}")]),
        run(
            "unfreeze agt_abcdefghijklmnopqrstuvwxy2 --reason ok --token-stdin",
            "t0k\n",
            vec![Reply::json(200, "{}")],
        ),
    ];
    for ran in &text {
        assert_eq!(ran.seen[0].headers["authorization"], "Bearer t0k", "{}", ran.shown);
    }
    insta::assert_snapshot!("reviewers_side", text.map(|r| r.shown).join("\n"));
}

#[test]
fn the_rest_of_the_agents_side() {
    let said = r#"{"outcome":"review","profiles":["default"],"gates":[{"profile":"default","quorum":1}]}"#;
    let text = [
        run("list --status pending", "", vec![Reply::json(200, r#"{"requests":[]}"#)]),
        run("status ID", "", vec![view("rejected")]),
        run(
            "respond ID --answer 'only users/a' --arguments '{\"prefix\":\"users/a\"}'",
            "",
            vec![view("pending")],
        ),
        run("withdraw ID --reason 'not needed'", "", vec![view("withdrawn")]),
        run("explain --action a --target t --arguments {}", "", vec![Reply::json(200, said)]),
    ]
    .map(|r| r.shown)
    .join("\n");
    insta::assert_snapshot!("agents_side", text);
}

#[test]
fn refusals() {
    let reused = r#"{"type":"about:blank","title":"Conflict","status":409,"code":"idempotency_key_reused","detail":"k1 was used with another body","retryable":false,"agent_guidance":"Use a new key for a new ask."}"#;
    let bad =
        r#"{"code":"invalid_request","detail":"unknown field `targets`","pointer":"/targets","status":400}"#;
    let text = [
        run(&format!("{ASK} --arguments {{}} --idempotency-key k1"), "", vec![Reply::json(409, reused)]),
        run(
            &format!("{ASK} --arguments {{}} --idempotency-key k1 --json"),
            "",
            vec![Reply::json(409, reused)],
        ),
        run("status ID", "", vec![Reply::json(403, r#"{"message":"Forbidden"}"#)]),
        run("decide ID approve --digest DIGEST --token-stdin", "t0k", vec![Reply::json(400, bad)]),
        run("decide ID approve --digest DIGEST --token-stdin", "t0k", vec![Reply::dropped()]),
        run("decide ID approve --digest DIGEST --token-stdin", "", vec![]),
        run(&format!("{ASK} --arguments '{{\"a\":}}'"), "", vec![]),
        run(&format!("{ASK} --arguments @nothing.json"), "", vec![]),
        run(&format!("{ASK} --arguments {{}} --consume --idempotency-key k1"), "", vec![]),
        run("status ID", "", vec![Reply::json(200, r#"{"id":"x","status":"dreaming"}"#)]),
        run_with("status ID", "", vec![], &[("COUNTERSIGN_TOKEN", "two words")]),
    ]
    .map(|r| r.shown)
    .join("\n");
    insta::assert_snapshot!("refusals", text);
}

#[test]
fn the_exit_code_tells_the_status() {
    fn check(line: &str, status: &str, code: i32) {
        let ran = run(line, "", vec![view(status)]);
        assert_eq!(ran.code, code, "{}", ran.shown);
    }
    let ask = format!("{ASK} --arguments {{}} --idempotency-key 0123456789abcdef0123456789abcdef");
    for (status, code) in [
        ("approved", 0),
        ("pending", 10),
        ("needs_info", 11),
        ("denied", 20),
        ("rejected", 21),
        ("expired", 22),
        ("withdrawn", 23),
        ("revoked", 24),
        ("undeliverable", 25),
        ("lapsed", 26),
        ("consumed", 30),
        ("succeeded", 31),
        ("failed", 32),
        ("unknown", 33),
    ] {
        check("status ID", status, code);
        check("wait ID --timeout 0s", status, code);
    }
    check(&ask, "approved", 0);
    check(&ask, "pending", 10);
    check(&ask, "denied", 20);
    check(&format!("{ask} --consume"), "consumed", 30);
    let held =
        format!(r#"{{"id":"{ID}","status":"consumed","digest":"{DIGEST}","consume":{{"nonce":"00ff"}}}}"#);
    assert_eq!(run(&format!("{ask} --consume"), "", vec![Reply::json(201, &held)]).code, 0);
    check(&format!("{ask} --consume"), "approved", 12);
    check("withdraw ID", "withdrawn", 0);
    check("outcome ID --failed", "failed", 0);
    check("respond ID --answer x", "denied", 20);
}

#[test]
fn arguments_reach_the_service_as_they_were_typed() {
    fn check(line: &str, input: &str, arguments: &str) {
        let ran = run(&format!("{ASK} {line} --idempotency-key k1"), input, vec![view("pending")]);
        let body = &ran.seen[0].body;
        let expect =
            format!(r#"{{"action":"s3.sync","target":"s3://backup/users/","arguments":{arguments}}}"#);
        assert_eq!(body, &expect, "{}", ran.shown);
    }
    let exact = r#"{"a":1.10,"a":9007199254740993,"b":1E400,"c":"\ud800é","d":-0}"#;
    check(&format!("--arguments '{exact}'"), "", exact);
    check("--arguments -", &format!("{exact}\n"), exact);
    check("--arguments @arguments.json", "", "{\n  \"size\": 12345678901234567890,\n  \"rate\": 0.10\n}");
    let ran = run(&format!("respond ID --answer x --arguments '{exact}'"), "", vec![view("pending")]);
    assert_eq!(ran.seen[0].body, format!(r#"{{"answer":"x","arguments":{exact}}}"#));
}

#[test]
fn every_field_of_an_ask_is_sent() {
    let line = format!(
        "{ASK} --arguments {{}} --justification 'because \"x\"' --on-behalf-of carol --delegation-chain a,b \
         --executor agt_abcdefghijklmnopqrstuvwxy2 --expires-in 15m --consume"
    );
    let ran = run(&line, "", vec![view("pending")]);
    let expect = r#"{"action":"s3.sync","target":"s3://backup/users/","arguments":{},"justification":"because \"x\"","on_behalf_of":"carol","delegation_chain":["a","b"],"executor":"agt_abcdefghijklmnopqrstuvwxy2","expires_in":900,"consume":true}"#;
    assert_eq!(ran.seen[0].body, expect);
}

#[test]
fn json_is_the_services_own_on_one_line() {
    let served = "{\"id\":\"req_1\",\n \"status\":\"approved\",\"n\":1.10,\"n\":1e400}\n";
    let ran = run("status ID --json", "", vec![Reply::json(200, served)]);
    assert_eq!(ran.stdout, "{\"id\":\"req_1\",  \"status\":\"approved\",\"n\":1.10,\"n\":1e400}\n");
    assert_eq!(ran.stderr, "");
}

/// A lost answer, and then no hope for an hour.
fn lost_for_long() -> Vec<Reply> {
    vec![Reply::dropped(), Reply::json(503, "{}").header("retry-after", "3600")]
}

#[test]
fn the_key_is_told_unless_it_is_a_right_to_run() {
    let told = run(&format!("{ASK} --arguments {{}}"), "", vec![view("pending")]);
    let key = &told.seen[0].headers["idempotency-key"];
    assert_eq!(told.stderr, format!("idempotency key: {key}\n"));
    assert_eq!(key.len(), 32);

    let lost = run(&format!("{ASK} --arguments {{}} --consume"), "", lost_for_long());
    let key = &lost.seen[0].headers["idempotency-key"];
    assert_eq!((lost.code, lost.seen.len()), (4, 2), "{}", lost.shown);
    assert!(lost.seen.iter().all(|s| &s.headers["idempotency-key"] == key), "{:?}", lost.seen);
    assert!(!lost.stderr.contains(key.as_str()) && !lost.stdout.contains(key.as_str()), "{}", lost.shown);
    assert!(lost.stderr.contains("do not run the action"), "{}", lost.shown);
}

#[test]
fn a_lost_answer_to_consume_is_fetched_with_the_same_attempt() {
    let body =
        format!(r#"{{"id":"{ID}","status":"consumed","digest":"{DIGEST}","nonce":"00ff","receipt":null}}"#);
    let replies = vec![Reply::dropped(), Reply::json(503, "{}"), Reply::json(200, &body)];
    let ran = run("consume ID --digest DIGEST --json", "", replies);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, format!("{body}\n").as_str()), "{}", ran.shown);
    assert_eq!(ran.seen.len(), 3);
    assert!(ran.seen.iter().all(|s| s.body == ran.seen[0].body), "{:?}", ran.seen);
    let attempt = ran.seen[0].body.split("\"attempt\":\"").nth(1).unwrap().trim_end_matches("\"}");
    assert_eq!(attempt.len(), 32);
    assert!(!ran.stdout.contains(attempt) && !ran.stderr.contains(attempt), "{}", ran.shown);

    let other = run("consume ID --digest DIGEST", "", vec![Reply::json(200, &body)]);
    assert_ne!(other.seen[0].body, ran.seen[0].body, "each process makes its own attempt");
}

#[test]
fn a_consume_that_stays_in_doubt_says_so() {
    fn check(replies: Vec<Reply>, code: i32, told: bool) {
        let ran = run("consume ID --digest DIGEST", "", replies);
        assert_eq!(ran.code, code, "{}", ran.shown);
        assert_eq!(ran.stderr.contains("do not run the action"), told, "{}", ran.shown);
    }
    let refused = |code: &str| Reply::json(409, &format!(r#"{{"code":"{code}","retryable":false}}"#));
    check(lost_for_long(), 4, true);
    let unsealed = r#"{"code":"audit_unavailable","retryable":true}"#;
    check(vec![Reply::json(503, unsealed).header("retry-after", "3600")], 6, true);
    // A gateway's word after a lost answer settles nothing; the service's own does.
    check(vec![Reply::dropped(), Reply::json(403, r#"{"message":"Forbidden"}"#)], 4, true);
    check(vec![Reply::dropped(), refused("expired")], 3, false);
    check(vec![Reply::json(403, r#"{"message":"Forbidden"}"#)], 3, false);
    check(vec![Reply::json(200, "{}")], 1, true);
}

#[test]
fn no_proxy_stands_between_this_machine_and_itself() {
    let env = [
        ("COUNTERSIGN_TOKEN", "t0ken"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
    ];
    let ran = run_with("status ID", "", vec![view("approved")], &env);
    assert_eq!((ran.code, ran.seen.len()), (0, 1), "{}", ran.shown);
}

#[test]
fn a_receipt_is_kept_byte_for_byte_in_a_new_file() {
    let receipt = "c2sp.org/tlog-proof@v1\nindex 7\naGFzaA==\n\nlog.example/countersign\n42\ncm9vdA==\n\n— log.example/countersign c2ln\n";
    let with = |receipt: serde_json::Value| {
        let body = serde_json::json!({"id": ID, "status": "consumed", "digest": DIGEST, "receipt": receipt});
        vec![Reply::json(200, &body.to_string())]
    };
    for command in ["consume ID --digest DIGEST", "status ID"] {
        let file = std::env::temp_dir().join(format!("countersign-{}", std::process::id()));
        let command = format!("{command} --receipt {}", file.display());
        let none = run(&command, "", with(serde_json::Value::Null));
        assert!(!file.exists() && none.stderr.contains("there is no receipt yet"), "{}", none.shown);
        let refused = run(&command, "", vec![Reply::json(404, r#"{"code":"not_found"}"#)]);
        assert!(refused.code == 3 && !file.exists(), "{}", refused.shown);
        let kept = run(&command, "", with(receipt.into()));
        assert_eq!(kept.code, none.code, "{}", kept.shown);
        assert!(kept.stdout.contains("leaf 7 of 42 in log.example/countersign"), "{}", kept.shown);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), receipt);
        let again = run(&command, "", Vec::new());
        assert_eq!((again.code, again.seen.len()), (2, 0), "{}", again.shown);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), receipt, "it is not written over");
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_right_for_another_digest_is_refused() {
    let body =
        format!(r#"{{"id":"{ID}","status":"consumed","digest":"sha256:00","nonce":"00ff","receipt":null}}"#);
    let ran = run("consume ID --digest DIGEST", "", vec![Reply::json(200, &body)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.shown);
    assert!(ran.stderr.contains("do not run the action"), "{}", ran.shown);
}

#[test]
fn request_with_wait_goes_on_to_the_decision() {
    let ran = run(
        &format!("{ASK} --arguments {{}} --idempotency-key k1 --wait --timeout 10m --json"),
        "",
        vec![view("pending"), view("rejected")],
    );
    assert_eq!(ran.code, 21, "{}", ran.shown);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.shown);
    assert!(ran.stdout.contains("\"rejected\""), "{}", ran.shown);
    assert_eq!(ran.stderr, format!("{ID} is pending; waiting for a decision\n"));
    assert_eq!(ran.seen[1].path, format!("/v1/requests/{ID}"));
    assert_eq!(ran.seen[1].headers["prefer"], "wait=25");
    let decided =
        run(&format!("{ASK} --arguments {{}} --idempotency-key k1 --wait"), "", vec![view("denied")]);
    assert_eq!((decided.code, decided.seen.len()), (20, 1), "{}", decided.shown);
}

#[test]
fn without_a_token_the_call_is_signed() {
    let env = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "topsecret"),
        ("AWS_SESSION_TOKEN", "session"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let line = format!("{ASK} --arguments {{}} --idempotency-key k1");
    let ran = run_with(&line, "", vec![view("pending")], &env);
    let headers = &ran.seen[0].headers;
    let authorization = &headers["authorization"];
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-west-1/execute-api/aws4_request, SignedHeaders=accept;content-type;host;idempotency-key;x-amz-date;x-amz-security-token, "), "{authorization}");
    assert_eq!(headers["x-amz-security-token"], "session");
    assert!(!ran.shown.contains("topsecret"), "{}", ran.shown);
    assert_eq!(ran.code, 10, "{}", ran.shown);
}

#[test]
fn without_credentials_or_region_nothing_is_sent() {
    fn check(env: &[(&str, &str)], part: &str) {
        let env = [env, &[("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")]].concat();
        let ran = run_with("status ID", "", vec![], &env);
        assert_eq!((ran.code, ran.seen.len()), (5, 0), "{}", ran.shown);
        assert!(ran.stderr.contains(part), "{}", ran.shown);
    }
    check(&[], "no AWS region to sign for: set AWS_REGION");
    check(&[("AWS_REGION", "eu-west-1")], "no AWS credentials: ");
}

#[test]
fn nothing_is_coloured_when_it_is_not_for_a_terminal() {
    let ran = run("status ID", "", vec![view("pending")]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{}", ran.shown);
}
