//! The entries of a pack, or of a log in a directory, under a root that the auditor's policy trusts; and proofs of them.
//!
//! It reads what is there and judges no life: that is for `verify`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use countersign_domain::RequestId;
use countersign_tlog::tile::{ContentError, FULL, nodes};
use countersign_tlog::tree::{self, Frontier, Hash, TreeError, leaf_hash};
use countersign_tlog::{Bundle, Checkpoint, Note, Proof, Tile, VerifierKey};

use crate::leaf::LeafView;
use crate::pack::{self, Query};
use crate::policy::{TrustPolicy, Trusted};
use crate::source::{Directory, SourceError};
use crate::story::Story;

/// Why nothing can be said of the entries.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ShelfError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{0} is missing")]
    Missing(String),
    #[error("{path}: {error}")]
    Content { path: String, error: ContentError },
    #[error("{path} is not to be trusted: {why}")]
    Untrusted { path: String, why: String },
    #[error("the entries do not lead to the root that was signed for {0} leaves")]
    Root(u64),
    #[error("{0} is not among the entries")]
    NotFound(String),
    #[error(transparent)]
    Tree(#[from] ContentError),
}

impl From<TreeError> for ShelfError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error.into())
    }
}

/// Entries on a disk, and the checkpoint that they stand under.
#[derive(Debug)]
pub struct Shelf {
    files: Directory,
    prefix: &'static str,
    /// What was asked for, if it is a pack.
    pub query: Option<Query>,
    /// Which entries are here.
    pub range: Range<u64>,
    /// The checkpoint at their end.
    pub trusted: Trusted,
    note: Note,
}

impl Shelf {
    /// Opens a pack, or a log whose files lie in the directory. The checkpoint is verified here, entries by
    /// [`Shelf::each`].
    pub fn open(dir: &Path, policy: &TrustPolicy) -> Result<Self, ShelfError> {
        let files = Directory::new(dir);
        let query = match files.get(pack::QUERY)? {
            None => None,
            Some(bytes) => Some(serde_json::from_slice::<Query>(&bytes).map_err(|error| {
                ShelfError::Untrusted { path: pack::QUERY.to_owned(), why: error.to_string() }
            })?),
        };
        let prefix = if query.is_some() { pack::LOG } else { "" };
        let path = format!("{prefix}checkpoint");
        let bytes = files.get(&path)?.ok_or_else(|| ShelfError::Missing(path.clone()))?;
        let untrusted = |why: String| ShelfError::Untrusted { path: path.clone(), why };
        let note = Note::parse(&bytes).map_err(|error| untrusted(error.to_string()))?;
        let claimed: Checkpoint = note.text().parse().map_err(|error| untrusted(format!("{error}")))?;
        let origin = query.as_ref().map_or(claimed.origin(), |query| query.origin.as_str());
        let trusted = policy.open(&note, origin).map_err(|error| untrusted(error.to_string()))?;
        let end = trusted.checkpoint.size();
        let start = query.as_ref().map_or(0, |query| query.start);
        if start > end || query.as_ref().is_some_and(|query| query.end != end) {
            return Err(untrusted(format!("it is of {end} leaves, and {} says otherwise", pack::QUERY)));
        }
        Ok(Self { files, prefix, query, range: start..end, trusted, note })
    }

    /// Which log a directory says it is of. It only chooses among what is trusted.
    pub fn origin(dir: &Path) -> Result<String, ShelfError> {
        let files = Directory::new(dir);
        if let Some(bytes) = files.get(pack::QUERY)? {
            let untrusted = |why: String| ShelfError::Untrusted { path: pack::QUERY.to_owned(), why };
            let query: Query =
                serde_json::from_slice(&bytes).map_err(|error| untrusted(error.to_string()))?;
            return Ok(query.origin.to_string());
        }
        let bytes = files.get("checkpoint")?.ok_or_else(|| ShelfError::Missing("checkpoint".into()))?;
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(String::from_utf8_lossy(first).into_owned())
    }

