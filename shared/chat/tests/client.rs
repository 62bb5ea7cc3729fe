//! The client against a real socket: what it sends, and how it sorts each kind of answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use common::card;
use countersign_chat::slack::client::{BotToken, ClientError, TIMEOUT};
use countersign_chat::slack::modals::{self, Next};
use countersign_chat::slack::{About, Chat, ChatError, MemoryChat, Place, SlackClient, render};
use countersign_domain::event::Decision;
use countersign_domain::time::Seconds;
use serde_json::{Value, json};

const TOKEN: &str = "xoxb-not-a-real-token";

struct Sent {
    head: String,
    body: Vec<u8>,
}

/// Answers one call with these bytes and gives back what was sent.
fn answer_once(answer: impl Into<Vec<u8>>) -> (String, JoinHandle<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    let answer = answer.into();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let sent = receive(&stream);
        stream.write_all(&answer).unwrap();
        sent
    });
    (base, thread)
}

fn receive(stream: &TcpStream) -> Sent {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Sent { head, body }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn client(base: &str, timeout: Duration) -> SlackClient {
    SlackClient::new(base, BotToken::new(TOKEN).unwrap(), timeout).unwrap()
}

fn place() -> Place {
    Place { channel: "C0APPROVALS".into(), ts: "1795558000.000100".into() }
}

async fn call<T, F: Future<Output = T>>(answer: &str, call: impl FnOnce(SlackClient) -> F) -> (T, Sent) {
    let (base, thread) = answer_once(answer);
    let result = call(client(&base, TIMEOUT)).await;
    (result, thread.join().unwrap())
}

#[tokio::test]
async fn each_call_is_sent_as_slack_wants_it() {
    fn check(sent: &Sent, method: &str, content_type: &str) {
        assert!(sent.head.starts_with(&format!("POST /api/{method} HTTP/1.1\r\n")), "{}", sent.head);
        assert!(sent.head.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{}", sent.head);
        assert!(sent.head.contains(&format!("content-type: {content_type}\r\n")), "{}", sent.head);
    }
    fn json(sent: &Sent) -> Value {
        serde_json::from_slice(&sent.body).unwrap()
    }
    let utf8 = "application/json; charset=utf-8";
    let message = render(&card());

    let posted = http("200 OK", "", r#"{"ok":true,"channel":"C0APPROVALS","ts":"1795558000.000100"}"#);
    let (result, sent) = call(&posted, async |c| c.post("C0APPROVALS", &message).await).await;
    assert_eq!(result, Ok(place()));
    check(&sent, "chat.postMessage", utf8);
    let body = json(&sent);
    assert_eq!((&body["blocks"], &body["metadata"]), (&json!(message.blocks), &message.metadata));
    assert_eq!(
        [&body["unfurl_links"], &body["unfurl_media"], &body["parse"]],
        [&json!(false), &json!(false), &json!("none")]
    );

    let ok = http("200 OK", "", r#"{"ok":true}"#);
    let (result, sent) = call(&ok, async |c| c.update(&place(), &message).await).await;
    assert_eq!(result, Ok(()));
    check(&sent, "chat.update", utf8);
    let body = json(&sent);
    assert_eq!(
        (&body["ts"], &body["text"], &body["blocks"]),
        (&json!(place().ts), &json!(message.text), &json!(message.blocks))
    );

    let (result, sent) = call(&ok, async |c| c.ephemeral("C0A", "U0B", "no <!channel> & more").await).await;
    assert_eq!(result, Ok(()));
    check(&sent, "chat.postEphemeral", utf8);
    let expect =
        json!({ "channel": "C0A", "user": "U0B", "text": "no &lt;!channel&gt; &amp; more", "parse": "none" });
    assert_eq!(json(&sent), expect);

    let Next::Open(view) = modals::next(&card(), Decision::Reject, &About::card(&card()), &place()) else {
        panic!("no view")
    };
    let (result, sent) = call(&ok, async |c| c.open_view("1.2.3", &view).await).await;
    assert_eq!(result, Ok(()));
    check(&sent, "views.open", utf8);
    assert_eq!(json(&sent), json!({ "trigger_id": "1.2.3", "view": view.0 }));

    let (result, sent) = call(&ok, async |c| c.users_info("U0ALICE&x=1").await).await;
    assert_eq!(result, Ok(json!({ "ok": true })));
    check(&sent, "users.info", "application/x-www-form-urlencoded");
    assert_eq!(sent.body, b"user=U0ALICE%26x%3D1");
}

#[tokio::test]
async fn each_kind_of_answer_is_sorted() {
    async fn check(answer: String, expect: ChatError, permanent: bool) {
        let (result, _) = call(&answer, async |c| c.update(&place(), &render(&card())).await).await;
        assert_eq!(result, Err(expect.clone()), "{answer}");
        assert_eq!(expect.is_permanent(), permanent, "{answer}");
    }
    let refused = |code: &str, needed: Option<&str>| ChatError::Refused {
        code: code.to_owned(),
        needed: needed.map(str::to_owned),
    };
    let ok = |body: &str| http("200 OK", "", body);
    check(ok(r#"{"ok":false,"error":"channel_not_found"}"#), refused("channel_not_found", None), true).await;
    let scope = r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"users:read"}"#;
    check(ok(scope), refused("missing_scope", Some("chat:write")), true).await;
    check(ok(r#"{"ok":false,"error":"fatal_error"}"#), refused("fatal_error", None), false).await;
    check(ok("{\"ok\":false,\"error\":\"x\\n<!here> y\"}"), refused("xherey", None), true).await;
    let wait = |seconds| ChatError::RateLimited { retry_after: Seconds(seconds) };
    check(http("429 Too Many Requests", "Retry-After: 7\r\n", ""), wait(7), false).await;
    check(http("429 Too Many Requests", "Retry-After: soon\r\n", ""), wait(30), false).await;
    check(http("200 OK", "Retry-After: 9\r\n", r#"{"ok":false,"error":"ratelimited"}"#), wait(9), false)
        .await;
    check(http("503 Busy", "", "<html>"), ChatError::Unreachable("it answers 503".into()), false).await;
    let status = ChatError::Malformed("its status is neither 200, 429 nor 5xx");
    check(http("302 Found", "location: http://127.0.0.1:1/\r\n", ""), status.clone(), false).await;
    check(http("404 Not Found", "", r#"{"ok":true}"#), status, false).await;
    check(ok("<html>"), ChatError::Malformed("it is not JSON"), false).await;
    check(ok("[]"), ChatError::Malformed("it lacks `ok` or `error`"), false).await;
    check(ok(r#"{"ok":"true"}"#), ChatError::Malformed("it lacks `ok` or `error`"), false).await;
    check(ok(&" ".repeat(2 << 20)), ChatError::Malformed("it is longer than 1 MiB"), false).await;
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".into(),
        ChatError::Unreachable("the connection broke".into()),
        false,
    )
    .await;

    let (result, _) = call(&ok(r#"{"ok":true}"#), async |c| c.post("C0A", &render(&card())).await).await;
    assert_eq!(result, Err(ChatError::Malformed("no `channel` of the message")));
}

#[tokio::test]
async fn who_does_not_answer_is_unreachable() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    let result = client(&base, Duration::from_millis(50)).users_info("U0A").await;
    assert_eq!(result, Err(ChatError::Unreachable("no answer in time".into())));
    drop(silent);
    let result = client(&base, TIMEOUT).users_info("U0A").await;
    assert_eq!(result, Err(ChatError::Unreachable("no connection".into())));
}

#[test]
fn a_token_goes_only_where_it_is_safe_and_is_never_shown() {
    fn check(base: &str, ok: bool) {
        let made = SlackClient::new(base, BotToken::new(TOKEN).unwrap(), TIMEOUT);
        assert_eq!(made.as_ref().err(), if ok { None } else { Some(&ClientError::Base) }, "{base}");
        assert!(!format!("{made:?}").contains(TOKEN));
    }
    check("https://slack.com/api", true);
    check("https://slack.com/api/", true);
    check("http://127.0.0.1:8080", true);
    check("http://[::1]:8080/api", true);
    check("http://slack.com/api", false);
    check("http://127.0.0.1.evil.example/api", false);
    check("https://user@slack.com/api", false);
    check("https://slack.com/api?x=1", false);
    check("file:///api", false);
    check("", false);
    for token in ["", "xoxb-", "xoxp-1", "xoxb-1\n", "xoxb-1 2"] {
        assert_eq!(BotToken::new(token).err(), Some(ClientError::Token), "{token:?}");
    }
}

#[tokio::test]
async fn the_workspace_in_memory_keeps_and_fails_as_told() {
    let chat = MemoryChat::new();
    let message = render(&card());
    let place = chat.post("C0A", &message).await.unwrap();
    assert_ne!(chat.post("C0A", &message).await, Ok(place.clone()));
    assert_eq!(chat.update(&place, &message).await, Ok(()));
    assert_eq!(chat.messages().iter().map(|m| m.updates).collect::<Vec<_>>(), [1, 0]);
    let gone = chat.update(&Place { ts: "9.9".into(), ..place }, &message).await.unwrap_err();
    assert!(gone.is_gone() && gone.is_permanent());
    let down = ChatError::Unreachable("down".into());
    chat.fail_next(down.clone());
    assert_eq!(chat.ephemeral("C0A", "U0A", "no").await, Err(down.clone()));
    assert_eq!(chat.ephemeral("C0A", "U0A", "no").await, Ok(()));
    assert_eq!(chat.whispers().len(), 1);
    chat.set_down(Some(down.clone()));
    assert_eq!(chat.users_info("U0A").await, Err(down));
    chat.set_down(None);
    chat.add_user("U0A", json!({ "id": "U0A" }));
    assert_eq!(chat.users_info("U0A").await, Ok(json!({ "ok": true, "user": { "id": "U0A" } })));
    assert!(chat.users_info("U0B").await.is_err_and(|e| e.word() == "user_not_found"));
    let Next::Open(view) = modals::next(
        &card(),
        Decision::Reject,
        &About::card(&card()),
        &Place { channel: "C0A".into(), ts: "1.2".into() },
    ) else {
        panic!("no view")
    };
    assert_eq!(chat.open_view("1.2", &view).await, Ok(()));
    assert!(chat.open_view("1.2", &view).await.is_err_and(|e| e.word() == "exchanged_trigger_id"));
    assert_eq!((chat.views(), chat.calls()), (vec![view], 11));
}
