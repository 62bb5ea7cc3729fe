//! The proxy over real sockets, between a hand-written client and a tiny upstream that shows what
//! it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Proxy, control, forward, wire};

/// An upstream that answers each request with what `reply` makes of its bytes, and keeps them.
struct Upstream {
    address: SocketAddr,
    seen: Receiver<Vec<u8>>,
    answered: Receiver<()>,
    connections: Arc<Mutex<usize>>,
}

fn upstream(reply: fn(&[u8], &mut TcpStream)) -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    let (after, answered) = channel();
    let connections = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&connections);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            *counter.lock().unwrap() += 1;
            let (sender, after) = (sender.clone(), after.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Ok(Some(head)) = wire::read_request(&mut reader) {
                    let body = wire::read_body(wire::request_framing(&head).unwrap(), &mut reader).unwrap();
                    let all = [head.raw, body.raw].concat();
                    sender.send(all.clone()).unwrap();
                    reply(&all, &mut stream);
                    let _ = after.send(());
                }
            });
        }
    });
    Upstream { address, seen, answered, connections }
}

fn say_ok(_: &[u8], to: &mut TcpStream) {
    to.write_all(b"HTTP/1.1 200 OK\r\nX-Odd-CASE: kept\r\nContent-Length: 2\r\n\r\nok").unwrap();
}

struct Running {
    listen: SocketAddr,
    control: SocketAddr,
}

