//! Known answers: the 8 leaves that Certificate Transparency's implementations are tested with, and the tree of 7
//! leaves that RFC 9162 section 2.1.5 draws.

use countersign_tlog::tree::{
    TreeError, empty_root, leaf_hash, node_hash, prove_consistency, prove_inclusion, root,
    verify_consistency, verify_inclusion,
};
use countersign_tlog::{Frontier, Hash};
use data_encoding::HEXLOWER;

use crate::kit::{Result, hash, leaves, node};

const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// By size.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn known() -> Vec<Hash> {
    LEAVES.iter().map(|hex| leaf_hash(&HEXLOWER.decode(hex.as_bytes()).unwrap())).collect()
}

#[test]
fn roots_are_the_known_ones() {
    let (leaves, mut frontier) = (known(), Frontier::default());
    assert_eq!(empty_root(), hash(ROOTS[0]));
    for size in 0..=8 {
        assert_eq!(root(&leaves[..size]), hash(ROOTS[size]), "{size}");
        assert_eq!(frontier.root(), hash(ROOTS[size]), "{size}");
        assert_eq!(frontier.size(), size as u64);
        if let Some(leaf) = leaves.get(size) {
            frontier.push(*leaf).unwrap();
        }
    }
}

#[test]
fn inclusion_proofs_are_the_known_ones() {
    let check = |index: u64, size: u64, proof: &[&str]| {
        let leaves = known();
        let proof: Vec<Hash> = proof.iter().map(|hex| hash(hex)).collect();
        assert_eq!(prove_inclusion(index, size, node(&leaves)).unwrap(), proof, "{index} of {size}");
        let root = hash(ROOTS[size as usize]);
        assert_eq!(verify_inclusion(index, size, &leaves[index as usize], &proof, &root), Ok(()));
    };
    check(0, 1, &[]);
    check(
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
    check(
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

#[test]
fn consistency_proofs_are_the_known_ones() {
    let check = |old: u64, new: u64, proof: &[&str]| {
        let proof: Vec<Hash> = proof.iter().map(|hex| hash(hex)).collect();
        assert_eq!(prove_consistency(old, new, node(&known())).unwrap(), proof, "{old} to {new}");
        let (old_root, new_root) = (hash(ROOTS[old as usize]), hash(ROOTS[new as usize]));
        assert_eq!(verify_consistency((old, &old_root), (new, &new_root), &proof), Ok(()));
    };
    check(0, 8, &[]);
    check(1, 1, &[]);
    check(
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

#[test]
fn the_tree_of_rfc_9162() -> Result<()> {
    let d = leaves(7);
    let [a, b, c, e4, f, j] = [d[0], d[1], d[2], d[4], d[5], d[6]];
    let (g, h, i) = (node_hash(&a, &b), node_hash(&c, &d[3]), node_hash(&e4, &f));
    let (k, l) = (node_hash(&g, &h), node_hash(&i, &j));
    assert_eq!(prove_inclusion(0, 7, node(&d))?, [b, h, l]);
    assert_eq!(prove_inclusion(3, 7, node(&d))?, [c, g, l]);
    assert_eq!(prove_inclusion(4, 7, node(&d))?, [f, j, k]);
    assert_eq!(prove_inclusion(6, 7, node(&d))?, [i, k]);
    assert_eq!(prove_consistency(3, 7, node(&d))?, [c, d[3], g, l]);
    assert_eq!(prove_consistency(4, 7, node(&d))?, [l]);
    assert_eq!(prove_consistency(6, 7, node(&d))?, [i, j, k]);
    Ok(())
}

#[test]
fn what_no_tree_can_prove_is_named() {
    let (zero, one) = (&[0; 32], &[1; 32]);
    assert_eq!(verify_inclusion(3, 3, zero, &[], zero), Err(TreeError::NoSuchLeaf { index: 3, size: 3 }));
    assert_eq!(verify_inclusion(0, 0, zero, &[], zero), Err(TreeError::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(verify_inclusion(0, 3, zero, &[], zero), Err(TreeError::Length { expected: 2, found: 0 }));
    assert_eq!(verify_inclusion(0, 1, zero, &[], one), Err(TreeError::Root));
    assert_eq!(verify_consistency((4, zero), (3, zero), &[]), Err(TreeError::Shrinks { old: 4, new: 3 }));
    assert_eq!(verify_consistency((3, zero), (3, one), &[]), Err(TreeError::Root));
    assert_eq!(verify_consistency((0, zero), (3, one), &[]), Err(TreeError::OldRoot));
    assert_eq!(
        verify_consistency((0, &empty_root()), (3, one), &[*zero]),
        Err(TreeError::Length { expected: 0, found: 1 })
    );
    assert_eq!(verify_consistency((0, &empty_root()), (0, one), &[]), Err(TreeError::Root));
}

#[test]
fn the_largest_tree_does_not_overflow() {
    let most = u64::MAX;
    let zeros = |_: u8, _: u64| Ok::<_, TreeError>([0; 32]);
    let mut frontier = Frontier::read(most, zeros).unwrap();
    assert_eq!(frontier.push([0; 32]), Err(TreeError::Full));
    for index in [0, most / 2, most - 1] {
        let proof = prove_inclusion(index, most, zeros).unwrap();
        assert_eq!(verify_inclusion(index, most, &[0; 32], &proof, &[1; 32]), Err(TreeError::Root));
    }
    for old in [1, most / 2, most - 1, most] {
        let proof = prove_consistency(old, most, zeros).unwrap();
        assert!(verify_consistency((old, &[1; 32]), (most, &[2; 32]), &proof).is_err());
    }
    assert!(prove_inclusion(most, most, zeros).is_err());
}
