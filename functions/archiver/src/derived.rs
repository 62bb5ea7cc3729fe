//! Copies of the log for reading: `events/dt=<day>/<first>-<last>.jsonl.gz`, line k of which is byte for byte leaf
//! first + k. The day is that of the events; a batch that holds two days in turn makes several files.

use std::io::Write;

use countersign_domain::leaf::Frame;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The files of these leaves, the first of which has the index `first`.
pub fn files(first: u64, leaves: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut from = first;
    for same in leaves.chunk_by(|a, b| day(a) == day(b)) {
        let next = from + same.len() as u64;
        let key = format!("events/dt={}/{from:020}-{:020}.jsonl.gz", day(&same[0]), next - 1);
        files.extend(pack(same).ok().map(|bytes| (key, bytes)));
        from = next;
    }
    files
}

fn day(leaf: &[u8]) -> String {
    let time = Frame::read(leaf).map(|frame| frame.time.to_string());
    time.ok().and_then(|time| time.get(..10).map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
}

/// The same bytes for the same leaves: no time and no name in the header.
fn pack(leaves: &[Vec<u8>]) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    for leaf in leaves {
        gzip.write_all(leaf)?;
        gzip.write_all(b"\n")?;
    }
    gzip.finish()
}