fn proxy(upstream: SocketAddr) -> Running {
    let proxy = Proxy::new(&format!("http://{upstream}")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let controller = TcpListener::bind("127.0.0.1:0").unwrap();
    let running =
        Running { listen: listener.local_addr().unwrap(), control: controller.local_addr().unwrap() };
    let shared = Arc::clone(&proxy);
    std::thread::spawn(move || control::serve(&controller, &shared));
    std::thread::spawn(move || forward::serve(&listener, &proxy));
    running
}

/// One connection of a caller.
struct Caller {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Caller {
    fn new(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    /// Sends bytes; returns status, whole head and body, or `None` when the connection was closed instead.
    fn call(&mut self, request: &[u8]) -> Option<(u16, String, String)> {
        self.stream.write_all(request).unwrap();
        let head = wire::read_response(&mut self.reader).ok()??;
        let framing = wire::response_framing(&head, "GET").unwrap();
        let body = wire::read_body(framing, &mut self.reader).unwrap();
        let text = String::from_utf8(body.content).unwrap();
        Some((head.status, String::from_utf8(head.raw).unwrap(), text))
    }

    fn json(&mut self, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let request = format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let (status, _, text) = self.call(request.as_bytes()).unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }
}

fn rule(running: &Running, rule: &str) -> u64 {
    let (status, answer) = Caller::new(running.control).json("POST", "/rules", rule);
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_u64().unwrap()
}

const WRITE: &[u8] = b"POST / HTTP/1.1\r\nHost: engine.example:1\r\nX-Amz-Target: D_1.TransactWriteItems\r\nContent-Length: 5\r\n\r\nREQ#1";

#[test]
fn bytes_pass_unchanged_and_the_connection_is_kept() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    let mut caller = Caller::new(running.listen);
    for _ in 0..3 {
        let (status, head, body) = caller.call(WRITE).unwrap();
        assert_eq!((status, body.as_str()), (200, "ok"));
        assert!(head.contains("X-Odd-CASE: kept"));
        assert_eq!(upstream.seen.recv().unwrap(), WRITE);
    }
    assert_eq!(*upstream.connections.lock().unwrap(), 1);
}

#[test]
fn chunks_pass_both_ways_and_are_searched_without_their_sizes() {
    let upstream = upstream(|_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n").unwrap();
    });
    let running = proxy(upstream.address);
    rule(&running, r#"{"match":{"body":"helloworld"},"action":{"status":418}}"#);
    let mut caller = Caller::new(running.listen);
    let request = |a: &str, b: &str| {
        format!("PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{a}\r\n5\r\n{b}\r\n0\r\n\r\n")
    };
    let plain = request("hello", "there");
    assert_eq!(caller.call(plain.as_bytes()).unwrap().2, "abcde");
    assert_eq!(upstream.seen.recv().unwrap(), plain.as_bytes());
    assert_eq!(caller.call(request("hello", "world").as_bytes()).unwrap().0, 418);
}

#[test]
fn an_answer_is_passed_on_while_it_still_grows() {
    let upstream = upstream(|_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").unwrap();
    });
    let running = proxy(upstream.address);
    let mut caller = Caller::new(running.listen);
    caller.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    wire::read_response(&mut caller.reader).unwrap().unwrap();
    let mut half = [0; 5];
    caller.reader.read_exact(&mut half).unwrap();
    assert_eq!(&half, b"first");
}

#[test]
fn expect_continue_is_answered_here() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    let mut caller = Caller::new(running.listen);
    caller.stream.write_all(b"PUT /k HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").unwrap();
    let interim = wire::read_response(&mut caller.reader).unwrap().unwrap();
    assert_eq!(interim.status, 100);
    assert_eq!(caller.call(b"body").unwrap().0, 200);
    assert_eq!(upstream.seen.recv().unwrap(), b"PUT /k HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
}

#[test]
fn an_injected_answer_is_never_forwarded() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    rule(
        &running,
        r#"{"match":{"target":"TransactWriteItems"},"times":1,
            "action":{"status":400,"body":{"__type":"X"},"headers":{"x-amzn-requestid":"r"}}}"#,
    );
    let mut caller = Caller::new(running.listen);
    let (status, head, body) = caller.call(WRITE).unwrap();
    assert_eq!((status, body.as_str()), (400, r#"{"__type":"X"}"#));
    assert!(head.contains("application/x-amz-json-1.0") && head.contains("x-amzn-requestid: r"));
    assert!(upstream.seen.try_recv().is_err());
    assert_eq!(caller.call(WRITE).unwrap().0, 200);
}

#[test]
fn reset_forwards_nothing_and_a_lost_answer_was_forwarded() {
    let check = |action: &str, forwarded: bool| {
        let upstream = upstream(say_ok);
        let running = proxy(upstream.address);
        rule(&running, &format!(r#"{{"action":{action}}}"#));
        assert!(Caller::new(running.listen).call(WRITE).is_none(), "{action}");
        assert_eq!(upstream.seen.try_recv().is_ok(), forwarded, "{action}");
    };
    check(r#"{"reset":true}"#, false);
    check(r#"{"lose_answer":true}"#, true);
}

#[test]
fn a_delay_comes_before_the_upstream_sees_the_call() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    rule(&running, r#"{"action":{"delay_ms":120}}"#);
    let start = Instant::now();
    assert_eq!(Caller::new(running.listen).call(WRITE).unwrap().0, 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_held_call_ends_when_its_rule_is_removed() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    let id = rule(&running, r#"{"action":{"hang":true}}"#);
    let mut caller = Caller::new(running.listen);
    caller.stream.write_all(WRITE).unwrap();
    let mut control = Caller::new(running.control);
    while control.json("GET", "/rules", "").1["rules"][0]["hits"] != 1 {
        std::thread::yield_now();
    }
    assert_eq!(control.json("DELETE", &format!("/rules/{id}"), "").0, 200);
    let mut rest = Vec::new();
    caller.reader.read_until(b'\n', &mut rest).ok();
    assert!(rest.is_empty());
    assert!(upstream.seen.try_recv().is_err());
}

#[test]
fn calls_are_counted_by_target() {
    let upstream = upstream(say_ok);
    let running = proxy(upstream.address);
    let mut caller = Caller::new(running.listen);
    caller.call(WRITE).unwrap();
    caller.call(WRITE).unwrap();
    caller.call(b"GET /healthz?x=1 HTTP/1.1\r\n\r\n").unwrap();
    let mut control = Caller::new(running.control);
    let (_, all) = control.json("GET", "/calls", "");
    assert_eq!(all["calls"]["D_1.TransactWriteItems"], 2);
    assert_eq!(all["calls"]["GET /healthz"], 1);
    assert_eq!(control.json("GET", "/calls?target=TransactWriteItems", "").1["count"], 2);
    control.json("DELETE", "/calls", "");
    assert_eq!(control.json("GET", "/calls", "").1["count"], 0);
}

#[test]
fn an_upstream_that_is_down_is_said_so_and_a_restarted_one_is_used() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (status, _, body) = Caller::new(proxy(gone).listen).call(WRITE).unwrap();
    assert_eq!(status, 502);
    assert!(body.contains("not reachable"), "{body}");

    // An upstream that closes after each answer without saying so.
    let closing = upstream(|_, to| {
        say_ok(b"", to);
        to.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let running = proxy(closing.address);
    let mut caller = Caller::new(running.listen);
    for _ in 0..5 {
        assert_eq!(caller.call(WRITE).unwrap().0, 200);
        closing.answered.recv().unwrap(); // by now it has closed
    }
}

#[test]
fn control_refuses_what_it_does_not_know() {
    let running = proxy("127.0.0.1:9".parse().unwrap());
    let mut control = Caller::new(running.control);
    assert_eq!(control.json("POST", "/rules", r#"{"action":{"rest":true}}"#).0, 400);
    assert_eq!(control.json("DELETE", "/rules/7", "").0, 404);
    assert_eq!(control.json("GET", "/rule", "").0, 404);
    assert_eq!(control.json("GET", "/rules", "").1, serde_json::json!({ "rules": [] }));
}
