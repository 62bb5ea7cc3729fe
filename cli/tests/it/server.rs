//! A small HTTP server that gives scripted answers in order and keeps what it was sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One scripted answer.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    drop: bool,
    cut: bool,
}

impl Reply {
    pub fn json(status: u16, body: &str) -> Self {
        let kind = if status < 400 { "application/json" } else { "application/problem+json" };
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.to_owned(),
            drop: false,
            cut: false,
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Takes the request and closes the connection without a word.
    pub fn dropped() -> Self {
        Self { drop: true, ..Self::json(200, "") }
    }

    /// Closes the connection in the middle of the body.
    pub fn cut_off(self) -> Self {
        Self { cut: true, ..self }
    }
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that answers with `replies`, one for each request, and then stops listening.
    pub fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        let thread = std::thread::spawn(move || {
            for reply in replies {
                let (stream, _) = listener.accept().unwrap();
                match take(&stream) {
                    // Nothing was asked: the test ended early and woke the server.
                    None => return,
                    Some(request) => kept.lock().unwrap().push(request),
                }
                answer(stream, &reply);
            }
        });
        Self { url, seen, thread: Some(thread) }
    }

    /// What was sent, once every scripted answer is given or the test is over.
    pub fn seen(mut self) -> Vec<Seen> {
        self.stop();
        self.seen.lock().unwrap().clone()
    }

    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Wakes a server that still waits for a request.
            drop(TcpStream::connect(self.url.trim_start_matches("http://")));
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn take(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), value.to_owned())),
        }
    }
    let length = headers.get("content-length").map_or(0, |l| l.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some(Seen { method, path, headers, body: String::from_utf8(body).unwrap() })
}

fn answer(mut stream: TcpStream, reply: &Reply) {
    if reply.drop {
        return;
    }
    let mut head = format!(
        "HTTP/1.1 {} x\r\nconnection: close\r\ncontent-length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = if reply.cut { &reply.body[..reply.body.len() / 2] } else { &reply.body };
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
}
