//! A naive tree, by the definitions of RFC 6962 section 2.1, and a log's files in memory.

use std::collections::BTreeMap;

use countersign_tlog::edge::Files;
use countersign_tlog::tile::ContentError;
use countersign_tlog::tree::{leaf_hash, node_hash};
use countersign_tlog::{Bundle, Edge, Hash, Tile, tile};
use data_encoding::HEXLOWER;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub fn hash(hex: &str) -> Hash {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

/// The entries 0, 1, 2… of which some are empty and some long.
pub fn entries(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(|number| number.to_string().repeat(number as usize % 7).into_bytes()).collect()
}

pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// The largest power of two below `n`.
fn half(n: usize) -> usize {
    (0..).map(|bit| 1 << bit).take_while(|power| *power < n).last().unwrap()
}

/// MTH.
pub fn mth(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        1 => leaves[0],
        n => node_hash(&mth(&leaves[..half(n)]), &mth(&leaves[half(n)..])),
    }
}

/// PATH.
pub fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(half(leaves.len()));
    let (mut path, other) =
        if m < left.len() { (path(m, left), right) } else { (path(m - left.len(), right), left) };
    path.push(mth(other));
    path
}

/// PROOF.
pub fn proof(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(half(leaves.len()));
    let (mut proof, other) = if m <= left.len() {
        (subproof(m, left, whole), right)
    } else {
        (subproof(m - left.len(), right, false), left)
    };
    proof.push(mth(other));
    proof
}

/// A node of a tree whose leaves are all in memory.
pub fn node(leaves: &[Hash]) -> impl FnMut(u8, u64) -> Result<Hash> {
    |level, index| {
        let from = (index as usize) << level;
        Ok(mth(leaves.get(from..from + (1 << level)).ok_or("a node that is not whole")?))
    }
}

/// Files by path; none is ever written with other bytes.
#[derive(Default)]
pub struct Store(pub BTreeMap<String, Vec<u8>>);

impl Store {
    pub fn put(&mut self, files: Files) {
        let bundles = files.bundles.into_iter().map(|(bundle, bytes)| (bundle.path(), bytes));
        let tiles = files.tiles.into_iter().map(|(tile, bytes)| (tile.path(), bytes));
        for (path, bytes) in bundles.chain(tiles) {
            let before = self.0.insert(path.clone(), bytes.clone());
            assert!(before.is_none_or(|before| before == bytes), "{path} was written with other bytes");
        }
    }

    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| format!("no {path}").into())
    }

    pub fn edge(&self, size: u64) -> Result<Edge> {
        Edge::read(size, |tile: Tile| self.get(&tile.path()), |bundle: Bundle| self.get(&bundle.path()))
    }

    pub fn nodes(&self, size: u64) -> impl FnMut(u8, u64) -> Result<Hash> {
        tile::nodes(size, |tile: Tile| {
            Ok::<_, Box<dyn std::error::Error>>(tile.hashes(&self.get(&tile.path())?)?.to_vec())
        })
    }
}

/// The files of a log that grew in these batches.
pub fn grown(batches: &[u64]) -> std::result::Result<(Store, Edge), ContentError> {
    let all = entries(batches.iter().sum());
    let (mut store, mut edge, mut rest) = (Store::default(), Edge::default(), all.as_slice());
    for batch in batches {
        let (now, later) = rest.split_at(*batch as usize);
        store.put(edge.append(now)?);
        rest = later;
    }
    Ok((store, edge))
}
