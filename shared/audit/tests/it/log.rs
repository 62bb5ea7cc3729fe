//! A log of leaves as its files, signed with a test's key, and a pack of it, as the export writes one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use countersign_audit::leaf::LeafView;
use countersign_audit::life::{Lives, start_of};
use countersign_audit::pack::{self, Counts, Manifest, Query};
use countersign_audit::record::Record;
use countersign_audit::rows;
use countersign_audit::select::Filter;
use countersign_audit::{Pin, TrustPolicy};
use countersign_domain::canonical::jcs;
use countersign_tlog::note::{Algorithm, VerifyError};
use countersign_tlog::tree::{self, leaf_hash};
use countersign_tlog::{Checkpoint, Edge, Hash, Note, Proof, VerifierKey};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use super::world::{ORIGIN, at};

/// The keys of the tests.
pub struct Keys {
    pub log: VerifierKey,
    pub witness: VerifierKey,
    log_secret: SigningKey,
    witness_secret: SigningKey,
}

pub fn keys() -> Keys {
    keys_of(1)
}

pub fn keys_of(seed: u8) -> Keys {
    let (log_secret, witness_secret) =
        (SigningKey::from_bytes(&[seed; 32]), SigningKey::from_bytes(&[seed + 1; 32]));
    let key = |name, algorithm, secret: &SigningKey| {
        VerifierKey::new(name, algorithm, secret.verifying_key().as_bytes()).unwrap()
    };
    Keys {
        log: key(ORIGIN, Algorithm::Ed25519, &log_secret),
        witness: key("witness.example", Algorithm::Cosignature, &witness_secret),
        log_secret,
        witness_secret,
    }
}

/// The auditor's trust, with the witness or without.
pub fn policy(witness: bool) -> TrustPolicy {
    let keys = keys();
    let quorum = if witness { "w" } else { "none" };
    let text = format!("log {}\nwitness w {}\nquorum {quorum}\n", keys.log, keys.witness);
    text.parse().unwrap()
}

/// The files of a log, as in the bucket.
#[derive(Clone)]
pub struct Log {
    pub leaves: Vec<Vec<u8>>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub checkpoints: BTreeMap<u64, Note>,
}

impl Log {
    /// Publishes the leaves, so many at a time.
    pub fn publish(leaves: &[Vec<u8>], batch: usize, keys: &Keys) -> Self {
        let mut log = Self { leaves: leaves.to_vec(), files: BTreeMap::new(), checkpoints: BTreeMap::new() };
        let mut edge = Edge::default();
        for some in leaves.chunks(batch) {
            let files = edge.append(some).unwrap();
            log.files.extend(files.bundles.into_iter().map(|(bundle, bytes)| (bundle.path(), bytes)));
            log.files.extend(files.tiles.into_iter().map(|(tile, bytes)| (tile.path(), bytes)));
            log.checkpoints.insert(edge.size(), sign(keys, edge.size(), edge.root()));
        }
        log
    }

    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn pin(&self, size: u64) -> Pin {
        Pin::parse(self.checkpoints[&size].to_string().as_bytes()).unwrap()
    }
}

fn sign(keys: &Keys, size: u64, root: Hash) -> Note {
    let mut note = Checkpoint::new(ORIGIN, size, root).unwrap().note().unwrap();
    note.sign(&keys.log, None, |message| Ok::<_, VerifyError>(keys.log_secret.sign(message).to_bytes()))
        .unwrap();
    note
}

pub fn cosign(note: &Note, keys: &Keys) -> Note {
    let mut note = note.clone();
    let sign = |message: &[u8]| Ok::<_, VerifyError>(keys.witness_secret.sign(message).to_bytes());
    note.sign(&keys.witness, Some(1_795_564_900), sign).unwrap();
    note
}

/// How a pack is made.
#[derive(Clone)]
pub struct Export {
    pub start: u64,
    pub end: u64,
    pub filter: Filter,
    /// Whether the witness cosigned the end.
    pub witness: bool,
    /// Whether the log recorded the export.
    pub recorded: bool,
}

impl Export {
    /// All of a log.
    pub fn all(log: &Log) -> Self {
        let filter = Filter { from: at(0), to: at(i64::MAX), control: None, requests: Default::default() };
        Self { start: 0, end: log.size(), filter, witness: false, recorded: true }
    }

    /// Writes the pack into a new directory.
    pub fn write(&self, log: &Log) -> Dir {
        let dir = Dir::new();
        self.write_to(log, &dir.0);
        dir
    }

