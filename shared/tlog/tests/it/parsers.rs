//! No bytes make a parser panic, and what it takes prints to the same bytes.

use std::fmt::Display;

use countersign_tlog::note::Signature;
use countersign_tlog::{Bundle, Checkpoint, Note, Proof, Submission, Tile, VerifierKey};
use proptest::prelude::*;

/// Pieces of the formats, so that arbitrary texts get far into the parsers.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "\n",
        "\n\n",
        " ",
        "+",
        "— ",
        "— n ",
        "AAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "0",
        "1",
        "01",
        "x",
        "x001/",
        "000",
        ".p/",
        "255",
        "256",
        "tile/",
        "tile/0/",
        "tile/entries/",
        "index ",
        "old ",
        "extra ",
        "c2sp.org/tlog-proof@v1\n",
        "example.com/log\n",
        "18446744073709551615\n",
        "\r",
        "\u{7f}",
        "\u{2028}",
        "example.com/foo+530d903a+",
        "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ];
    prop_oneof![8 => prop::sample::select(fixed.to_vec()).prop_map(str::to_owned), 1 => ".{0,3}"]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

fn same<T: Display, E>(text: &str, parsed: Result<T, E>) {
    if let Ok(parsed) = parsed {
        assert_eq!(parsed.to_string(), text);
    }
}

fn parse_all(text: &str) {
    same(text, Note::parse(text.as_bytes()));
    same(text, text.parse::<Checkpoint>());
    same(text, Proof::parse(text.as_bytes()));
    same(text, Submission::parse(text.as_bytes()));
    same(text, text.parse::<VerifierKey>());
    same(text, text.parse::<Signature>());
    same(text, Tile::parse(text).map(|tile| tile.path()));
    same(text, Bundle::parse(text).map(|bundle| bundle.path()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn texts(text in text()) {
        parse_all(&text);
    }

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), width in 1..5u64) {
        let _ = Note::parse(&bytes);
        let _ = Proof::parse(&bytes);
        let _ = Submission::parse(&bytes);
        if let Ok(entries) = Bundle::of(0, width).unwrap().entries(&bytes) {
            assert_eq!(countersign_tlog::tile::encode_entries(&entries).unwrap(), bytes);
        }
        let _ = Tile::of(0, 0, width).unwrap().hashes(&bytes);
    }

    #[test]
    fn bundles(lengths in prop::collection::vec(0..4u8, 0..20), width in 1..12u64) {
        let bytes: Vec<u8> = lengths.iter().flat_map(|length| [0, *length]).collect();
        if let Ok(entries) = Bundle::of(0, width).unwrap().entries(&bytes) {
            assert_eq!(countersign_tlog::tile::encode_entries(&entries).unwrap(), bytes);
        }
    }

    #[test]
    fn tiles(level in 0..8u8, index in any::<u64>(), size in any::<u64>(), shift in 0..64u32) {
        if let Some(tile) = Tile::of(level, index >> shift, size) {
            assert_eq!(Tile::parse(&tile.path()), Ok(tile));
        }
        if let Some(bundle) = Bundle::of(index >> shift, size) {
            assert_eq!(Bundle::parse(&bundle.path()), Ok(bundle));
        }
    }

    #[test]
    fn proofs(extra in prop::collection::vec(any::<u8>(), 0..40), index: u64,
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..64), size: u64, root: [u8; 32]) {
        let mut checkpoint = Checkpoint::new("example.com/log", size, root).unwrap().note().unwrap();
        checkpoint.signatures.push("— n AAAAAAA=".parse().unwrap());
        let proof = Proof { extra, index, hashes, checkpoint };
        assert_eq!(Proof::parse(proof.to_string().as_bytes()), Ok(proof));
    }

    #[test]
    fn submissions(old: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..66), size: u64, root: [u8; 32]) {
        let mut checkpoint = Checkpoint::new("example.com/log", size, root).unwrap().note().unwrap();
        checkpoint.signatures.push("— n AAAAAAA=".parse().unwrap());
        let fits = proof.len() <= 63;
        let submission = Submission { old, proof, checkpoint };
        let read = Submission::parse(submission.to_string().as_bytes());
        prop_assert_eq!(read.ok(), fits.then_some(submission));
    }
}
