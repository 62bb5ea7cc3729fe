//! From an event to the subjects whose events go into the archive.

use countersign_app::clock::now;
use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::metrics::Swept;
use countersign_app::ports::{Archive, PortError, Table};
use countersign_domain::RequestId;
use countersign_domain::leaf::Subject;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::app::App;
use crate::archive::{ArchiveError, archive};

/// How many pending events a sweep asks for at a time, and how long it goes on, in milliseconds.
const PAGE: u32 = 200;
const SWEEP_FOR: u64 = 40_000;

/// Why a function call failed. The names are those that the workflow catches.
#[derive(Debug, thiserror::Error)]
pub enum ArchiverError {
    /// Not an event of this function.
    #[error(
        "the event is neither a batch of the stream, nor {{\"sweep\": true}}, nor {{\"seal\": <request id>}}"
    )]
    InvalidInput,
    /// There is no such request.
    #[error("there is no such request")]
    RequestNotFound,
    /// The archive does not take it, or holds something else.
    #[error("{0}")]
    ArchiveUnavailable(ArchiveError),
    /// The table does not answer.
    #[error("{0}")]
    StorageUnavailable(PortError),
}

impl From<ArchiverError> for Diagnostic {
    fn from(error: ArchiverError) -> Self {
        let error_type = match error {
            ArchiverError::InvalidInput => "InvalidInput",
            ArchiverError::RequestNotFound => "RequestNotFound",
            ArchiverError::ArchiveUnavailable(_) => "ArchiveUnavailable",
            ArchiverError::StorageUnavailable(_) => "StorageUnavailable",
        };
        Diagnostic { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl From<ArchiveError> for ArchiverError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Table(error) => ArchiverError::StorageUnavailable(error),
            other => ArchiverError::ArchiveUnavailable(other),
        }
    }
}

/// Handles one event. `report` is told what a sweep did.
pub async fn handle<T: Table, A: Archive>(
    app: &App<T, A>,
    event: Value,
    report: impl Fn(Swept),
) -> Result<Value, ArchiverError> {
    if let Some(id) = event.get("seal") {
        let id: RequestId = serde_json::from_value(id.clone()).map_err(|_| ArchiverError::InvalidInput)?;
        return seal(app, id).await;
    }
    match Doorbell::of(&event) {
        Doorbell::Sweep => sweep(app, report).await,
        Doorbell::Unknown => Err(ArchiverError::InvalidInput),
        Doorbell::Rang(subjects) => {
            let mut failed = Vec::new();
            for (subject, number) in subjects {
                if let Err(error) = archive(&app.table, &app.archive, &subject).await {
                    tracing::warn!(subject = %subject, error = %error, "a subject must come again");
                    failed.push(number);
                }
            }
            Ok(failures(failed))
        }
    }
}

/// Makes sure that every event of the request so far is in the archive.
async fn seal<T: Table, A: Archive>(app: &App<T, A>, id: RequestId) -> Result<Value, ArchiverError> {
    let stored = app.table.state(&id).await.map_err(ArchiverError::StorageUnavailable)?;
    let stored = stored.ok_or(ArchiverError::RequestNotFound)?;
    archive(&app.table, &app.archive, &Subject::Request(id.clone())).await?;
    tracing::info!(request.id = %id, events = stored.version(), "a request was sealed");
    Ok(json!({"id": id, "status": stored.request.status, "events": stored.version()}))
}

async fn sweep<T: Table, A: Archive>(
    app: &App<T, A>,
    report: impl Fn(Swept),
) -> Result<Value, ArchiverError> {
    let started = now();
    let (mut archived, mut failed, mut cut) = (0_u32, 0_usize, false);
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor = None;
    'sweep: loop {
        let part = match app.table.pending(cursor.as_deref(), PAGE).await {
            Ok(part) => part,
            Err(error) => {
                report(Swept { looked: seen.len(), failures: failed + 1 });
                return Err(ArchiverError::StorageUnavailable(error));
            }
        };
        for subject in part.items {
            if now().millis_since(started) > SWEEP_FOR {
                cut = true;
                break 'sweep;
            }
            if !seen.insert(subject.clone()) {
                continue;
            }
            match archive(&app.table, &app.archive, &subject).await {
                Ok(events) => archived += events,
                Err(error) => {
                    failed += 1;
                    tracing::error!(subject = %subject, error = %error, "events could not be archived");
                }
            }
        }
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    report(Swept { looked: seen.len(), failures: failed + usize::from(cut) });
    tracing::info!(archived, failed, "a sweep ended");
    Ok(json!({"archived": archived, "failed": failed}))
}

#[cfg(test)]
mod tests {
    use countersign_app::commit::{NewRequest, With, create, execute};
    use countersign_app::memory::{MemoryArchive, MemoryTable};
    use countersign_app::sample::{self, SOURCE, at, id};
    use countersign_domain::Code;
    use countersign_domain::request::Command;

    use super::*;

    #[tokio::test]
    async fn a_subject_that_cannot_be_archived_hides_no_other() {
        let app = App { table: MemoryTable::default(), archive: MemoryArchive::default() };
        let (table, ask) = (&app.table, sample::ask("s3://b/"));
        for n in 1..=3 {
            let new = NewRequest {
                create: sample::create(&id(n), "deploy", &ask, sample::review(&[])),
                ask: &ask,
                agent: &table.agent(&sample::agent("deploy")).await.unwrap(),
                idempotency: sample::idempotency("deploy", &format!("key-{n}"), &id(n)),
            };
            create(table, SOURCE, new, at(0)).await.unwrap();
        }
        // More of its events than one page holds stand before those of the others.
        for n in 0..PAGE {
            let by = sample::agent(&format!("stranger-{n}"));
            let stored = table.state(&id(1)).await.unwrap().unwrap();
            let command = Command::RecordRefusedExecution { by, code: Code::Forbidden };
            execute(table, SOURCE, stored, command, With::default(), at(n)).await.unwrap();
        }
        app.archive.overwrite(&format!("events/{}/000001.jsonl.gz", id(1)), b"somebody else's".to_vec());
        let report = |swept| assert_eq!(swept, Swept { looked: 3, failures: 1 });
        let said = handle(&app, json!({"sweep": true}), report).await.unwrap();
        assert_eq!(said, json!({"archived": 4, "failed": 1}));
        let left = table.pending(None, 1000).await.unwrap().items;
        assert_eq!(left, [Subject::Request(id(1))]);
    }
}
