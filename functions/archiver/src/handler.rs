//! From an event to the subjects whose events go into the archive.

use countersign_app::clock::now;
use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::ports::{Archive, PortError, Table};
use countersign_domain::RequestId;
use countersign_domain::leaf::Subject;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::app::App;
use crate::archive::{ArchiveError, archive};

/// How many pending events a sweep looks at, and how long it goes on, in milliseconds.
const BATCH: u32 = 200;
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

/// Handles one event.
pub async fn handle<T: Table, A: Archive>(app: &App<T, A>, event: Value) -> Result<Value, ArchiverError> {
    if let Some(id) = event.get("seal") {
        let id: RequestId = serde_json::from_value(id.clone()).map_err(|_| ArchiverError::InvalidInput)?;
        return seal(app, id).await;
    }
    match Doorbell::of(&event) {
        Doorbell::Sweep => sweep(app).await,
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

async fn sweep<T: Table, A: Archive>(app: &App<T, A>) -> Result<Value, ArchiverError> {
    let started = now();
    let (mut archived, mut failed) = (0_u32, 0_u32);
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let limit = BATCH + failed;
        let pending = app.table.pending(limit).await.map_err(ArchiverError::StorageUnavailable)?;
        let fresh: Vec<_> = pending.into_iter().filter(|subject| seen.insert(subject.clone())).collect();
        if fresh.is_empty() || now().millis_since(started) > SWEEP_FOR {
            break;
        }
        for subject in fresh {
            match archive(&app.table, &app.archive, &subject).await {
                Ok(events) => archived += events,
                Err(error) => {
                    failed += 1;
                    tracing::error!(subject = %subject, error = %error, "events could not be archived");
                }
            }
        }
    }
    tracing::info!(archived, failed, "a sweep ended");
    Ok(json!({"archived": archived, "failed": failed}))
}
