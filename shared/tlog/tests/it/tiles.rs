//! Paths and contents of tiles and bundles.

use countersign_tlog::tile::{ContentError, encode_entries};
use countersign_tlog::{Bundle, Tile};

fn path(level: u8, index: u64, size: u64) -> Option<String> {
    Tile::of(level, index, size).map(|tile| tile.path())
}

#[test]
fn paths_are_those_of_the_specification() {
    assert_eq!(path(0, 1_234_067, u64::MAX).unwrap(), "tile/0/x001/x234/067");
    assert_eq!(path(0, 0, 1).unwrap(), "tile/0/000.p/1");
    assert_eq!(path(0, 999, 256_000).unwrap(), "tile/0/999");
    assert_eq!(path(0, 1000, 256_001).unwrap(), "tile/0/x001/000.p/1");
    assert_eq!(path(7, 0, u64::MAX).unwrap(), "tile/7/000.p/255");
    assert_eq!(path(8, 0, u64::MAX), None);
    assert_eq!(path(255, 0, u64::MAX), None);
    assert_eq!(path(0, u64::MAX, u64::MAX), None);
    assert_eq!(Bundle::of(273, 70_000).unwrap().path(), "tile/entries/273.p/112");
}

#[test]
fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
    let edge: Vec<_> = Tile::edge(70_000).map(|tile| tile.path()).collect();
    assert_eq!(edge, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    assert!(Tile::of(0, 272, 70_000).unwrap().is_full());
    assert!(Tile::of(1, 0, 70_000).unwrap().is_full());
    assert_eq!(path(1, 2, 70_000), None);
    let edge: Vec<_> = Tile::edge(256).map(|tile| tile.path()).collect();
    assert_eq!(edge, ["tile/1/000.p/1"]);
    assert_eq!(Tile::edge(0).count(), 0);
}

#[test]
fn a_path_has_one_form() {
    for good in ["tile/0/000", "tile/63/x001/x234/067.p/255", "tile/7/018.p/1"] {
        assert_eq!(Tile::parse(good).unwrap().path(), good);
    }
    assert_eq!(Bundle::parse("tile/entries/x018/446.p/9").unwrap().path(), "tile/entries/x018/446.p/9");
    for bad in [
        "",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "/tile/0/000",
        "tile/0/000 ",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/000",
        "tile/8/0/000",
    ] {
        assert!(Tile::parse(bad).is_err(), "{bad}");
    }
    for bad in ["tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/256", "entries/000"] {
        assert!(Bundle::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_bundle_holds_what_was_put_in() {
    let long = vec![7; 65_535];
    let entries: [&[u8]; 3] = [b"", b"one", &long];
    let bytes = encode_entries(&entries).unwrap();
    assert_eq!(bytes[..7], *b"\0\0\0\x03one");
    let bundle = Bundle::of(0, 3).unwrap();
    assert_eq!(bundle.entries(&bytes).unwrap(), entries);

    assert_eq!(
        bundle.entries(&bytes[..bytes.len() - 1]),
        Err(ContentError::Truncated { entry: 2, offset: 7 })
    );
    assert_eq!(bundle.entries(&bytes[..8]), Err(ContentError::Truncated { entry: 2, offset: 7 }));
    assert_eq!(bundle.entries(&[]), Err(ContentError::Truncated { entry: 0, offset: 0 }));
    assert_eq!(Bundle::of(0, 2).unwrap().entries(&bytes), Err(ContentError::Trailing { offset: 7 }));
    assert_eq!(
        encode_entries(&[b"".as_slice(), &[0; 65_536]]),
        Err(ContentError::TooLong { entry: 1, length: 65_536 })
    );
}

#[test]
fn a_tile_has_the_bytes_of_its_width() {
    let tile = Tile::of(0, 0, 2).unwrap();
    assert_eq!(tile.hashes(&[1; 64]).unwrap(), [[1; 32]; 2]);
    assert_eq!(tile.hashes(&[1; 63]), Err(ContentError::Length { expected: 64, found: 63 }));
    assert_eq!(tile.hashes(&[1; 96]), Err(ContentError::Length { expected: 64, found: 96 }));
}
