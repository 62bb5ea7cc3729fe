//! How fast a verifier hashes: `cargo run --release -p countersign-tlog --example hashing`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the command line")]

use std::time::Instant;

use countersign_tlog::Frontier;
use countersign_tlog::tree::leaf_hash;

const LEAVES: u64 = 1_000_000;

fn main() {
    let mut leaf = vec![b'x'; 400];
    let mut frontier = Frontier::default();
    let start = Instant::now();
    for number in 0..LEAVES {
        leaf[..8].copy_from_slice(&number.to_be_bytes());
        frontier.push(leaf_hash(&leaf)).unwrap();
    }
    let root = frontier.root();
    let rate = LEAVES as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} leaves/s on one core ({LEAVES} leaves of {} bytes)", leaf.len());
    println!("root {}", data_encoding::HEXLOWER.encode(&root));
}
