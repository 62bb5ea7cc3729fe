//! Where a tree lies in files (C2SP tlog-tiles): hash tiles and entry bundles, their paths and their bytes.
//!
//! It reads and writes no file: it says which one, and what its bytes mean.

use crate::tree::{self, Hash};

/// How many hashes a full tile has, and entries a full bundle.
pub const FULL: u16 = 256;

/// What is wrong with the content of a tile or bundle. Entries and bytes count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ContentError {
    #[error("a tile has {found} bytes instead of {expected}")]
    Length { expected: usize, found: usize },
    #[error("entry {entry}, at byte {offset}, goes beyond the bundle's end")]
    Truncated { entry: usize, offset: usize },
    #[error("after the bundle's last entry there is more, from byte {offset} on")]
    Trailing { offset: usize },
    #[error("entry {entry} has {length} bytes; 65535 are the most")]
    TooLong { entry: usize, length: usize },
    #[error("entry {entry} of the bundle is not what the tile says")]
    Leaf { entry: usize },
    #[error("{} has too few hashes", .0.path())]
    TooFew(Tile),
    #[error("node {index} of level {level} is not in a tree of {size}")]
    NoSuchNode { level: u8, index: u64, size: u64 },
    #[error(transparent)]
    Tree(#[from] tree::TreeError),
}

/// A path that is none of a tile, or not in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the path of a tile or entry bundle")]
pub struct PathError;

/// Which tile, and how much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile as it stands in a tree of `size` leaves, or none if that tree does not reach it.
    pub fn of(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(level))?;
        let width = hashes.checked_sub(index.checked_mul(FULL.into())?)?.min(FULL.into()) as u16;
        (width > 0).then_some(Self { level, index, width })
    }

    /// The partial tiles of a tree, from level 0 up: with them one can go on from `size`.
    pub fn edge(size: u64) -> impl Iterator<Item = Self> {
        (0..8).filter_map(move |level| {
            let hashes = size >> (8 * level);
            Self::of(level, hashes / 256, size)
        })
    }

    /// 0 for the one that holds leaf hashes.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Its place in the level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never grow.
    pub fn is_full(&self) -> bool {
        self.width == FULL
    }

    /// Its path below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.position())
    }

    /// Reads what [`Tile::path`] writes.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let parts = path.strip_prefix("tile/").and_then(|rest| rest.split_once('/'));
        let (level, position) = parts.ok_or(PathError)?;
        let level = level.parse().map_err(|_| PathError)?;
        let tile = Self::at(level, position).ok_or(PathError)?;
        if level < 64 && tile.path() == path { Ok(tile) } else { Err(PathError) }
    }

    /// The hashes in its bytes.
    pub fn hashes<'a>(&self, bytes: &'a [u8]) -> Result<&'a [Hash], ContentError> {
        let expected = usize::from(self.width) * size_of::<Hash>();
        if bytes.len() == expected {
            Ok(bytes.as_chunks().0)
        } else {
            Err(ContentError::Length { expected, found: bytes.len() })
        }
    }

    fn position(&self) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        if self.is_full() { path } else { format!("{path}.p/{}", self.width) }
    }

    /// Also reads positions that are not in their one form: whoever calls prints it and compares.
    fn at(level: u8, position: &str) -> Option<Self> {
        let (index, width) = match position.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok().filter(|width| *width > 0)?),
            None => (position, FULL),
        };
        let index = index.replace(['x', '/'], "").parse().ok()?;
        Some(Self { level, index, width })
    }
}

/// The entries under one tile of level 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle(Tile);

impl Bundle {
    /// The bundle as it stands in a tree of `size` leaves, or none if that tree does not reach it.
    pub fn of(index: u64, size: u64) -> Option<Self> {
        Tile::of(0, index, size).map(Self)
    }

    /// The tile that holds its entries' hashes.
    pub fn tile(&self) -> Tile {
        self.0
    }

    /// Its path below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", self.0.position())
    }

    /// Reads what [`Bundle::path`] writes.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let position = path.strip_prefix("tile/entries/").ok_or(PathError)?;
        let bundle = Tile::at(0, position).map(Self).ok_or(PathError)?;
        if bundle.path() == path { Ok(bundle) } else { Err(PathError) }
    }

    /// The entries in its bytes.
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, ContentError> {
        let (mut entries, mut rest) = (Vec::with_capacity(self.0.width.into()), bytes);
        for entry in 0..self.0.width.into() {
            let truncated = ContentError::Truncated { entry, offset: bytes.len() - rest.len() };
            let (length, after) = rest.split_first_chunk().ok_or(truncated.clone())?;
            let length = u16::from_be_bytes(*length).into();
            let (bytes, after) = after.split_at_checked(length).ok_or(truncated)?;
            entries.push(bytes);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(ContentError::Trailing { offset: bytes.len() - rest.len() });
        }
        Ok(entries)
    }
}

/// The bytes of entries, one after the other, as a bundle holds them.
pub fn encode_entries<T: AsRef<[u8]>>(entries: &[T]) -> Result<Vec<u8>, ContentError> {
    let mut bytes = Vec::new();
    for (entry, content) in entries.iter().map(AsRef::as_ref).enumerate() {
        let length = content.len();
        let prefix = u16::try_from(length).map_err(|_| ContentError::TooLong { entry, length })?;
        bytes.extend(prefix.to_be_bytes());
        bytes.extend(content);
    }
    Ok(bytes)
}

/// Finds nodes of a tree of `size` leaves in tiles, for the provers of [`tree`] and for [`tree::Frontier::read`].
///
/// `read` may give back more hashes than the tile's width: the full tile where the partial one is gone. What it gives
/// is not checked here: verify the proof. To know beforehand which tiles are needed, prove once with a `read` that
/// notes the tile and gives back zeros.
pub fn nodes<T: AsRef<[Hash]>, E: From<ContentError>>(
    size: u64,
    mut read: impl FnMut(Tile) -> Result<T, E>,
) -> impl FnMut(u8, u64) -> Result<Hash, E> {
    move |level, index| {
        let below = level % 8;
        let first = index << below;
        let missing = ContentError::NoSuchNode { level, index, size };
        let tile = Tile::of(level / 8, first / 256, size).ok_or(missing)?;
        let from = (first % 256) as usize;
        let hashes = read(tile)?;
        let under = hashes.as_ref().get(from..from + (1 << below)).ok_or(ContentError::TooFew(tile))?;
        Ok(tree::root(under))
    }
}
