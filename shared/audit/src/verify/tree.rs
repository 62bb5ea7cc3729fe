//! From the leaves of the range to the signed roots: the tree that grows from the start's right edge, and the tiles.

use std::collections::{BTreeMap, BTreeSet};

use countersign_tlog::tile::{ContentError, FULL, nodes};
use countersign_tlog::tree::{self, TreeError};
use countersign_tlog::{Frontier, Hash, Tile};

use super::read::Part;
use crate::pack::{LOG, Pack};
use crate::report::{Place, Report};

/// The tiles of a pack, as they stand in a tree of `end` leaves.
pub struct Tiles<'a> {
    pub pack: &'a Pack,
    pub end: u64,
}

/// Why a tile gives no hashes.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    #[error("{LOG}{0} is missing")]
    Missing(String),
    #[error("{LOG}{0}: {1}")]
    Content(String, ContentError),
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Other(#[from] ContentError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Tiles<'_> {
    /// The hashes of a tile: of it, or of a wider one in its place.
    pub fn read(&self, tile: Tile) -> Result<Vec<Hash>, TileError> {
        let wider = Tile::of(tile.level(), tile.index(), self.end).filter(|wider| *wider != tile);
        for candidate in [Some(tile), wider].into_iter().flatten() {
            let path = candidate.path();
            let bytes = self.pack.files().get(&format!("{LOG}{path}"));
            match bytes.map_err(|error| TileError::Unreadable(error.to_string()))? {
                None => {}
                Some(bytes) => {
                    let hashes = candidate.hashes(&bytes).map(<[Hash]>::to_vec);
                    return hashes.map_err(|error| TileError::Content(path, error));
                }
            }
        }
        Err(TileError::Missing(tile.path()))
    }

    /// That the tree of `end` leaves continues that of `old`.
    pub fn consistency(&self, old: (u64, &Hash), root: &Hash) -> Result<(), TileError> {
        let proof = tree::prove_consistency(old.0, self.end, nodes(self.end, |tile| self.read(tile)))?;
        Ok(tree::verify_consistency(old, (self.end, root), &proof)?)
    }

    /// Holds each tile that is there against the one above it, and the right edge against the root.
    pub fn check(&self, paths: &BTreeSet<String>, root: &Hash, report: &mut Report) -> u64 {
        let mut above: Option<(Tile, Vec<Hash>)> = None;
        let mut count = 0;
        for path in paths.iter().filter_map(|path| path.strip_prefix(LOG)) {
            if !path.starts_with("tile/") || path.starts_with("tile/entries/") {
                continue;
            }
            count += 1;
            let file = || Place::file(format!("{LOG}{path}"));
            let Ok(tile) = Tile::parse(path) else {
                report.broken(4, file(), "not the path of a tile");
                continue;
            };
            if let Err(what) = self.fits(tile, &mut above) {
                report.broken(4, file(), what);
            }
        }
        let edge = Frontier::read(self.end, nodes(self.end, |tile| self.read(tile)));
        match edge {
            Ok(edge) if edge.root() == *root => {}
            Ok(_) => report.broken(4, Place::Pack, "the tiles' right edge does not lead to the end's root"),
            Err(error) => report.broken(4, Place::Pack, error.to_string()),
        }
        count
    }

    fn fits(&self, tile: Tile, above: &mut Option<(Tile, Vec<Hash>)>) -> Result<(), String> {
        let bytes = self.pack.files().get(&format!("{LOG}{}", tile.path())).map_err(|e| e.to_string())?;
        let bytes = bytes.ok_or("it is missing")?;
        let hashes = tile.hashes(&bytes).map_err(|error| error.to_string())?;
        let widest = Tile::of(tile.level(), tile.index(), self.end);
        let widest = widest.filter(|widest| widest.width() >= tile.width());
        let widest = widest.ok_or("it is of a longer tree than the end's")?;
        if widest != tile {
            let wider = match self.read(widest) {
                // The right edge of the start or of a pin: held against that checkpoint's root.
                Err(TileError::Missing(_)) if tile.level() == 0 => return Ok(()),
                wider => wider.map_err(|error| error.to_string())?,
            };
            return match wider.starts_with(hashes) {
                true => Ok(()),
                false => Err(format!("{LOG}{} says otherwise", widest.path())),
            };
        }
        if tile.width() < FULL {
            // The right edge, which is held against the root.
            return Ok(());
        }
        let parent = Tile::of(tile.level() + 1, tile.index() / 256, self.end).ok_or("nothing is above it")?;
        if above.as_ref().is_none_or(|(known, _)| *known != parent) {
            *above = Some((parent, self.read(parent).map_err(|error| error.to_string())?));
        }
        let place = (tile.index() % 256) as usize;
        let says = above.as_ref().and_then(|(_, hashes)| hashes.get(place));
        match says == Some(&tree::root(hashes)) {
            true => Ok(()),
            false => Err(format!("{LOG}{} says otherwise of it, at byte {}", parent.path(), 32 * place)),
        }
    }
}

