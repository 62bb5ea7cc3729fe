//! One thread per connection: read a call, see whether a rule strikes, pass it on, pass the answer back.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::Proxy;
use super::facts::Facts;
use super::rules::Action;
use super::wire::{self, Body, Framing, Head};

const STACK: usize = 256 * 1024;
/// How often a held call looks whether its caller or its rule is gone.
const HELD_LOOK: Duration = Duration::from_millis(100);

/// Accepts connections for as long as the process lives.
pub(crate) fn serve(listener: &TcpListener, proxy: &Arc<Proxy>) {
    for client in listener.incoming().flatten() {
        let proxy = Arc::clone(proxy);
        let thread = std::thread::Builder::new().stack_size(STACK);
        // A caller that goes away in the middle, or sends what is not HTTP, ends its own connection only.
        let _ = thread.spawn(move || connection(client, &proxy));
    }
}

/// The connection to the other side, kept while both sides keep theirs.
struct Upstream {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Upstream {
    fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Whether the other side has closed while nothing was asked of it.
    fn is_stale(&self) -> bool {
        let mut byte = [0];
        let idle = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut byte), Err(e) if e.kind() == io::ErrorKind::WouldBlock);
        let restored = self.stream.set_nonblocking(false).is_ok();
        !(idle && restored)
    }
}

fn connection(client: TcpStream, proxy: &Proxy) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client.try_clone()?);
    let mut upstream: Option<Upstream> = None;
    while let Some(head) = wire::read_request(&mut reader)? {
        let expects = head.has_word("expect", "100-continue");
        if expects {
            (&client).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = wire::read_body(wire::request_framing(&head)?, &mut reader)?;
        let facts = Facts::of(&head, &body);
        proxy.calls.add(&facts.target);
        let mut lose = false;
        match proxy.rules.strike(&facts) {
            None => {}
            Some((_, Action::Reset)) => return Ok(()),
            Some((id, Action::Hang)) => return hold(&client, proxy, id),
            Some((_, Action::Answer { status, body, headers })) => {
                answer(&client, &head, status, &body, &headers)?;
                if head.closes() {
                    return Ok(());
                }
                continue;
            }
            Some((_, Action::Delay(time))) => std::thread::sleep(time),
            Some((_, Action::LoseAnswer)) => lose = true,
        }
        let raw = if expects { head.without("expect") } else { head.raw.clone() };
        let mut live = match upstream.take() {
            Some(kept) if !kept.is_stale() => kept,
            _ => match Upstream::open(&proxy.upstream) {
                Ok(opened) => opened,
                Err(error) => return unreachable(&client, &head, &error),
            },
        };
        send(&mut live, &raw, &body)?;
        let kept = if lose {
            pass_answer(&mut live, &head, &mut io::sink())?;
            return Ok(());
        } else {
            pass_answer(&mut live, &head, &mut &client)?
        };
        if !kept || head.closes() {
            return Ok(());
        }
        upstream = Some(live);
    }
    Ok(())
}

/// Head and body leave in one write, so that no small packet waits for an acknowledgement.
fn send(upstream: &mut Upstream, head: &[u8], body: &Body) -> io::Result<()> {
    let mut message = Vec::with_capacity(head.len() + body.raw.len());
    message.extend_from_slice(head);
    message.extend_from_slice(&body.raw);
    upstream.stream.write_all(&message)
}

/// Passes the answer back as it arrives. Returns whether both connections stay open.
fn pass_answer(upstream: &mut Upstream, request: &Head, to: &mut impl Write) -> io::Result<bool> {
    let mut to = io::BufWriter::new(to);
    loop {
        let Some(head) = wire::read_response(&mut upstream.reader)? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        to.write_all(&head.raw)?;
        if head.status < 200 {
            to.flush()?; // an interim answer: the real one follows
            continue;
        }
        let framing = wire::response_framing(&head, &request.method)?;
        // With the body's first bytes at hand the head leaves together with them.
        if framing == Framing::Nothing || upstream.reader.buffer().is_empty() {
            to.flush()?;
        }
        wire::copy_body(framing, &mut upstream.reader, &mut to)?;
        to.flush()?;
        return Ok(framing != Framing::ToEnd && !head.closes());
    }
}

fn answer(
    mut client: &TcpStream,
    request: &Head,
    status: u16,
    body: &[u8],
    headers: &BTreeMap<String, String>,
) -> io::Result<()> {
    let mut out = format!("HTTP/1.1 {status} Injected\r\ncontent-length: {}\r\n", body.len());
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        let aws = request.header("x-amz-target").is_some();
        out += if aws {
            "content-type: application/x-amz-json-1.0\r\n"
        } else {
            "content-type: application/json\r\n"
        };
    }
    for (name, value) in headers {
        out += &format!("{name}: {value}\r\n");
    }
    out += "\r\n";
    let mut message = out.into_bytes();
    if request.method != "HEAD" {
        message.extend_from_slice(body);
    }
    client.write_all(&message)
}

fn unreachable(client: &TcpStream, request: &Head, error: &io::Error) -> io::Result<()> {
    let body = serde_json::json!({ "proxy": format!("upstream is not reachable: {error}") }).to_string();
    let headers = BTreeMap::from([("connection".to_owned(), "close".to_owned())]);
    answer(client, request, 502, body.as_bytes(), &headers)
}

/// Holds the call until the caller closes or the rule is removed.
fn hold(client: &TcpStream, proxy: &Proxy, rule: u64) -> io::Result<()> {
    client.set_read_timeout(Some(HELD_LOOK))?;
    let mut byte = [0];
    while proxy.rules.exists(rule) {
        match client.peek(&mut byte) {
            Ok(0) => break,
            Ok(_) => std::thread::sleep(HELD_LOOK),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    Ok(())
}
