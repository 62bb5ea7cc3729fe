//! Reading one entry bundle: its hashes, its leaves as records, and the rows that its selected events have. Many are
//! read at once; nothing here depends on the bundle before.

use std::ops::Range;

use countersign_tlog::tree::{self, leaf_hash};
use countersign_tlog::{Bundle, Hash};

use crate::leaf::LeafView;
use crate::pack::{Entry, LOG};
use crate::record::Record;
use crate::rows;
use crate::select::Filter;
use crate::source::Directory;

/// One bundle, as far as it could be read.
pub struct Part {
    pub path: String,
    /// What the manifest must say; `None` = the file could not be read.
    pub entry: Option<Entry>,
    /// Why there are no leaves, and from which byte on.
    pub failed: Option<(Option<u64>, String)>,
    pub bytes: Vec<u8>,
    /// The hash of every entry, and the root over them if the bundle is full.
    pub hashes: Vec<Hash>,
    pub root: Option<Hash>,
    /// The leaves of the range.
    pub leaves: Vec<Leaf>,
    /// The rows of those selected, one after the other.
    pub rows: Vec<u8>,
}

/// A leaf of the range.
pub struct Leaf {
    pub index: u64,
    /// Where its bytes are in the bundle.
    pub at: Range<usize>,
    pub record: Result<Record, String>,
    /// Where its row is, if it is selected.
    pub row: Option<Range<usize>>,
}

/// What is read, and for which leaves.
pub struct Reader<'a> {
    pub files: &'a Directory,
    pub filter: &'a Filter,
    pub range: Range<u64>,
}

impl Reader<'_> {
    pub fn read(&self, bundle: Bundle) -> Part {
        let path = format!("{LOG}{}", bundle.path());
        let mut part = Part {
            path,
            entry: None,
            failed: None,
            bytes: Vec::new(),
            hashes: Vec::new(),
            root: None,
            leaves: Vec::new(),
            rows: Vec::new(),
        };
        match self.files.get(&part.path) {
            Ok(Some(bytes)) => part.bytes = bytes,
            Ok(None) => part.failed = Some((None, "the bundle is missing".into())),
            Err(error) => part.failed = Some((None, error.message)),
        }
        if part.failed.is_some() {
            return part;
        }
        part.entry = Some(Entry::of_bytes(&part.bytes));
        let entries = match bundle.entries(&part.bytes) {
            Ok(entries) => entries,
            Err(error) => {
                part.failed = Some((offset(&error), error.to_string()));
                return part;
            }
        };
        part.hashes = entries.iter().map(|entry| leaf_hash(entry)).collect();
        part.root = bundle.tile().is_full().then(|| tree::root(&part.hashes));
        let first = bundle.tile().index().saturating_mul(256);
        let mut at = 0;
        part.leaves.reserve(entries.len());
        for ((index, entry), hash) in (first..).zip(&entries).zip(&part.hashes) {
            // After its length, which the entries begin with.
            let place = at + 2..at + 2 + entry.len();
            at = place.end;
            if self.range.contains(&index) {
                part.leaves.push(self.leaf(index, place, entry, hash, &mut part.rows));
            }
        }
        part
    }

    fn leaf(&self, index: u64, at: Range<usize>, bytes: &[u8], hash: &Hash, rows: &mut Vec<u8>) -> Leaf {
        let mut row = None;
        let record = LeafView::read(bytes).and_then(|view| {
            let selected = self.filter.admits(&view);
            if selected {
                let start = rows.len();
                rows::population(rows, index, hash, &view);
                row = Some(start..rows.len());
            }
            Record::of(index, *hash, selected, &view)
        });
        let record = record.map_err(|error| error.to_string());
        Leaf { index, at, record, row }
    }
}

fn offset(error: &countersign_tlog::tile::ContentError) -> Option<u64> {
    use countersign_tlog::tile::ContentError::{Trailing, Truncated};
    match error {
        Truncated { offset, .. } | Trailing { offset } => Some(*offset as u64),
        _ => None,
    }
}