/// A checkpoint that the leaves pass on their way.
#[derive(Debug, Clone)]
pub struct Mark {
    pub check: usize,
    pub place: Place,
    pub root: Hash,
    /// In words: of what.
    pub what: &'static str,
}

/// A tree that grows bundle by bundle.
pub struct Spine<'a> {
    tiles: &'a Tiles<'a>,
    /// Over the roots of full bundles.
    above: Frontier,
    /// The hashes of the last bundle.
    below: Vec<Hash>,
    size: u64,
    marks: BTreeMap<u64, Vec<Mark>>,
    row: Option<(Tile, Vec<Hash>)>,
    /// Bundles of which a tile says otherwise: the bundle, the tile, and the byte in it.
    differ: Vec<(String, String, u64)>,
}

impl<'a> Spine<'a> {
    /// The tree of `start` leaves, from the tiles.
    pub fn at(start: u64, tiles: &'a Tiles<'a>, marks: BTreeMap<u64, Vec<Mark>>) -> Result<Self, TileError> {
        let mut node = nodes(start, |tile| tiles.read(tile));
        let above = Frontier::read(start >> 8, |level, index| node(level + 8, index))?;
        let mut below = match Tile::of(0, start >> 8, start) {
            Some(tile) => tiles.read(tile)?,
            None => Vec::new(),
        };
        below.truncate((start % 256) as usize);
        Ok(Self { tiles, above, below, size: start, marks, row: None, differ: Vec::new() })
    }

    pub fn root(&self) -> Result<Hash, TreeError> {
        if self.below.is_empty() {
            return Ok(self.above.root());
        }
        // A subtree that is not whole yet stands where the next whole one will be.
        let mut all = self.above.clone();
        all.push(tree::root(&self.below))?;
        Ok(all.root())
    }

    /// Takes a bundle's leaves in, and compares what it passes.
    pub fn take(&mut self, part: &Part, report: &mut Report) -> Result<(), TreeError> {
        let known = self.below.len();
        for (offset, (tile, bundle)) in self.below.iter().zip(&part.hashes).enumerate() {
            if tile != bundle {
                let index = self.size - known as u64 + offset as u64;
                let place = Place::Leaf { index, event: String::new() };
                report.broken(4, place, format!("{} has another leaf there than the tile", part.path));
            }
        }
        let next = self.size + part.hashes.len().saturating_sub(known) as u64;
        let passes = self.marks.range(self.size + 1..next).next().is_some();
        match (part.root, known, passes) {
            (Some(root), 0, false) => {
                self.above.push(root)?;
                self.size = next;
            }
            _ => {
                for hash in part.hashes.iter().skip(known) {
                    self.below.push(*hash);
                    self.size += 1;
                    if self.below.len() == usize::from(FULL) {
                        self.above.push(tree::root(&self.below))?;
                        self.below.clear();
                    }
                    if self.size < next {
                        self.pass(report)?;
                    }
                }
            }
        }
        if let Some(root) = part.root {
            self.compare(part, &root);
        }
        self.pass(report)
    }

    fn compare(&mut self, part: &Part, root: &Hash) {
        let bundle = (self.size >> 8) - 1;
        let Some(tile) = Tile::of(1, bundle / 256, self.tiles.end) else { return };
        if self.row.as_ref().is_none_or(|(known, _)| *known != tile) {
            // A tile that cannot be read is named where all tiles are.
            self.row = self.tiles.read(tile).ok().map(|hashes| (tile, hashes));
        }
        let place = (bundle % 256) as usize;
        let says = self.row.as_ref().and_then(|(_, hashes)| hashes.get(place));
        if says.is_some_and(|says| says != root) {
            self.differ.push((part.path.clone(), format!("{LOG}{}", tile.path()), 32 * place as u64));
        }
    }

    /// Compares the checkpoints of the present size.
    pub fn pass(&mut self, report: &mut Report) -> Result<(), TreeError> {
        let Some(marks) = self.marks.remove(&self.size) else { return Ok(()) };
        let root = self.root()?;
        for mark in marks.into_iter().filter(|mark| mark.root != root) {
            let what = format!(
                "the first {} leaves of this pack do not lead to the root of {}: they are not the log's",
                self.size, mark.what
            );
            report.broken(mark.check, mark.place, what);
        }
        Ok(())
    }

    /// Says who is wrong where a bundle and a tile differ: whoever does not lead to the root.
    pub fn end(self, root: &Hash, report: &mut Report) -> Result<u64, TreeError> {
        let leads = self.root()? == *root;
        for (bundle, tile, offset) in self.differ {
            match leads {
                true => report.broken(4, Place::at(tile, offset), format!("it is not the hash of {bundle}")),
                false => {
                    report.broken(4, Place::file(bundle), format!("{tile} says otherwise, at byte {offset}"))
                }
            }
        }
        Ok(self.size)
    }
}
