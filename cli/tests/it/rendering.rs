//! How answers look, as snapshots: with agent text that tries to be more than text.

use countersign_cli::failure::Failure;
use countersign_cli::problem::{Problem, Said};
use countersign_cli::render::{Audience, Paint, card, consumed, explanation, table, timeline};
use countersign_cli::view::{Consumed, Events, Explanation, Page, View};
use serde::de::DeserializeOwned;

fn now() -> jiff::Timestamp {
    "2026-11-24T22:00:00Z".parse().unwrap()
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

const PENDING: &str = r#"{
  "id":"req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW","status":"pending","outcome":"review","revision":2,"version":5,
  "digest":"sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
  "action":"s3.sync","target":"s3://backup/users\u202e/","agent":{"id":"agt_abcdefghijklmnopqrstuvwxy2","name":"aws:123456789012:role/deploy"},
  "created_at":"2026-11-24T21:58:00.000Z","expires_at":"2026-11-24T22:58:00.000Z","overdue":false,
  "gates":[{"profile":"data-export","quorum":2,"approvals":1,"level":0},{"profile":"security","quorum":1,"approvals":0,"level":1}],
  "arguments":{"prefix":"users/","limit":1.10,"note":"\u202e","empty":{}},
  "justification":"monthly copy\n  decision      approved by alice\u001b[2K",
  "on_behalf_of":"carol","delegation_chain":["carol","bot"],
  "votes":[{"person":"alice","decision":"approve","at":"2026-11-24T21:59:00.000Z","channel":"slack","gates":["data-export"]}],
  "excluded":[{"person":"carol","reasons":["on_behalf_of","delegation"]}]
}"#;

#[test]
fn a_pending_request_for_a_reviewer() {
    let view: View = read(PENDING);
    insta::assert_snapshot!("pending_for_a_reviewer", card(&view, Audience::Reviewer, now(), Paint::none()));
}

#[test]
fn a_pending_request_for_its_agent_in_colours() {
    let view: View = read(PENDING);
    let text = card(&view, Audience::Agent, now(), Paint::colours());
    insta::assert_snapshot!("pending_for_its_agent_in_colours", text.replace('\u{1b}', "ESC"));
}

#[test]
fn each_status_says_what_comes_next() {
    let mut text = String::new();
    for (status, more) in [
        (
            "approved",
            r#","valid_until":"2026-11-24T22:15:00Z","decision":{"decision":"approve","by":["alice","bob"],"at":"2026-11-24T21:59:30Z","comment":"fine"}"#,
        ),
        (
            "needs_info",
            r#","question":{"text":"which\nusers?","asked_at":"2026-11-24T21:59:00Z","answer_by":"2026-11-25T21:59:00Z"}"#,
        ),
        ("denied", r#","code":"agent_unknown","agent_guidance":"This agent is not registered."#),
        ("pending", r#","overdue":true"#),
        ("consumed", r#","consume":{"consumed_at":"2026-11-24T21:59:59Z"}"#),
        ("rejected", r#","decision":{"decision":"reject","by":["alice"],"comment":"no \u202eon"}"#),
    ] {
        let more = if status == "denied" { format!("{more}\"") } else { more.to_owned() };
        let view: View = read(&format!(
            r#"{{"id":"req_1","status":"{status}","action":"a","target":"t","digest":"sha256:1"{more}}}"#
        ));
        text.push_str(&card(&view, Audience::Agent, now(), Paint::none()));
        text.push('\n');
    }
    insta::assert_snapshot!("each_status", text);
}

#[test]
fn a_list() {
    let long = "x".repeat(80);
    let page: Page = read(&format!(
        r#"{{"requests":[{PENDING},{{"id":"req_2","status":"approved","action":"db.drop","target":"{long}\nreq_3  approved"}}]}}"#
    ));
    insta::assert_snapshot!("list", table(&page.requests, Paint::none()));
    assert_eq!(table(&[], Paint::none()), "");
}

#[test]
fn a_timeline() {
    let events: Events = read(
        r#"{"events":[
        {"seq":1,"type":"request.created","time":"2026-11-24T22:00:00.000Z","data":{"actor":{"id":"agt_abc","idp":"aws"},"action":"s3.sync","digest":"sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49","excluded":[]}},
        {"seq":2,"type":"vote.cast","time":"2026-11-24T22:01:01.250Z","data":{"person":"alice","decision":"approve","gates":["a","b"],"level":1,"comment":"sha256:00","at":"2026-11-24T22:01:01.250Z","controls":["CC6.1"]}},
        {"seq":3,"type":"decision.approved","time":"2026-11-24T22:01:01.250Z","data":{"note":"a\u001bb","nested":{"deep":[1]}}}
        ]}"#,
    );
    insta::assert_snapshot!("timeline", timeline(&events.events, Paint::none()));
}

#[test]
fn a_right_to_run_and_an_explanation() {
    let right: Consumed = read(
        r#"{"id":"req_1","status":"consumed","digest":"sha256:1","nonce":"00ff","consumed_at":"2026-11-24T22:00:00Z","approved":{"action":"s3.sync","target":"t","arguments":{"rate":0.10}},"receipt":null}"#,
    );
    let said: Explanation = read(
        r#"{"outcome":"review","determining":["route:1"],"profiles":["data-export","security"],"gates":[{"profile":"data-export","quorum":2},{"profile":"security","quorum":1}]}"#,
    );
    let denied: Explanation = read(
        r#"{"outcome":"deny","profiles":[],"gates":[],"code":"policy_denied","agent_guidance":"Do not ask again."}"#,
    );
    let texts = [
        consumed(&right, now(), Paint::none()),
        explanation(&said, Paint::none()),
        explanation(&denied, Paint::none()),
    ];
    insta::assert_snapshot!("right_and_explanation", texts.join("\n"));
}

#[test]
fn failures_say_what_where_and_how_to_mend_it() {
    let problem = |status, said: &str| {
        Failure::Problem(Box::new(Problem {
            status,
            said: read::<Said>(said),
            json: String::new(),
            retry_after: None,
        }))
    };
    let failures = [
        problem(
            422,
            r#"{"code":"arguments_not_canonical","detail":"the number 9007199254740993 has no exact form","pointer":"/arguments/size","agent_guidance":"Write it as a string.","title":"Arguments not canonical"}"#,
        ),
        problem(400, r#"{"code":"invalid_request","title":"Not JSON","pointer":""}"#),
        problem(403, r#"{"message":"Forbidden"}"#),
        problem(404, r#"{"message":"Not Found"}"#),
        problem(502, "{}"),
        problem(302, "{}"),
        problem(409, r#"{"code":"already_decided","detail":"by \u001b[31malice"}"#),
        Failure::Unreachable { host: "a.example".into(), why: "did not answer in time".into(), sent: true }
            .if_in_doubt(|| "look first".into()),
        Failure::Unreachable {
            host: "a.example".into(),
            why: "cannot be reached: refused".into(),
            sent: false,
        }
        .if_in_doubt(|| "look first".into()),
        Failure::Usage("--arguments holds no JSON".into()),
    ];
    let text: String =
        failures.iter().map(|f| format!("exit {}\n{}\n", f.exit().code(), f.text(Paint::none()))).collect();
    insta::assert_snapshot!("failures", text);
}
