//! From an event to the subjects whose events go into the log.

use std::collections::BTreeSet;

use countersign_app::clock::now;
use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::log::Stray;
use countersign_app::metrics::Swept;
use countersign_app::ports::{Archive, Ledger, PortError, Signer, Table};
use countersign_app::record::Record;
use countersign_domain::RequestId;
use countersign_domain::leaf::Subject;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::log::{Halt, LogError, Logs};

/// How many pending events a sweep looks at, and how long it goes on, in milliseconds.
const BATCH: u32 = 200;
const SWEEP_FOR: u64 = 40_000;

/// Why a function call failed. The names are those that the workflow catches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiverError {
    /// Not an event of this function.
    #[error(
        "the event is neither a batch of the stream, nor {{\"sweep\": true}}, nor {{\"seal\": <request id>}}, nor {{\"record\": …}}"
    )]
    InvalidInput,
    /// There is no such request.
    #[error("there is no such request")]
    RequestNotFound,
    /// The bucket or the key does not answer.
    #[error("{0}")]
    ArchiveUnavailable(LogError),
    /// The table does not answer.
    #[error("{0}")]
    StorageUnavailable(PortError),
    /// Something is not as the log made it. A person has to look.
    #[error("{0}")]
    LogHalted(Halt),
}

impl From<ArchiverError> for Diagnostic {
    fn from(error: ArchiverError) -> Self {
        let error_type = match error {
            ArchiverError::InvalidInput => "InvalidInput",
            ArchiverError::RequestNotFound => "RequestNotFound",
            ArchiverError::ArchiveUnavailable(_) => "ArchiveUnavailable",
            ArchiverError::StorageUnavailable(_) => "StorageUnavailable",
            ArchiverError::LogHalted(_) => "LogHalted",
        };
        Diagnostic { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl From<LogError> for ArchiverError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Table(error) => ArchiverError::StorageUnavailable(error),
            LogError::Halted(halt) => ArchiverError::LogHalted(halt),
            other => ArchiverError::ArchiveUnavailable(other),
        }
    }
}

/// What is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// A sweep ended.
    Swept(Swept),
    /// The log is halted.
    Halted,
}

/// Handles one event. `report` is told what a sweep did, and when the log is halted.
pub async fn handle<T, A, S>(
    log: &Logs<T, A, S>,
    event: Value,
    report: impl Fn(Report),
) -> Result<Value, ArchiverError>
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    let failed = |error: LogError| {
        if let LogError::Halted(halt) = &error {
            tracing::error!(halt = %halt, "the log is halted");
            report(Report::Halted);
        }
        error
    };
    if let Some(id) = event.get("seal") {
        let id: RequestId = serde_json::from_value(id.clone()).map_err(|_| ArchiverError::InvalidInput)?;
        return seal(log, id, failed).await;
    }
    if let Some(told) = event.get("record") {
        return record(log, told, failed).await;
    }
    match Doorbell::of(&event) {
        Doorbell::Sweep => {
            sweep(log, |swept| report(Report::Swept(swept))).await.map_err(|error| failed(error).into())
        }
        Doorbell::Unknown => Err(ArchiverError::InvalidInput),
        Doorbell::Rang(rang) => {
            let subjects: BTreeSet<_> = rang.keys().cloned().collect();
            match log.archive(&subjects, now()).await.map_err(failed) {
                Ok(_) => Ok(failures(Vec::new())),
                Err(error) => {
                    tracing::warn!(error = %error, "a batch of the stream must come again");
                    Ok(failures(rang.into_values().collect()))
                }
            }
        }
    }
}

/// Makes sure that every event of the request so far is in the log and published, and gives the receipt.
async fn seal<T, A, S>(
    log: &Logs<T, A, S>,
    id: RequestId,
    failed: impl Fn(LogError) -> LogError,
) -> Result<Value, ArchiverError>
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    let stored = log.table.state(&id).await.map_err(ArchiverError::StorageUnavailable)?;
    let stored = stored.ok_or(ArchiverError::RequestNotFound)?;
    let subject = Subject::Request(id.clone());
    log.archive(&BTreeSet::from([subject.clone()]), now()).await.map_err(&failed)?;
    let receipt = log.receipt(&subject).await.map_err(&failed)?;
    tracing::info!(request.id = %id, events = stored.version(), "a request was sealed");
    Ok(json!({
        "id": id,
        "status": stored.request.status,
        "events": stored.version(),
        "receipt": receipt.as_ref().map(|receipt| &receipt.text),
        "index": receipt.as_ref().map(|receipt| receipt.index),
        "size": receipt.as_ref().map(|receipt| receipt.size),
    }))
}

