//! Writes a log's files as they lie in the bucket under its origin, for other people's verifiers to read:
//!
//! ```text
//! cargo run -p countersign-tlog --example log -- DIR [BATCH…]
//! ```
//!
//! makes DIR with `log`, which grew in these batches and has a signed checkpoint of each, and `fork`: another history
//! from the fourth batch on, signed by the same key. Its key is known to everybody.

#![allow(clippy::unwrap_used, reason = "a program for the command line")]

use std::fs;
use std::path::Path;

use countersign_tlog::note::{Algorithm, VerifyError};
use countersign_tlog::tile::{ContentError, nodes};
use countersign_tlog::{Checkpoint, Edge, Note, Proof, Tile, VerifierKey, tree};
use ed25519_dalek::{Signer, SigningKey};

const ORIGIN: &str = "example.000000000000.eu-west-1/countersign";
/// Some end with a full tile, some a leaf before or after.
const BATCHES: [usize; 12] = [1, 2, 60, 193, 1, 254, 1, 100, 7, 150, 1, 20];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap();
    let given: Vec<usize> = arguments.map(|batch| batch.parse().unwrap()).collect();
    let batches = if given.is_empty() { BATCHES.to_vec() } else { given };
    let forks_at = batches.iter().take(3).sum();
    write(&Path::new(&dir).join("log"), &batches, None);
    write(&Path::new(&dir).join("fork"), &batches, Some(forks_at));
}

fn write(dir: &Path, batches: &[usize], other: Option<usize>) {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let key = VerifierKey::new(ORIGIN, Algorithm::Ed25519, secret.verifying_key().as_bytes()).unwrap();
    put(dir, "log.vkey", format!("{key}\n").as_bytes());
    let mut edge = Edge::default();
    for batch in batches {
        let first = edge.size() as usize;
        let entries: Vec<_> = (first..first + batch).map(|number| entry(number, other)).collect();
        let files = edge.append(&entries).unwrap();
        files.bundles.iter().for_each(|(bundle, bytes)| put(dir, &bundle.path(), bytes));
        files.tiles.iter().for_each(|(tile, bytes)| put(dir, &tile.path(), bytes));
        let mut note = Checkpoint::new(ORIGIN, edge.size(), edge.root()).unwrap().note().unwrap();
        note.sign(&key, None, |message| Ok::<_, VerifyError>(secret.sign(message).to_bytes())).unwrap();
        put(dir, &format!("checkpoints/{:020}", edge.size()), note.to_string().as_bytes());
        put(dir, "checkpoint", note.to_string().as_bytes());
        prove(dir, &edge, note);
    }
}

/// That the leaf in the middle is in the log.
fn prove(dir: &Path, edge: &Edge, checkpoint: Note) {
    let (index, size) = (edge.size() / 2, edge.size());
    let read =
        |tile: Tile| Ok::<_, ContentError>(tile.hashes(&fs::read(dir.join(tile.path())).unwrap())?.to_vec());
    let hashes = tree::prove_inclusion(index, size, nodes(size, read)).unwrap();
    let proof = Proof { extra: Vec::new(), index, hashes, checkpoint };
    put(dir, "middle.tlog-proof", proof.to_string().as_bytes());
}

/// Mostly as long as an event, and now and then as short or as long as one can be.
fn entry(number: usize, other: Option<usize>) -> Vec<u8> {
    let words = match number % 97 {
        5 => return Vec::new(),
        6 => "x".repeat(32 * 1024 - 100),
        _ => "x".repeat(400 + number % 200),
    };
    let number = if other == Some(number) { number + 1 } else { number };
    format!("{{\"number\":{number},\"words\":\"{words}\"}}").into_bytes()
}

fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