    pub fn write_to(&self, log: &Log, dir: &Path) {
        let put = |path: &str, bytes: &[u8]| {
            let place = dir.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, bytes).unwrap();
        };
        let note = log.checkpoints[&self.end].clone();
        let note = if self.witness { cosign(&note, &keys()) } else { note };
        put(pack::CHECKPOINT, note.to_string().as_bytes());
        put(&pack::checkpoint_at(self.end), log.checkpoints[&self.end].to_string().as_bytes());
        if self.start > 0 {
            put(&pack::checkpoint_at(self.start), log.checkpoints[&self.start].to_string().as_bytes());
        }
        for path in self.paths(log) {
            put(&format!("log/{path}"), &log.files[&path]);
        }
        self.select(log, &put);
        if self.recorded {
            self.record(log, dir);
        } else {
            manifest(dir);
        }
    }

    fn paths(&self, log: &Log) -> Vec<String> {
        use countersign_tlog::{Bundle, Tile};
        let mut paths: Vec<String> = (self.start / 256..self.end.div_ceil(256))
            .map(|i| Bundle::of(i, self.end).unwrap().path())
            .collect();
        paths.extend(Tile::edge(self.end).chain(Tile::edge(self.start)).map(|tile| tile.path()));
        let full =
            log.files.keys().filter(|path| path.starts_with("tile/") && !path.starts_with("tile/entries/"));
        let full = full.filter(|path| {
            let tile = Tile::parse(path).unwrap();
            tile.level() > 0 && tile.is_full() && Tile::of(tile.level(), tile.index(), self.end) == Some(tile)
        });
        paths.extend(full.cloned());
        // Where the partial one was never written, a tile of an edge is there as a full one.
        paths.retain(|path| log.files.contains_key(path));
        paths.sort();
        paths.dedup();
        paths
    }

    fn select(&self, log: &Log, put: &dyn Fn(&str, &[u8])) {
        let mut counts = Counts { leaves: self.end - self.start, ..Counts::default() };
        let (mut jsonl, mut csv) = (Vec::new(), rows::POPULATION_HEADER.as_bytes().to_vec());
        let mut lives: Option<Lives> = None;
        for index in self.start..self.end {
            let bytes = &log.leaves[index as usize];
            let (hash, Ok(view)) = (leaf_hash(bytes), LeafView::read(bytes)) else { continue };
            let selected = self.filter.admits(&view);
            if selected {
                counts.add_event(view.kind);
                jsonl.extend(bytes);
                jsonl.push(b'\n');
                rows::population(&mut csv, index, &hash, &view);
            }
            let record = Record::of(index, hash, selected, &view).unwrap();
            let lives = lives.get_or_insert_with(|| Lives::for_export(start_of(self.start, &record)));
            lives.take(&record, |_| true);
        }
        let mut requests: Vec<_> = lives.into_iter().flat_map(Lives::rows).collect();
        requests.sort_by_key(|row| row.first_index);
        let mut text = rows::REQUESTS_HEADER.to_owned();
        for row in &requests {
            counts.add_request(row.status);
            text += &row.text().unwrap();
        }
        let (start, end, filter) = (self.start, self.end, self.filter.clone());
        let query =
            Query { tool: "test".into(), origin: ORIGIN.parse().unwrap(), start, end, filter, counts };
        put(pack::POPULATION, &jsonl);
        put(pack::POPULATION_CSV, &csv);
        put(pack::REQUESTS_CSV, text.as_bytes());
        put(pack::QUERY, &serde_json::to_vec_pretty(&query).unwrap());
        put(pack::README, b"<h1>Evidence</h1>");
    }

    /// The log records the manifest, as a leaf after all others.
    fn record(&self, log: &Log, dir: &Path) {
        let hash = manifest(dir);
        let leaf = jcs(&json!({
            "specversion": "1.0", "id": format!("{ORIGIN}.9999"), "type": "log.exported", "source": "x",
            "subject": ORIGIN, "time": at(super::world::START), "seq": 9999, "prev": "0".repeat(64), "schema": 1,
            "data": {"manifest": hash},
        }));
        let mut hashes: Vec<Hash> = log.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        hashes.push(leaf_hash(&leaf));
        let (index, size) = (log.size(), log.size() + 1);
        let node = |level: u8, index: u64| {
            let from = (index << level) as usize;
            Ok::<_, tree::TreeError>(tree::root(&hashes[from..from + (1 << level)]))
        };
        let path = tree::prove_inclusion(index, size, node).unwrap();
        let checkpoint = sign(&keys(), size, tree::root(&hashes));
        let proof = Proof { extra: leaf, index, hashes: path, checkpoint };
        fs::write(dir.join(pack::MANIFEST_PROOF), proof.to_string()).unwrap();
    }
}

/// Writes the manifest anew, as somebody would who hides what they did. Gives its hash.
pub fn manifest(dir: &Path) -> String {
    let text = Manifest::of(dir).unwrap().to_string();
    fs::write(dir.join(pack::MANIFEST), &text).unwrap();
    data_encoding::HEXLOWER.encode(&pack::Entry::of_bytes(text.as_bytes()).hash)
}

/// A directory that goes when the test goes.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("countersign-audit-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
