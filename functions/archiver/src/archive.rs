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

/// Writes every pending event of the subject to the archive and marks it. Gives how many it marked.
///
/// A batch is marked from its last event to its first: whoever reads in between finds the batch's first event pending,
/// and with it the key of the batch. In the other order they would write its rest a second time.
pub async fn archive<T: Table, A: Archive>(
    table: &T,
    archive: &A,
    subject: &Subject,
) -> Result<u32, ArchiveError> {
    let read = async || table.events(subject).await.map_err(ArchiveError::Table);
    let mut events = read().await?;
    let (mut from, mut done) = (0, 0);
    while let Some(first) = (from..events.len()).find(|i| events[*i].pending) {
        let batch = &events[first..first + contiguous(&events[first..])];
        let key = format!("events/{subject}/{:06}.jsonl.gz", batch[0].seq);
        let packed = pack(batch).map_err(ArchiveError::Packing)?;
        let there = archive.put_if_absent(&key, packed).await.map_err(ArchiveError::Bucket)?;
        let count = match there {
            None => batch.len(),
            Some(bytes) => match held(&bytes, &events[first..]) {
                Some(count) => count,
                // Whoever wrote it may have read an event that came since.
                None => {
                    events = read().await?;
                    held(&bytes, &events[first..]).ok_or(ArchiveError::Differs(key))?
                }
            },
        };
        from = first + count;
        let numbers: Vec<u32> = events[first..from].iter().rev().map(|event| event.seq).collect();
        table.archived(subject, &numbers).await.map_err(ArchiveError::Table)?;
        done += numbers.len();
    }
    Ok(u32::try_from(done).unwrap_or(u32::MAX))
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
    let mut lines = Vec::new();
    let limit = u64::try_from(MAX_BATCH * 2).unwrap_or(u64::MAX);
    GzDecoder::new(batch).take(limit).read_to_end(&mut lines).ok()?;
    let lines = lines.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    let same =
        lines.len() <= events.len() && lines.iter().zip(events).all(|(line, event)| *line == event.bytes);
    same.then_some(lines.len())
}

#[cfg(test)]
mod tests {
    use countersign_app::commit::{self, NewRequest};
    use countersign_app::memory::{MemoryArchive, MemoryTable};
    use countersign_app::sample;
    use countersign_app::store::AgentRecord;
    use countersign_domain::Code;

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
        assert_eq!(contiguous(&marked), 1, "what is marked is in a batch");
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

    #[tokio::test]
    async fn what_another_wrote_is_found_and_marked_and_not_written_again() {
        let (table, bucket) = (MemoryTable::default(), MemoryArchive::default());
        let (id, ask, agent) = (sample::id(1), sample::ask("s3://reports"), AgentRecord::default());
        let create = sample::create(&id, "deploy", &ask, sample::deny(Code::PolicyDenied));
        let idempotency = sample::idempotency("deploy", "key", &id);
        let new = NewRequest { create, ask: &ask, agent: &agent, idempotency };
        commit::create(&table, sample::SOURCE, new, sample::at(0)).await.unwrap();
        let subject = Subject::Request(id);
        let events = table.events(&subject).await.unwrap();
        assert_eq!(events.len(), 3);
        let key = |seq: u32| format!("events/{subject}/{seq:06}.jsonl.gz");

        // All three are in one batch, and whoever wrote it stopped before it had marked the first.
        bucket.put_if_absent(&key(1), pack(&events).unwrap()).await.unwrap();
        table.archived(&subject, &[3, 2]).await.unwrap();
        assert_eq!(archive(&table, &bucket, &subject).await.unwrap(), 3);
        assert_eq!(bucket.objects().keys().collect::<Vec<_>>(), [&key(1)]);
        assert!(table.events(&subject).await.unwrap().iter().all(|event| !event.pending));
        assert_eq!(archive(&table, &bucket, &subject).await.unwrap(), 0);
    }
}
