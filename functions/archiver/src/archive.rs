//! A subject's pending events as append-only batches: `events/<subject>/<number of the first>.jsonl.gz`, line k of which
//! is byte for byte the event first + k.
//!
//! The key says where a batch begins and not where it ends, so a batch that was written and not marked is found again
//! by whoever comes next. Marks are set from the last event to the first: as long as a batch is not wholly marked its
//! first event is pending, so nobody begins a batch in the middle of another. Nothing is ever written twice.

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

/// Writes every pending event of the subject to the archive and marks it. Gives how many it marked.
pub async fn archive<T: Table, A: Archive>(
    table: &T,
    archive: &A,
    subject: &Subject,
) -> Result<u32, ArchiveError> {
    let mut marked = 0;
    loop {
        let events = table.events(subject).await.map_err(ArchiveError::Table)?;
        let Some(first) = events.iter().position(|event| event.pending) else { return Ok(marked) };
        let batch = &events[first..first + contiguous(&events[first..])];
        let key = format!("events/{subject}/{:06}.jsonl.gz", events[first].seq);
        let packed = pack(batch).map_err(ArchiveError::Packing)?;
        let held = match archive.put_if_absent(&key, packed).await.map_err(ArchiveError::Bucket)? {
            None => batch.len(),
            Some(there) => {
                // Another was faster, and may have known of more events than we did.
                let events = table.events(subject).await.map_err(ArchiveError::Table)?;
                held(&there, &events[first..]).ok_or(ArchiveError::Differs(key))?
            }
        };
        let numbers: Vec<u32> = (events[first].seq..).take(held).collect();
        marked += u32::try_from(held).unwrap_or(u32::MAX);
        let from_the_last: Vec<u32> = numbers.into_iter().rev().collect();
        table.archived(subject, &from_the_last).await.map_err(ArchiveError::Table)?;
    }
}

/// How many of the events are pending, follow one another without a gap and fit one batch; at least one.
fn contiguous(events: &[StoredEvent]) -> usize {
    let mut size = 0;
    let follows = |pair: &[StoredEvent]| {
        size += pair[0].bytes.len() + 1;
        pair[1].pending && pair[1].seq == pair[0].seq + 1 && size + pair[1].bytes.len() < MAX_BATCH
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
    let lines = unpack(batch)?;
    let same = !lines.is_empty()
        && lines.len() <= events.len()
        && lines.iter().zip(events).all(|(line, event)| *line == event.bytes);
    same.then_some(lines.len())
}

fn unpack(batch: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    let limit = u64::try_from(MAX_BATCH * 2).unwrap_or(u64::MAX);
    GzDecoder::new(batch).take(limit).read_to_end(&mut lines).ok()?;
    Some(lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use countersign_app::commit::{NewRequest, With, create, execute};
    use countersign_app::memory::{MemoryArchive, MemoryTable, Op};
    use countersign_app::sample;
    use countersign_domain::Code;
    use countersign_domain::request::Command;

    use super::*;

    fn events(numbers: &[u32]) -> Vec<StoredEvent> {
        let event = |seq: &u32| StoredEvent {
            seq: *seq,
            bytes: format!("{{\"seq\":{seq}}}").into_bytes(),
            pending: true,
        };
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
        let mut marked = events(&[1, 2, 3]);
        marked[1].pending = false;
        assert_eq!(contiguous(&marked), 1);
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

    /// A table with one request of two events, and the request's subject.
    async fn asked() -> (MemoryTable, Subject) {
        let table = MemoryTable::default();
        let (id, ask) = (sample::id(1), sample::ask("s3://b/"));
        let new = NewRequest {
            create: sample::create(&id, "deploy", &ask, sample::review(&[])),
            ask: &ask,
            agent: &table.agent(&sample::agent("deploy")).await.unwrap(),
            idempotency: sample::idempotency("deploy", "key", &id),
        };
        create(&table, "urn:test", new, sample::at(0)).await.unwrap();
        (table, Subject::Request(id))
    }

    /// One more event for the request.
    async fn more(table: &MemoryTable, n: u32) {
        let stored = table.state(&sample::id(1)).await.unwrap().unwrap();
        let by = sample::agent(&format!("stranger-{n}"));
        let command = Command::RecordRefusedExecution { by, code: Code::Forbidden };
        execute(table, "urn:test", stored, command, With::default(), sample::at(n)).await.unwrap();
    }

    async fn is_whole(table: &MemoryTable, bucket: &MemoryArchive, subject: &Subject) {
        let archived: Vec<_> = bucket.objects().values().flat_map(|batch| unpack(batch).unwrap()).collect();
        let events = table.events(subject).await.unwrap();
        assert!(events.iter().all(|event| !event.pending));
        assert_eq!(
            archived,
            events.into_iter().map(|event| event.bytes).collect::<Vec<_>>(),
            "each once, in order"
        );
    }

    #[tokio::test]
    async fn two_at_once_write_each_event_once() {
        let (table, subject) = asked().await;
        let bucket = MemoryArchive::default();
        // The slow one has read two events; the other comes after a third and writes all of them.
        let mut slow = bucket.faults.hold_next(Op::PutIfAbsent);
        let (first, ()) = tokio::join!(archive(&table, &bucket, &subject), async {
            slow.reached().await;
            more(&table, 1).await;
            archive(&table, &bucket, &subject).await.unwrap();
            slow.release();
        });
        first.unwrap();
        is_whole(&table, &bucket, &subject).await;
        more(&table, 2).await;
        let (one, two) = tokio::join!(archive(&table, &bucket, &subject), archive(&table, &bucket, &subject));
        one.and(two).unwrap();
        is_whole(&table, &bucket, &subject).await;
    }

    #[tokio::test]
    async fn a_batch_that_was_written_and_not_marked_is_not_written_again() {
        let (table, subject) = asked().await;
        let bucket = MemoryArchive::default();
        table.faults.fail_next(Op::Archived, PortError::Unavailable("down".into()));
        assert!(matches!(archive(&table, &bucket, &subject).await, Err(ArchiveError::Table(_))));
        more(&table, 1).await;
        // Half of the marks were set before the crash: from the last on.
        table.archived(&subject, &[2]).await.unwrap();
        archive(&table, &bucket, &subject).await.unwrap();
        is_whole(&table, &bucket, &subject).await;
        assert_eq!(bucket.objects().len(), 2);
    }

    #[tokio::test]
    async fn other_bytes_under_a_key_are_told_and_nothing_is_marked() {
        let (table, subject) = asked().await;
        let bucket = MemoryArchive::default();
        bucket.overwrite(&format!("events/{subject}/000001.jsonl.gz"), pack(&events(&[1])).unwrap());
        assert!(matches!(archive(&table, &bucket, &subject).await, Err(ArchiveError::Differs(_))));
        assert!(table.events(&subject).await.unwrap().iter().all(|event| event.pending));
    }
}
