//! Proofs over trees of any size: they are those of the naive tree, and whatever is changed in them shows.

use countersign_tlog::tree::{prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
use countersign_tlog::{Frontier, Hash};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::kit::{leaves, mth, node, path, proof};

const LARGEST: u64 = 300;

/// One change to a list of hashes.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Hash),
    Remove(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => (any::<Index>(), any::<Hash>()).prop_map(|(at, hash)| Change::Insert(at, hash)),
        1 => any::<Index>().prop_map(Change::Remove),
    ]
}

impl Change {
    fn apply(&self, hashes: &mut Vec<Hash>) {
        let size = hashes.len();
        match self {
            Self::Insert(at, hash) => hashes.insert(at.index(size + 1), *hash),
            _ if size == 0 => hashes.push([0; 32]),
            Self::Flip(at, bit) => hashes[at.index(size)][usize::from(bit / 8)] ^= 1 << (bit % 8),
            Self::Remove(at) => {
                hashes.remove(at.index(size));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_frontier_has_the_root_of_the_naive_tree(size in 0..LARGEST, more in 0..50u64) {
        let all = leaves(size + more);
        let mut frontier = Frontier::default();
        for leaf in &all[..size as usize] {
            frontier.push(*leaf).unwrap();
        }
        prop_assert_eq!(frontier.root(), mth(&all[..size as usize]));
        let mut read = Frontier::read(size, node(&all)).unwrap();
        prop_assert_eq!(&read, &frontier);
        for leaf in &all[size as usize..] {
            read.push(*leaf).unwrap();
        }
        prop_assert_eq!(read.root(), mth(&all));
    }

    #[test]
    fn inclusion_is_proved_and_no_change_passes(
        size in 1..LARGEST, at in any::<Index>(), other in any::<Index>(), change in change(), bit in 0..256usize,
    ) {
        let all = leaves(size);
        let index = at.index(size as usize) as u64;
        let (leaf, root) = (all[index as usize], mth(&all));
        let proof = prove_inclusion(index, size, node(&all)).unwrap();
        prop_assert_eq!(&proof, &path(index as usize, &all));
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));

        let mut changed = proof.clone();
        change.apply(&mut changed);
        prop_assert!(verify_inclusion(index, size, &leaf, &changed, &root).is_err());
        let flip = |mut hash: Hash| { hash[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify_inclusion(index, size, &flip(leaf), &proof, &root).is_err());
        prop_assert!(verify_inclusion(index, size, &leaf, &proof, &flip(root)).is_err());
        let other = other.index(size as usize) as u64;
        prop_assert_eq!(verify_inclusion(other, size, &leaf, &proof, &root).is_ok(), other == index);
    }

    #[test]
    fn consistency_is_proved_and_no_change_passes(
        new in 1..LARGEST, at in any::<Index>(), change in change(), bit in 0..256usize,
    ) {
        let all = leaves(new);
        let old = at.index(new as usize) as u64 + 1;
        let (old_root, new_root) = (mth(&all[..old as usize]), mth(&all));
        let hashes = prove_consistency(old, new, node(&all)).unwrap();
        prop_assert_eq!(&hashes, &proof(old as usize, &all));
        let verify = |old_root: &Hash, new_root: &Hash, hashes: &[Hash]| {
            verify_consistency((old, old_root), (new, new_root), hashes)
        };
        prop_assert_eq!(verify(&old_root, &new_root, &hashes), Ok(()));

        let mut changed = hashes.clone();
        change.apply(&mut changed);
        prop_assert!(verify(&old_root, &new_root, &changed).is_err());
        let flip = |mut hash: Hash| { hash[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify(&flip(old_root), &new_root, &hashes).is_err());
        prop_assert!(verify(&old_root, &flip(new_root), &hashes).is_err());
    }
}