/// Has the log say something of itself, and gives the receipt.
async fn record<T, A, S>(
    log: &Logs<T, A, S>,
    told: &Value,
    failed: impl Fn(LogError) -> LogError,
) -> Result<Value, ArchiverError>
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    let told: Record = serde_json::from_value(told.clone()).map_err(|_| ArchiverError::InvalidInput)?;
    let recorded = match told {
        Record::Exported(data) => {
            let fact = Record::exported(&data).ok_or(ArchiverError::InvalidInput)?;
            log.say(fact, now()).await
        }
        Record::Recovered(wanted) if wanted.by[0].person == wanted.by[1].person => {
            return Err(ArchiverError::InvalidInput);
        }
        Record::Recovered(wanted) => log.recover(&wanted, now()).await,
    };
    Ok(json!(recorded.map_err(failed)?))
}

/// Takes in what the stream did not bring, finishes what was left unfinished, and shows that the log is alive.
async fn sweep<T, A, S>(log: &Logs<T, A, S>, report: impl Fn(Swept)) -> Result<Value, LogError>
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    let mut swept = Swept { looked: 0, failures: 0 };
    let done = take_in(log, &mut swept).await;
    let beat = match &done {
        Err(LogError::Halted(_)) => Ok(()),
        _ => log.beat(now()).await,
    };
    swept.failures += usize::from(beat.is_err());
    report(swept);
    tracing::info!(archived = done.as_ref().ok(), failures = swept.failures, "a sweep ended");
    beat?;
    Ok(json!({"archived": done?}))
}

/// Gives how many it took in, or the last reason why there were fewer.
async fn take_in<T, A, S>(log: &Logs<T, A, S>, swept: &mut Swept) -> Result<u64, LogError>
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    let (started, mut archived, mut failed) = (now(), 0, None);
    let (mut cursor, mut seen) = (None, BTreeSet::new());
    loop {
        if now().millis_since(started) > SWEEP_FOR {
            swept.failures += 1;
            break;
        }
        let part = log.table.pending(cursor.as_deref(), BATCH).await.map_err(|error| {
            swept.failures += 1;
            LogError::Table(error)
        })?;
        let fresh = part.subjects.into_iter().filter(|subject| seen.insert(subject.clone())).collect();
        let (taken, errors) = each(log, fresh, part.strays, swept).await;
        archived += taken;
        failed = errors.or(failed);
        cursor = part.next;
        if cursor.is_none() || matches!(failed, Some(LogError::Halted(_))) {
            break;
        }
    }
    failed.map_or(Ok(archived), Err)
}

/// Takes in these subjects' events: all at once, or else those of each, so that one hides no other. What is no event goes
/// in as its hash, once.
async fn each<T, A, S>(
    log: &Logs<T, A, S>,
    subjects: BTreeSet<Subject>,
    strays: Vec<Stray>,
    swept: &mut Swept,
) -> (u64, Option<LogError>)
where
    T: Table + Ledger,
    A: Archive,
    S: Signer,
{
    swept.looked += subjects.len() + strays.len();
    let mut failed = None;
    let mut fail = |error: LogError| {
        swept.failures += 1;
        tracing::error!(error = %error, "events could not be archived");
        failed = Some(error);
    };
    for stray in strays {
        if let Err(error) = log.quarantine(&stray, now()).await {
            fail(error);
        }
    }
    let mut archived = 0;
    match log.archive(&subjects, now()).await {
        Ok(taken) => archived += taken,
        // It may be one of them; a bucket that is away, or a halt, is all of them.
        Err(LogError::Table(_)) if subjects.len() > 1 => {
            for subject in subjects {
                match log.archive(&BTreeSet::from([subject.clone()]), now()).await {
                    Ok(taken) => archived += taken,
                    Err(error) => {
                        tracing::error!(subject = %subject, "a subject's events could not be archived");
                        fail(error);
                    }
                }
            }
        }
        Err(error) => fail(error),
    }
    (archived, failed)
}
