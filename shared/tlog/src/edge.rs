//! Appending to a tree of which only the right edge is known.
//!
//! It reads no more than the partial tiles and the partial bundle, and says which files the longer tree needs.

use crate::tile::{Bundle, ContentError, FULL, Tile, encode_entries};
use crate::tree::{self, Hash, TreeError, leaf_hash};

/// The right edge of a tree: what a next leaf can still change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The hashes of each level's partial tile, from level 0 up.
    rows: [Vec<Hash>; 8],
    /// The bytes of the partial bundle.
    bundle: Vec<u8>,
}

/// Files that a tree needs beyond those it had. Publish them in this order, before the checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Entry bundles.
    pub bundles: Vec<(Bundle, Vec<u8>)>,
    /// Hash tiles.
    pub tiles: Vec<(Tile, Vec<u8>)>,
}

impl Edge {
    /// Reads the files of [`Tile::edge`], and the bundle of the first of them if its level is 0. Fails if the
    /// entries are not the leaves; whether the whole is the tree one knows is for the caller to see, by its root.
    pub fn read<E: From<ContentError>>(
        size: u64,
        mut tile: impl FnMut(Tile) -> Result<Vec<u8>, E>,
        bundle: impl FnOnce(Bundle) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut edge = Self { size, ..Self::default() };
        for part in Tile::edge(size) {
            edge.rows[usize::from(part.level())] = part.hashes(&tile(part)?)?.to_vec();
        }
        if let Some(last) = Bundle::of(size / 256, size) {
            edge.bundle = bundle(last)?;
            let entries = last.entries(&edge.bundle)?;
            let mut pairs = entries.iter().zip(&edge.rows[0]);
            if let Some(entry) = pairs.position(|(entry, hash)| leaf_hash(entry) != *hash) {
                return Err(ContentError::Leaf { entry }.into());
            }
        }
        Ok(edge)
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut smaller = None;
        for row in &self.rows {
            // What is below a row and not yet whole stands where its next hash will be.
            let row: Vec<Hash> = row.iter().copied().chain(smaller).collect();
            smaller = (!row.is_empty()).then(|| tree::root(&row));
        }
        smaller.unwrap_or_else(tree::empty_root)
    }

    /// Adds entries on the right and gives back what became full, and what is partial now and was not so before.
    /// Nothing is added if any entry is too long; entries are counted from the first given.
    pub fn append<T: AsRef<[u8]>>(&mut self, entries: &[T]) -> Result<Files, ContentError> {
        let encoded = entries.iter().enumerate().map(|(entry, content)| {
            encode_entries(&[content]).map_err(|error| match error {
                ContentError::TooLong { length, .. } => ContentError::TooLong { entry, length },
                other => other,
            })
        });
        let encoded: Vec<_> = encoded.collect::<Result<_, _>>()?;
        let old = self.size;
        old.checked_add(entries.len() as u64).ok_or(TreeError::Full)?;
        let mut files = Files::default();
        for (bytes, content) in encoded.iter().zip(entries) {
            self.bundle.extend(bytes);
            self.push(leaf_hash(content.as_ref()), &mut files);
        }
        for tile in Tile::edge(self.size) {
            let (level, shift) = (usize::from(tile.level()), 8 * tile.level());
            if old >> shift != self.size >> shift {
                files.tiles.push((tile, self.rows[level].as_flattened().to_vec()));
            }
        }
        let partial = Bundle::of(self.size / 256, self.size).filter(|_| !entries.is_empty());
        files.bundles.extend(partial.map(|bundle| (bundle, self.bundle.clone())));
        Ok(files)
    }

    fn push(&mut self, mut hash: Hash, files: &mut Files) {
        self.size += 1;
        for (level, row) in (0..).zip(&mut self.rows) {
            row.push(hash);
            if row.len() < FULL.into() {
                return;
            }
            let row = std::mem::take(row);
            let index = (self.size - 1) >> (8 * (level + 1));
            if level == 0 {
                let bundle = Bundle::of(index, self.size);
                files.bundles.extend(bundle.map(|bundle| (bundle, std::mem::take(&mut self.bundle))));
            }
            let tile = Tile::of(level, index, self.size);
            files.tiles.extend(tile.map(|tile| (tile, row.as_flattened().to_vec())));
            hash = tree::root(&row);
        }
    }
}