    /// Gives each entry with its place. When it returns well, all of them are under the signed root.
    pub fn each(&self, mut look: impl FnMut(u64, &[u8])) -> Result<(), ShelfError> {
        let mut frontier = Frontier::read(self.range.start, nodes(self.range.start, |tile| self.tile(tile)))?;
        let full = u64::from(FULL);
        for number in self.range.start / full..self.range.end.div_ceil(full) {
            let Some(bundle) = Bundle::of(number, self.range.end) else { continue };
            let (path, bytes) = self.bundle(bundle)?;
            let entries = bundle.entries(&bytes).map_err(|error| ShelfError::Content { path, error })?;
            for (index, entry) in (number * full..).zip(entries) {
                if self.range.contains(&index) {
                    frontier.push(leaf_hash(entry))?;
                    look(index, entry);
                }
            }
        }
        let checkpoint = &self.trusted.checkpoint;
        if frontier.root() == *checkpoint.root() { Ok(()) } else { Err(ShelfError::Root(checkpoint.size())) }
    }

    /// The stories of these requests, in the order of their ids.
    pub fn stories(&self, ids: &BTreeSet<RequestId>) -> Result<Vec<Story>, ShelfError> {
        let mut stories: Vec<Story> = ids.iter().cloned().map(Story::new).collect();
        self.each(|index, bytes| {
            let Ok(leaf) = LeafView::read(bytes) else { return };
            let at = stories.binary_search_by(|story| story.id.as_str().cmp(leaf.subject));
            if let Some(story) = at.ok().and_then(|at| stories.get_mut(at)) {
                story.push(index, bytes);
            }
        })?;
        match stories.iter().find(|story| story.entries.is_empty()) {
            Some(story) => Err(ShelfError::NotFound(story.id.to_string())),
            None => Ok(stories),
        }
    }

    /// Where the event is, and its bytes.
    pub fn find(&self, event: &str) -> Result<(u64, Vec<u8>), ShelfError> {
        let mut found = None;
        self.each(|index, bytes| {
            if found.is_none() && LeafView::read(bytes).is_ok_and(|leaf| leaf.id == event) {
                found = Some((index, bytes.to_vec()));
            }
        })?;
        found.ok_or_else(|| ShelfError::NotFound(event.to_owned()))
    }

    /// The proof of an entry, which holds its bytes too. It was checked when it comes back.
    pub fn prove(&self, index: u64, leaf: &[u8]) -> Result<Proof, ShelfError> {
        let checkpoint = &self.trusted.checkpoint;
        let size = checkpoint.size();
        let hashes = tree::prove_inclusion(index, size, nodes(size, |tile| self.tile(tile)))?;
        tree::verify_inclusion(index, size, &leaf_hash(leaf), &hashes, checkpoint.root())?;
        Ok(Proof { extra: leaf.to_vec(), index, hashes, checkpoint: self.note.clone() })
    }

    /// The names and ids of the keys that signed its checkpoint. Not the keys: no page of a pack may say whom to trust.
    pub fn signers(&self, policy: &TrustPolicy) -> Vec<String> {
        let origin = self.trusted.checkpoint.origin();
        let log = policy.logs().iter().filter(|key| key.name() == origin).map(name_and_id);
        log.chain(self.trusted.witnesses.iter().map(|name| format!("witness {name}"))).collect()
    }

    fn bundle(&self, bundle: Bundle) -> Result<(String, Vec<u8>), ShelfError> {
        let path = format!("{}{}", self.prefix, bundle.path());
        match self.files.get(&path)? {
            Some(bytes) => Ok((path, bytes)),
            None => Err(ShelfError::Missing(path)),
        }
    }

    /// A tile's hashes; of level 0, where the entries are here, from them.
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, ShelfError> {
        let first = tile.index() * u64::from(FULL);
        let here = tile.level() == 0 && first + u64::from(FULL) > self.range.start && first < self.range.end;
        if let Some(bundle) = Bundle::of(tile.index(), self.range.end).filter(|_| here) {
            let (path, bytes) = self.bundle(bundle)?;
            let entries = bundle.entries(&bytes).map_err(|error| ShelfError::Content { path, error })?;
            return Ok(entries.into_iter().take(tile.width().into()).map(leaf_hash).collect());
        }
        let path = format!("{}{}", self.prefix, tile.path());
        let bytes = self.files.get(&path)?.ok_or_else(|| ShelfError::Missing(path.clone()))?;
        Ok(tile.hashes(&bytes).map_err(|error| ShelfError::Content { path, error })?.to_vec())
    }
}

fn name_and_id(key: &VerifierKey) -> String {
    let vkey = key.to_string();
    vkey.rsplit_once('+').map_or_else(String::new, |(name_and_id, _)| name_and_id.to_owned())
}
