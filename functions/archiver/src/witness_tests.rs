//! The log and a real witness, over HTTP on this machine.

use std::sync::{Arc, Mutex};

use countersign_app::memory::{LocalSigner, MemoryArchive, MemoryObservations, MemoryTable, Op};
use countersign_app::ports::{Observations, PortError, Signer};
use countersign_app::sample;
use countersign_domain::Time;
use countersign_tlog::note::Algorithm;
use countersign_tlog::{Checkpoint, Note, VerifierKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use witness::witness::Witness as Server;

use super::Witness;
use crate::log::Logs;

type TestLog = Logs<MemoryTable, MemoryArchive, LocalSigner>;
type TestServer = Server<MemoryObservations, LocalSigner>;

const NAME: &str = "witness.example.com/w";

fn log() -> TestLog {
    Logs {
        table: MemoryTable::default(),
        archive: MemoryArchive::default(),
        signer: LocalSigner::new([7; 32]),
        base: sample::origin(),
        source: sample::SOURCE.to_owned(),
        most: 99,
        spread: |most| most,
        key: OnceCell::new(),
    }
}

async fn key(name: &str, seed: u8, algorithm: Algorithm) -> VerifierKey {
    VerifierKey::new(name, algorithm, &LocalSigner::new([seed; 32]).public_key().await.unwrap()).unwrap()
}

/// A witness that answers on a port of its own, and what it was sent first in each call.
struct Stand {
    server: Arc<TestServer>,
    url: String,
    olds: Arc<Mutex<Vec<String>>>,
}

impl Stand {
    async fn new() -> Self {
        let of_log = key(sample::origin().as_str(), 7, Algorithm::Ed25519).await;
        let server = Arc::new(Server {
            observations: MemoryObservations::default(),
            signer: LocalSigner::new([9; 32]),
            name: NAME.into(),
            logs: vec![(sample::origin().to_string(), of_log)],
            key: OnceCell::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let olds: Arc<Mutex<Vec<String>>> = Arc::default();
        let (of_task, sent) = (server.clone(), olds.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (path, body) = read(&mut stream).await;
                sent.lock().unwrap().push(body.lines().next().unwrap_or_default().to_owned());
                let event =
                    json!({"rawPath": path, "body": body, "requestContext": {"http": {"method": "POST"}}});
                let answer = witness::handler::handle(&of_task, event, Time::from_millis(5_000)).await;
                stream.write_all(written(&answer).as_bytes()).await.unwrap();
            }
        });
        Self { server, url, olds }
    }

    fn olds(&self) -> Vec<String> {
        std::mem::take(&mut *self.olds.lock().unwrap())
    }

    async fn client(&self) -> Witness {
        Witness::new(&self.url, &key(NAME, 9, Algorithm::Cosignature).await.to_string()).unwrap()
    }
}

/// The path and the body of a call.
async fn read(stream: &mut tokio::net::TcpStream) -> (String, String) {
    let mut all = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                let path = head.split(' ').nth(1).unwrap_or_default();
                return (path.to_owned(), body.to_owned());
            }
        }
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the call broke off: {text}");
        all.extend(&buffer[..read]);
    }
}

fn written(answer: &Value) -> String {
    let body = answer["body"].as_str().unwrap();
    let status = &answer["statusCode"];
    format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// One more leaf, and what the archive then holds for its size.
async fn grow(log: &TestLog, hours: u32) -> u64 {
    log.beat(sample::at(3600 * hours)).await.unwrap();
    log.current().await.unwrap().ready().await.unwrap().unwrap().size
}

fn kept(log: &TestLog, size: u64) -> Option<Note> {
    let objects = log.archive.objects();
    objects.get(&format!("{}/witness/{size:020}", log.base)).map(|bytes| Note::parse(bytes).unwrap())
}

/// The cosigned checkpoint of this size is kept, and is the log's own.
async fn check(log: &TestLog, size: u64) {
    let note = kept(log, size).expect("it is kept");
    let (of_log, of_witness) =
        ([log.current().await.unwrap().key().await.unwrap()], [key(NAME, 9, Algorithm::Cosignature).await]);
    let opened = Checkpoint::open(&note, log.base.as_str(), &of_log, &of_witness).unwrap();
    assert_eq!((opened.checkpoint.size(), opened.witnesses[0].time), (size, Some(5)));
}

#[tokio::test]
async fn each_newest_checkpoint_is_cosigned_once_and_kept() {
    let (log, stand) = (log(), Stand::new().await);
    let client = stand.client().await;
    assert!(client.ask(&log).await, "there is nothing yet");
    for hours in 0..4 {
        let size = grow(&log, hours).await;
        assert!(client.ask(&log).await);
        check(&log, size).await;
        assert!(client.ask(&log).await, "and not again");
        assert_eq!(stand.olds(), [format!("old {hours}")]);
    }
    // A new process asks from nothing, is told the size, and goes on from there.
    let fresh = stand.client().await;
    assert!(fresh.ask(&log).await);
    assert_eq!(stand.olds(), [""; 0], "what is kept is not asked for");
    let size = grow(&log, 5).await;
    assert!(fresh.ask(&log).await);
    assert_eq!(stand.olds(), ["old 0", "old 4"]);
    check(&log, size).await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_stops_nothing() {
    let (log, stand) = (log(), Stand::new().await);
    let size = grow(&log, 0).await;
    let down = || PortError::Unavailable("down".into());
    let client = stand.client().await;
    stand.server.signer.faults.fail_next(Op::Sign, down());
    assert!(!client.ask(&log).await);
    assert_eq!(kept(&log, size), None);
    assert!(client.ask(&log).await, "it remembers the size, and signs it now");
    check(&log, size).await;

    let nobody = Witness::new("http://127.0.0.1:9", &key(NAME, 9, Algorithm::Cosignature).await.to_string());
    let size = grow(&log, 1).await;
    assert!(!nobody.unwrap().ask(&log).await);
    log.archive.faults.fail_next(Op::PutIfAbsent, down());
    assert!(!client.ask(&log).await);
    assert!(client.ask(&log).await);
    check(&log, size).await;
}

#[tokio::test]
async fn only_the_witness_that_was_named_is_taken() {
    let (log, stand) = (log(), Stand::new().await);
    let size = grow(&log, 0).await;
    for (name, seed) in [(NAME, 8), ("other.example.com", 9)] {
        let vkey = key(name, seed, Algorithm::Cosignature).await.to_string();
        assert!(!Witness::new(&stand.url, &vkey).unwrap().ask(&log).await, "{name}");
    }
    assert_eq!(kept(&log, size), None);
    let of_a_log = key(NAME, 9, Algorithm::Ed25519).await.to_string();
    for bad in ["", of_a_log.as_str()] {
        assert!(Witness::new(&stand.url, bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_rewritten_is_not_cosigned() {
    let (first, stand) = (log(), Stand::new().await);
    grow(&first, 0).await;
    grow(&first, 1).await;
    assert!(stand.client().await.ask(&first).await);
    // The same name and the same key, and another history.
    let (second, client) = (log(), stand.client().await);
    for hours in 1..5 {
        let size = grow(&second, hours).await;
        assert!(!client.ask(&second).await, "{size}");
        assert_eq!(kept(&second, size), None);
    }
    let known = stand.server.observations.observed(first.base.as_str()).await.unwrap().unwrap();
    assert_eq!(known.size, 2);
}
