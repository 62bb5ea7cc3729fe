//! A log that grows from its right edge has the same files however it grew, and proofs read from them hold.

use std::cell::RefCell;
use std::collections::BTreeSet;

use countersign_tlog::tile::{self, ContentError, FULL};
use countersign_tlog::tree::{leaf_hash, prove_consistency, prove_inclusion};
use countersign_tlog::{Bundle, Edge, Frontier, Hash, Tile};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::kit::{Result, entries, grown, mth, path, proof};

/// The paths and bytes that a tree of these leaves has, by the specification.
fn expected(entries: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (index, chunk) in entries.chunks(256).enumerate() {
        let mut bytes = Vec::new();
        for entry in chunk {
            bytes.extend((entry.len() as u16).to_be_bytes());
            bytes.extend(entry);
        }
        all.push((format!("tile/entries/{index:03}{}", suffix(chunk.len())), bytes));
    }
    let mut row: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for level in 0.. {
        if row.is_empty() {
            break;
        }
        for (index, chunk) in row.chunks(256).enumerate() {
            all.push((format!("tile/{level}/{index:03}{}", suffix(chunk.len())), chunk.concat()));
        }
        row = row.chunks_exact(256).map(mth).collect();
    }
    all
}

fn suffix(width: usize) -> String {
    if width == 256 { String::new() } else { format!(".p/{width}") }
}

fn hashes(size: u64) -> Vec<Hash> {
    entries(size).iter().map(|entry| leaf_hash(entry)).collect()
}

fn batches() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![0..8u64, 200..300u64, Just(256), 0..900u64], 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_batches_make_the_same_files(batches in batches()) {
        let size: u64 = batches.iter().sum();
        let (store, edge) = grown(&batches).unwrap();
        for (path, bytes) in expected(&entries(size)) {
            prop_assert_eq!(store.0.get(&path), Some(&bytes), "{}", path);
        }
        prop_assert_eq!(edge.size(), size);
        prop_assert_eq!(edge.root(), mth(&hashes(size)));
        // What else lies there is a partial file of an earlier end.
        let ends: Vec<u64> = batches.iter().scan(0, |end, batch| { *end += batch; Some(*end) }).collect();
        let mut allowed: BTreeSet<String> = expected(&entries(size)).into_iter().map(|(path, _)| path).collect();
        for end in ends {
            allowed.extend(Tile::edge(end).map(|tile| tile.path()));
            allowed.extend(Bundle::of(end / 256, end).map(|bundle| bundle.path()));
        }
        for path in store.0.keys() {
            prop_assert!(allowed.contains(path), "{} is nobody's", path);
        }
    }

    #[test]
    fn an_edge_is_read_back_and_goes_on(first in 0..700u64, more in 0..700u64) {
        let (mut store, _) = grown(&[first]).unwrap();
        let mut edge = store.edge(first).unwrap();
        store.put(edge.append(&entries(first + more)[first as usize..]).unwrap());
        let (_, whole) = grown(&[first + more]).unwrap();
        prop_assert_eq!(&edge, &whole);
        prop_assert_eq!(&store.edge(first + more).unwrap(), &whole);
    }

    #[test]
    fn proofs_from_tiles_are_the_naive_ones(batches in batches(), a in any::<Index>(), b in any::<Index>()) {
        let total: u64 = batches.iter().sum();
        prop_assume!(total > 0);
        let (store, _) = grown(&batches).unwrap();
        let all = hashes(total);
        let index = a.index(total as usize);
        prop_assert_eq!(prove_inclusion(index as u64, total, store.nodes(total)).unwrap(), path(index, &all));
        let old = b.index(total as usize) + 1;
        prop_assert_eq!(prove_consistency(old as u64, total, store.nodes(total)).unwrap(), proof(old, &all));
        prop_assert_eq!(Frontier::read(total, store.nodes(total)).unwrap().root(), mth(&all));
    }
}

#[test]
fn the_third_level_is_reached() -> Result<()> {
    let size = 70_000;
    let (store, edge) = grown(&[65_535, 2, size - 65_537])?;
    let all = hashes(size);
    assert_eq!(edge.root(), mth(&all));
    assert_eq!(store.edge(size)?, edge);
    assert!(store.0.contains_key("tile/1/000") && store.0.contains_key("tile/2/000.p/1"));
    assert_eq!(prove_inclusion(65_535, size, store.nodes(size))?, path(65_535, &all));
    assert_eq!(prove_consistency(65_537, size, store.nodes(size))?, proof(65_537, &all));
    Ok(())
}

#[test]
fn an_entry_that_is_too_long_changes_nothing() {
    let (_, mut edge) = grown(&[300]).unwrap();
    let before = edge.clone();
    let refused = edge.append(&[b"fits".to_vec(), vec![0; 65_536]]);
    assert_eq!(refused, Err(ContentError::TooLong { entry: 1, length: 65_536 }));
    assert_eq!(edge, before);
    assert_eq!(edge.append::<&[u8]>(&[]).unwrap(), Default::default());
}

#[test]
fn an_edge_whose_entries_are_not_its_leaves_is_refused() {
    let (store, _) = grown(&[300]).unwrap();
    let read = |change: fn(&mut Vec<u8>)| {
        Edge::read(
            300,
            |tile: Tile| store.get(&tile.path()),
            |bundle: Bundle| {
                let mut bytes = store.get(&bundle.path())?;
                change(&mut bytes);
                Ok(bytes)
            },
        )
        .map_err(|error| error.to_string())
    };
    assert!(read(|_| ()).is_ok());
    assert_eq!(
        read(|bytes| if let Some(last) = bytes.last_mut() {
            *last ^= 1
        })
        .unwrap_err(),
        "entry 43 of the bundle is not what the tile says"
    );
}

#[test]
fn a_reader_of_tiles_may_note_and_may_give_the_full_tile() -> Result<()> {
    let (store, _) = grown(&[300, 400]).unwrap();
    // What is needed is known before anything is read.
    let needed = RefCell::new(BTreeSet::new());
    let note = |tile: Tile| {
        needed.borrow_mut().insert(tile);
        Ok::<_, Box<dyn std::error::Error>>(vec![[0; 32]; tile.width().into()])
    };
    prove_inclusion(299, 300, tile::nodes(300, note))?;
    let needed: Vec<_> = needed.take().iter().map(Tile::path).collect();
    assert_eq!(needed, ["tile/0/001.p/44", "tile/1/000.p/1"]);
    // The partial tile is gone, the full one is there.
    let full = |tile: Tile| {
        let full = Tile::of(tile.level(), tile.index(), 512).filter(|_| tile.level() == 0).unwrap_or(tile);
        assert!(tile.level() > 0 || full.width() == FULL);
        Ok::<_, Box<dyn std::error::Error>>(full.hashes(&store.get(&full.path())?)?.to_vec())
    };
    assert_eq!(prove_inclusion(299, 300, tile::nodes(300, full))?, path(299, &hashes(300)));
    // Too few hashes, and nodes that the tree does not have.
    let mut short = tile::nodes(300, |_| Ok::<_, ContentError>([[0; 32]; 43]));
    assert_eq!(short(0, 299), Err(ContentError::TooFew(Tile::of(0, 1, 300).unwrap())));
    assert_eq!(short(0, 999), Err(ContentError::NoSuchNode { level: 0, index: 999, size: 300 }));
    assert!(short(255, u64::MAX).is_err());
    Ok(())
}
