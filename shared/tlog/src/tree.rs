//! The hash tree of RFC 6962 and RFC 9162: hashes, roots, proofs and their verification.
//!
//! It knows nothing of tiles or files. Provers ask for the hash of a node, which is a whole subtree: node
//! `(level, index)` covers the leaves from `index << level` up to `(index + 1) << level`.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// A SHA-256 hash of a leaf or a node.
pub type Hash = [u8; 32];

/// Why a proof cannot be made, or proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum TreeError {
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {new} does not continue one of {old}")]
    Shrinks { old: u64, new: u64 },
    #[error("the proof has {found} hashes instead of {expected}")]
    Length { expected: usize, found: usize },
    #[error("the proof does not lead to the root")]
    Root,
    #[error("the proof does not lead to the old root")]
    OldRoot,
    #[error("a tree has 2^64 - 1 leaves at most")]
    Full,
}

/// The hash of a leaf's bytes.
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
}

/// The hash of a node, from those of its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over leaf hashes that are all in memory.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node_hash(&root(left), &root(right))
        }
    }
}

/// A tree of which only the roots of its whole subtrees are kept: at most 64 hashes, whatever its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the left and largest to the right and smallest, one for each bit of the size.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree that exists, to go on from there.
    pub fn read<E>(size: u64, node: impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Self, E> {
        let mut node = node;
        let hashes = subtrees(0..size).map(|(level, index)| node(level, index)).collect::<Result<_, E>>()?;
        Ok(Self { size, hashes })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf on the right.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TreeError> {
        let size = self.size.checked_add(1).ok_or(TreeError::Full)?;
        // As a counter carries: each trailing one is a subtree that the new one completes.
        let kept = self.hashes.len().saturating_sub(self.size.trailing_ones() as usize);
        let hash = self.hashes.drain(kept..).rev().fold(leaf, |right, left| node_hash(&left, &right));
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// The root of the leaves so far.
    pub fn root(&self) -> Hash {
        let from_right = self.hashes.iter().rev().copied();
        from_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

/// The hashes that lead from leaf `index` to the root of the first `size` leaves.
pub fn prove_inclusion<E: From<TreeError>>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let siblings = inclusion(index, size)?;
    siblings.into_iter().map(|sibling| range_hash(sibling.range, &mut node)).collect()
}

/// Whether the leaf at `index` is under the root of `size` leaves.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), TreeError> {
    let siblings = inclusion(index, size)?;
    check_length(siblings.len(), proof)?;
    let top = siblings.iter().zip(proof).fold(*leaf, |hash, (sibling, other)| sibling.join(other, &hash));
    if top == *root { Ok(()) } else { Err(TreeError::Root) }
}

/// The hashes that show that the first `old` leaves are unchanged in the first `new`.
pub fn prove_consistency<E: From<TreeError>>(
    old: u64,
    new: u64,
    mut node: impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (start, siblings) = consistency(old, new)?;
    let ranges = start.into_iter().chain(siblings.into_iter().map(|sibling| sibling.range));
    ranges.map(|range| range_hash(range, &mut node)).collect()
}

/// Whether the tree of `new` leaves continues that of `old`; each comes with its root.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), TreeError> {
    let (start, siblings) = consistency(old, new)?;
    check_length(siblings.len() + usize::from(start.is_some()), proof)?;
    if old == 0 {
        // Every tree continues the empty one.
        return match empty_root() {
            empty if *old_root != empty => Err(TreeError::OldRoot),
            empty if new == 0 && *new_root != empty => Err(TreeError::Root),
            _ => Ok(()),
        };
    }
    let (first, rest) = match (start, proof) {
        (Some(_), [first, rest @ ..]) => (first, rest),
        _ => (old_root, proof),
    };
    let (mut before, mut after) = (*first, *first);
    for (sibling, other) in siblings.iter().zip(rest) {
        if sibling.left {
            before = sibling.join(other, &before);
        }
        after = sibling.join(other, &after);
    }
    if before != *old_root {
        return Err(TreeError::OldRoot);
    }
    if after == *new_root { Ok(()) } else { Err(TreeError::Root) }
}

/// What stands beside the way from the root down, and on which side.
struct Sibling {
    range: Range<u64>,
    left: bool,
}

impl Sibling {
    fn join(&self, own: &Hash, other: &Hash) -> Hash {
        if self.left { node_hash(own, other) } else { node_hash(other, own) }
    }
}

fn inclusion(index: u64, size: u64) -> Result<Vec<Sibling>, TreeError> {
    if index >= size {
        return Err(TreeError::NoSuchLeaf { index, size });
    }
    Ok(descend(index + 1, size, |_| false).1)
}

/// The subtree where the old tree ends, unless that is all of it, and the siblings from there up.
fn consistency(old: u64, new: u64) -> Result<(Option<Range<u64>>, Vec<Sibling>), TreeError> {
    if old > new {
        return Err(TreeError::Shrinks { old, new });
    }
    if old == 0 {
        return Ok((None, Vec::new()));
    }
    let (start, siblings) = descend(old, new, |here| here.end == old);
    Ok(((start.start > 0).then_some(start), siblings))
}

/// Goes down from the root of a tree that is not empty towards the leaf before `end`, until `done` or at that leaf.
/// Siblings come from the bottom.
fn descend(end: u64, size: u64, done: impl Fn(&Range<u64>) -> bool) -> (Range<u64>, Vec<Sibling>) {
    let (mut here, mut siblings) = (0..size, Vec::new());
    while let Some(level) = (here.end - here.start - 1).checked_ilog2() {
        if done(&here) {
            break;
        }
        let middle = here.start + (1 << level);
        let (left, right) = (here.start..middle, middle..here.end);
        if end <= middle {
            siblings.push(Sibling { range: right, left: false });
            here = left;
        } else {
            siblings.push(Sibling { range: left, left: true });
            here = right;
        }
    }
    siblings.reverse();
    (here, siblings)
}

/// The whole subtrees that a range consists of, from the left. It begins where one of its size can begin.
fn subtrees(mut range: Range<u64>) -> impl DoubleEndedIterator<Item = (u8, u64)> {
    let mut all = Vec::new();
    while let Some(level) = (range.end - range.start).checked_ilog2() {
        all.push((level as u8, range.start >> level));
        range.start += 1 << level;
    }
    all.into_iter()
}

fn range_hash<E>(range: Range<u64>, node: &mut impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut from_right = subtrees(range).rev();
    let Some((level, index)) = from_right.next() else { return Ok(empty_root()) };
    let last = node(level, index)?;
    from_right.try_fold(last, |right, (level, index)| Ok(node_hash(&node(level, index)?, &right)))
}

fn check_length(expected: usize, proof: &[Hash]) -> Result<(), TreeError> {
    let found = proof.len();
    if found == expected { Ok(()) } else { Err(TreeError::Length { expected, found }) }
}
