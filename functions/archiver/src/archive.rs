//! A subject's pending events as append-only batches: `events/<subject>/<number of the first>.jsonl.gz`, line k of which
//! is byte for byte the event first + k.
//!
//! The key says where a batch begins and not where it ends, so a batch that was written and not marked is found again
//! by whoever comes next, and the events after it begin a batch of their own. Nothing is ever written twice.

use std::io::{Read, Write};

use countersign_app::ports::{Archive, PortError, Table};
use countersign_app::store::StoredEvent;
use countersign_domain::leaf::Subject;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// What one batch may hold, uncompressed: read back, it must not fill the function's memory.
const MAX_BATCH: usize = 4 * 1024 * 1024;

/// Why events are not in the archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The table does not answer.
    #[error(transparent)]
    Table(PortError),
    /// The bucket does not answer.
    #[error(transparent)]
    Bucket(PortError),
    /// The object that is there holds other events. Somebody else wrote it, or the table was changed.
    #[error("the archive holds other bytes under {0}")]
    Differs(String),
    /// A batch could not be packed.
    #[error("a batch could not be packed: {0}")]
    Packing(std::io::Error),
}

/// Writes every pending event of the subject to the archive and marks it. Gives how many there were.
pub async fn archive<T: Table, A: Archive>(table: &T, archive: &A, subject: &Subject) -> Result<u32, ArchiveError> {
    let events = table.events(subject).await.map_err(ArchiveError::Table)?;
    let pending: Vec<StoredEvent> = events.into_iter().filter(|event| event.pending).collect();
    let mut left = pending.as_slice();
    while let Some(first) = left.first() {
        let batch = &left[..contiguous(left)];
        let key = format!("events/{subject}/{:06}.jsonl.gz", first.seq);
        let packed = pack(batch).map_err(ArchiveError::Packing)?;
        let there = archive.put_if_absent(&key, packed).await.map_err(ArchiveError::Bucket)?;
        let held = match there {
            None => batch.len(),
            Some(bytes) => held(&bytes, left).ok_or(ArchiveError::Differs(key))?,
        };
        let (done, rest) = left.split_at(held);
        let numbers: Vec<u32> = done.iter().map(|event| event.seq).collect();
        table.archived(subject, &numbers).await.map_err(ArchiveError::Table)?;
        left = rest;
    }
    Ok(u32::try_from(pending.len()).unwrap_or(u32::MAX))
}

/// How many of the events follow one another without a gap and fit one batch; at least one.
fn contiguous(events: &[StoredEvent]) -> usize {
    let mut size = 0;
    let follows = |pair: &[StoredEvent]| {
        size += pair[0].bytes.len() + 1;
        pair[1].seq == pair[0].seq + 1 && size + pair[1].bytes.len() < MAX_BATCH
    };
    1 + events.windows(2).map(follows).take_while(|follows| *follows).count()
}

/// The same bytes for the same events: no time and no name in the header.
fn pack(events: &[StoredEvent]) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    for event in events {
        gzip.write_all(&event.bytes)?;
        gzip.write_all(b"\n")?;
    }
    gzip.finish()
}

/// How many of the events a batch holds, if it holds exactly the first of them.
fn held(batch: &[u8], events: &[StoredEvent]) -> Option<usize> {
    let mut lines = Vec::new();
    let limit = u64::try_from(MAX_BATCH * 2).unwrap_or(u64::MAX);
    GzDecoder::new(batch).take(limit).read_to_end(&mut lines).ok()?;
    let lines = lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    let same = lines.len() <= events.len() && lines.iter().zip(events).all(|(line, event)| *line == event.bytes);
    same.then_some(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(numbers: &[u32]) -> Vec<StoredEvent> {
        let event = |seq: &u32| StoredEvent { seq: *seq, bytes: format!("{{\"seq\":{seq}}}").into_bytes(), pending: true };
        numbers.iter().map(event).collect()
    }

    #[test]
    fn a_batch_ends_at_a_gap() {
        fn check(numbers: &[u32], expect: usize) {
            assert_eq!(contiguous(&events(numbers)), expect, "{numbers:?}");
        }
        check(&[1], 1);
        check(&[1, 2, 3], 3);
        check(&[2, 4], 1);
        check(&[2, 3, 5, 6], 2);
    }

    #[test]
    fn a_batch_that_is_there_is_found_again_or_is_another() {
        fn check(there: &[u32], ours: &[u32], expect: Option<usize>) {
            let batch = pack(&events(there)).unwrap();
            assert_eq!(held(&batch, &events(ours)), expect, "{there:?} {ours:?}");
        }
        check(&[1, 2], &[1, 2], Some(2));
        check(&[1, 2], &[1, 2, 3], Some(2));
        check(&[1, 2, 3], &[1, 2], None);
        check(&[2], &[1], None);
        assert_eq!(held(b"rubbish", &events(&[1])), None);
        assert_eq!(pack(&events(&[1, 2])).unwrap(), pack(&events(&[1, 2])).unwrap());
    }
}
