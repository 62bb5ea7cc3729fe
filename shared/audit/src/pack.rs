//! A pack: the names of its files, what `query.json` and `MANIFEST` say, and reading it.
//!
//! It does not judge: whether the files are right is for [`crate::verify`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_domain::ids::Origin;
use serde::{Deserialize, Serialize};

use crate::select::Filter;
use crate::source::Directory;

mod manifest;

pub use manifest::{Entry, Manifest, ManifestError, files};

/// The end checkpoint.
pub const CHECKPOINT: &str = "log/checkpoint";
/// The exact leaves that were selected, one a line.
pub const POPULATION: &str = "population.jsonl";
/// The same as rows.
pub const POPULATION_CSV: &str = "population.csv";
/// One row for each request that a selected event touches.
pub const REQUESTS_CSV: &str = "requests.csv";
/// What was asked, and what came out.
pub const QUERY: &str = "query.json";
/// For people.
pub const README: &str = "README.html";
/// Every file but itself and its proof.
pub const MANIFEST: &str = "MANIFEST";
/// That the log recorded the manifest's hash.
pub const MANIFEST_PROOF: &str = "MANIFEST.tlog-proof";
/// Where the log's files lie, by the names they have in the bucket.
pub const LOG: &str = "log/";
/// Where samples lie. `sample` adds them after the manifest was made.
pub const SAMPLES: &str = "samples/";

/// Where the checkpoint of this size lies.
pub fn checkpoint_at(size: u64) -> String {
    format!("{LOG}checkpoints/{size:020}")
}

/// Where the cosigned checkpoint of this size lies, if there is one.
pub fn witness_at(size: u64) -> String {
    format!("{LOG}witness/{size:020}")
}

/// `query.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Which program made the pack, e.g. `countersign 0.1.0`.
    pub tool: String,
    /// The log.
    pub origin: Origin,
    /// The first leaf of the range.
    pub start: u64,
    /// The size of the end checkpoint: one beyond the last leaf.
    pub end: u64,
    /// Which events were asked for.
    pub filter: Filter,
    /// What came out.
    pub counts: Counts,
}

/// What a pack holds. `verify` counts again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Leaves of the range.
    pub leaves: u64,
    /// Events selected: lines of `population.jsonl`.
    pub events: u64,
    /// Events selected, by type.
    pub types: BTreeMap<String, u64>,
    /// Requests touched: rows of `requests.csv`.
    pub requests: u64,
    /// Requests touched, by their status at the end of the range.
    pub statuses: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts one selected event.
    pub fn add_event(&mut self, kind: &str) {
        self.events += 1;
        match self.types.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.types.insert(kind.to_owned(), 1)),
        }
    }

    /// Counts one request that was touched.
    pub fn add_request(&mut self, status: &str) {
        self.requests += 1;
        *self.statuses.entry(status.to_owned()).or_default() += 1;
    }
}

/// A pack on a disk.
#[derive(Debug, Clone)]
pub struct Pack(Directory);

impl Pack {
    /// The pack in this directory. Nothing is read yet.
    pub fn open(root: impl Into<PathBuf>) -> Self {
        Self(Directory::new(root))
    }

    /// Its files.
    pub fn files(&self) -> &Directory {
        &self.0
    }
}
