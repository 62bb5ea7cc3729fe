//! The crates `tlog_tiles` and `signed_note` read what we write, write what we read, and judge proofs alike.

use countersign_tlog::note::Algorithm;
use countersign_tlog::tree::{
    leaf_hash, node_hash, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use countersign_tlog::{Checkpoint, Edge, Hash, Note, Tile, VerifierKey};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::Hash as Theirs;

use crate::kit::{entries, leaves, mth, node};

/// A change that may or may not be one.
fn flip(hashes: &mut [Hash], at: Option<(usize, u8)>) {
    if let Some((at, bit)) = at {
        let size = hashes.len().max(1);
        if let Some(hash) = hashes.get_mut(at % size) {
            hash[usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
    }
}

fn theirs(hashes: &[Hash]) -> Vec<Theirs> {
    hashes.iter().map(|hash| Theirs(*hash)).collect()
}

fn bit() -> impl Strategy<Value = Option<(usize, u8)>> {
    prop::option::of((0..9usize, any::<u8>()))
}

proptest! {
    #[test]
    fn hashes_are_alike(a: [u8; 32], b: [u8; 32], bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Theirs(leaf_hash(&bytes)), tlog_tiles::record_hash(&bytes));
        prop_assert_eq!(Theirs(node_hash(&a, &b)), tlog_tiles::node_hash(Theirs(a), Theirs(b)));
    }

    #[test]
    fn inclusion_is_judged_alike(
        size in 1..40u64, index in 0..40u64, claimed_size in 0..45u64, claimed in 0..45u64, bit in bit(),
    ) {
        let (all, index) = (leaves(size), index % size);
        let mut proof = prove_inclusion(index, size, node(&all)).unwrap();
        flip(&mut proof, bit);
        let (leaf, root) = (all[index as usize], mth(&all));
        for (claimed, claimed_size) in [(index, size), (claimed, size), (index, claimed_size), (claimed, claimed_size)] {
            let ours = verify_inclusion(claimed, claimed_size, &leaf, &proof, &root).is_ok();
            let judged =
                tlog_tiles::check_record(&theirs(&proof), claimed_size, Theirs(root), claimed, Theirs(leaf)).is_ok();
            prop_assert_eq!(ours, judged, "{} of {}", claimed, claimed_size);
        }
    }

    #[test]
    fn consistency_is_judged_alike(
        new in 1..40u64, old in 0..40u64, claimed_new in 1..45u64, claimed_old in 1..45u64, bit in bit(),
    ) {
        let (all, old) = (leaves(new), old % new + 1);
        let mut proof = prove_consistency(old, new, node(&all)).unwrap();
        flip(&mut proof, bit);
        let (old_root, new_root) = (mth(&all[..old as usize]), mth(&all));
        for (a, b) in [(old, new), (claimed_old, new), (old, claimed_new), (claimed_old, claimed_new)] {
            let ours = verify_consistency((a, &old_root), (b, &new_root), &proof).is_ok();
            let judged =
                tlog_tiles::check_tree(&theirs(&proof), b, Theirs(new_root), a, Theirs(old_root)).is_ok();
            prop_assert_eq!(ours, judged, "{} to {}", a, b);
        }
    }

    #[test]
    fn paths_are_alike(index in any::<u64>(), shift in 9..64u32, width in 1..256u32) {
        let index = index >> shift;
        let size = index * 256 + u64::from(width);
        let path = tlog_tiles::Tile::new(8, 0, index, width, false).path().replacen("tile/8/", "tile/", 1);
        prop_assert_eq!(Tile::parse(&path).ok(), Tile::of(0, index, size));
    }

    #[test]
    fn notes_and_checkpoints_are_read_by_each_other(seed: [u8; 32], size: u64, root: [u8; 32]) {
        let secret = SigningKey::from_bytes(&seed);
        let key = VerifierKey::new("example.com/log", Algorithm::Ed25519, secret.verifying_key().as_bytes()).unwrap();
        let mut note = Checkpoint::new("example.com/log", size, root).unwrap().note().unwrap();
        note.sign(&key, None, |message| {
            Ok::<_, countersign_tlog::note::VerifyError>(secret.sign(message).to_bytes())
        }).unwrap();

        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&key.to_string()).unwrap())]);
        let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        prop_assert!(read.verify(&known).is_ok());
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
        prop_assert_eq!((checkpoint.size(), checkpoint.hash()), (size, &Theirs(root)));
        prop_assert_eq!(&Note::parse(&read.to_bytes()).unwrap(), &note);
        prop_assert_eq!(checkpoint.to_bytes(), note.text().as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_same_tiles_are_new(old in 0..2_000u64, more in 0..2_000u64) {
        let mut edge = Edge::default();
        edge.append(&entries(old)).unwrap();
        let files = edge.append(&entries(more)).unwrap();
        let mut ours: Vec<String> = files.tiles.iter().map(|(tile, _)| tile.path()).collect();
        // Theirs names the height.
        let mut others: Vec<String> = tlog_tiles::Tile::new_tiles(8, old, old + more)
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        ours.sort();
        others.sort();
        prop_assert_eq!(ours, others);
    }
}
