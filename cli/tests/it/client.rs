//! The client: what is repeated and what is not, what a problem becomes, how waiting goes.

use std::time::Duration;

use countersign_cli::client::{Auth, Call, Client};
use countersign_cli::commands::until_settled;
use countersign_cli::failure::Failure;
use countersign_cli::pace::Pace;
use countersign_cli::progress::Progress;
use countersign_cli::token::Token;

use crate::server::{Reply, Seen, Server};

const ID: &str = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";

fn client(url: &str) -> Client {
    let pace = Pace {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        tries: 4,
        look: Duration::from_millis(1),
    };
    let auth = Auth::Bearer(Token::new("t0ken", "the test").unwrap());
    Client::new(url.parse().unwrap(), auth, pace, Progress::Silent).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn pending() -> Reply {
    Reply::json(200, &format!(r#"{{"id":"{ID}","status":"pending"}}"#))
}

fn problem(status: u16, retryable: bool) -> Reply {
    Reply::json(status, &format!(r#"{{"code":"a_code","detail":"a detail","retryable":{retryable}}}"#))
}

/// What came of a call to a server that gives `replies`: the exit code or the answer, and how often it was called.
fn outcome(replies: Vec<Reply>, call: impl Fn(&Client) -> Call) -> (Result<String, u8>, Vec<Seen>) {
    let server = Server::start(replies);
    let client = client(&server.url);
    let result = block_on(client.send(&call(&client)));
    (result.map(|a| a.json).map_err(|f| f.exit().code()), server.seen())
}

#[test]
fn a_failure_that_may_pass_is_repeated_only_where_that_is_harmless() {
    fn check(
        what: &str,
        replies: Vec<Reply>,
        repeatable: (Result<&str, u8>, usize),
        once: (Result<&str, u8>, usize),
    ) {
        let get = |c: &Client| Call::get(c.url(&["v1"], &[]));
        let post = |c: &Client| Call::post(c.url(&["v1"], &[]), "{}".into());
        let again = |c: &Client| post(c).repeatable();
        let compare =
            |kind: &str, (got, seen): (Result<String, u8>, Vec<Seen>), want: (Result<&str, u8>, usize)| {
                assert_eq!((got.as_deref().map_err(|e| *e), seen.len()), want, "{kind}: {what}");
            };
        compare("get", outcome(replies.clone(), get), repeatable);
        compare("repeatable post", outcome(replies.clone(), again), repeatable);
        compare("post", outcome(replies, post), once);
    }
    let ok = || Reply::json(200, "{}");
    check("success", vec![ok()], (Ok("{}"), 1), (Ok("{}"), 1));
    check("503", vec![problem(503, true), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("503 without a body", vec![Reply::json(503, ""), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("503 that will not pass", vec![problem(503, false), ok()], (Err(4), 1), (Err(4), 1));
    check("500 of a gateway", vec![Reply::json(500, r#"{"message":"x"}"#), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("429", vec![problem(429, true), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("409", vec![problem(409, false), ok()], (Err(3), 1), (Err(3), 1));
    check("409 that may pass", vec![problem(409, true), ok()], (Ok("{}"), 2), (Err(3), 1));
    check("404", vec![Reply::json(404, "not json"), ok()], (Err(3), 1), (Err(3), 1));
    check("closed without an answer", vec![Reply::dropped(), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("cut off", vec![Reply::json(200, "{\"a\":1}").cut_off(), ok()], (Ok("{}"), 2), (Err(4), 1));
    check("redirect", vec![Reply::json(302, "{}").header("location", "/x"), ok()], (Err(3), 1), (Err(3), 1));
    check("no JSON", vec![Reply::json(200, "<html>"), ok()], (Err(1), 1), (Err(1), 1));
    check("always 503", vec![problem(503, true); 4], (Err(4), 4), (Err(4), 1));
    check(
        "asked to come back much later",
        vec![problem(429, true).header("retry-after", "3600"), ok()],
        (Err(4), 1),
        (Err(4), 1),
    );
}

#[test]
fn a_repetition_is_the_same_call() {
    let (result, seen) =
        outcome(vec![Reply::dropped(), problem(503, true), Reply::json(201, "{}")], |client| {
            Call::post(client.url(&["v1", "requests"], &[]), r#"{"a":1.10}"#.into())
                .header("idempotency-key", "k1")
                .repeatable()
        });
    assert_eq!(result.as_deref(), Ok("{}"));
    assert_eq!(seen.len(), 3);
    for call in &seen {
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/requests"));
        assert_eq!(call.body, r#"{"a":1.10}"#);
        assert_eq!(call.headers["idempotency-key"], "k1");
        assert_eq!(call.headers["authorization"], "Bearer t0ken");
        assert_eq!(call.headers["content-type"], "application/json");
    }
}

#[test]
fn nobody_listening_is_unavailable_and_surely_not_done() {
    let server = Server::start(vec![]);
    let client = client(&server.url);
    server.seen();
    let failure = block_on(client.send(&Call::post(client.url(&["v1"], &[]), "{}".into()))).unwrap_err();
    assert!(matches!(&failure, Failure::Unreachable { sent: false, .. }), "{failure:?}");
    assert!(!failure.leaves_doubt());
    assert_eq!(failure.exit().code(), 4);
    assert!(failure.to_string().contains("cannot be reached: "), "{failure}");
}

/// What came of waiting, with the `prefer` headers that were sent.
fn waited(replies: Vec<Reply>, timeout: Option<Duration>) -> (Result<String, u8>, Vec<Option<String>>) {
    let server = Server::start(replies);
    let client = client(&server.url);
    let result = block_on(until_settled(&client, &ID.parse().unwrap(), timeout));
    let prefers = server.seen().into_iter().map(|mut s| s.headers.remove("prefer")).collect();
    (result.map(|a| a.json).map_err(|f| f.exit().code()), prefers)
}

#[test]
fn waiting_holds_each_read_and_ends_with_the_status() {
    fn check(replies: Vec<Reply>, expect: Result<&str, u8>, calls: usize) {
        let (result, prefers) = waited(replies, None);
        match (&result, expect) {
            (Ok(json), Ok(status)) => assert!(json.contains(&format!("\"{status}\"")), "{json}"),
            (got, want) => assert_eq!(got.as_deref().map_err(|e| *e), want),
        }
        assert_eq!(prefers, vec![Some("wait=25".to_owned()); calls]);
    }
    let at = |status: &str| Reply::json(200, &format!(r#"{{"id":"{ID}","status":"{status}"}}"#));
    check(vec![at("approved")], Ok("approved"), 1);
    check(vec![pending(), pending(), at("rejected")], Ok("rejected"), 3);
    check(vec![pending(), at("needs_info")], Ok("needs_info"), 2);
    check(vec![pending(), problem(503, true), Reply::dropped(), at("approved")], Ok("approved"), 4);
    check(vec![pending(), problem(404, false)], Err(3), 2);
    // Each read has its tries anew.
    let down = || vec![problem(503, true), problem(503, true), problem(503, true), pending()];
    check([down(), down(), vec![at("expired")]].concat(), Ok("expired"), 9);
}

#[test]
fn waiting_ends_at_its_timeout_with_the_last_answer() {
    fn check(timeout: Duration, prefers: &[Option<&str>]) {
        let (result, sent) = waited(vec![pending(); prefers.len()], Some(timeout));
        assert!(result.unwrap().contains("pending"));
        assert_eq!(sent.iter().map(Option::as_deref).collect::<Vec<_>>(), prefers);
    }
    check(Duration::ZERO, &[None]);
}

#[test]
fn a_hold_is_never_longer_than_the_timeout() {
    let settled = Reply::json(200, &format!(r#"{{"id":"{ID}","status":"denied"}}"#));
    let (_, sent) = waited(vec![settled.clone()], Some(Duration::from_millis(9_900)));
    assert_eq!(sent, [Some("wait=9".to_owned())]);
    let (_, sent) = waited(vec![settled], Some(Duration::from_secs(3600)));
    assert_eq!(sent, [Some("wait=25".to_owned())]);
}

#[test]
fn the_token_is_never_shown() {
    let shown = format!("{:?}", client("http://127.0.0.1:1"));
    assert!(!shown.contains("t0ken"), "{shown}");
}
