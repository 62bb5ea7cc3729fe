//! From an event to the subjects that need a look, and which of them must come again.

use countersign_app::clock::now;
use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::ports::{PortError, Table};
use countersign_domain::Time;
use countersign_domain::leaf::Subject;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::app::App;
use crate::heal::{heal, void};

/// How many due requests a sweep asks for at a time, and how long it goes on, in milliseconds.
const BATCH: u32 = 50;
const SWEEP_FOR: u64 = 40_000;

/// Why a sweep failed, or an event was not one.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Neither a batch of the stream nor a sweep.
    #[error("the event is neither a batch of the stream nor {{\"sweep\": true}}")]
    InvalidInput,
    /// The table does not answer.
    #[error("{0}")]
    StorageUnavailable(#[from] PortError),
}

impl From<RelayError> for Diagnostic {
    fn from(error: RelayError) -> Self {
        let error_type = match error {
            RelayError::InvalidInput => "InvalidInput",
            RelayError::StorageUnavailable(_) => "StorageUnavailable",
        };
        Diagnostic { error_type: error_type.into(), error_message: error.to_string() }
    }
}

/// Handles one event.
pub async fn handle(app: &App, event: Value) -> Result<Value, RelayError> {
    match Doorbell::of(&event) {
        Doorbell::Sweep => sweep(app, now()).await,
        Doorbell::Unknown => Err(RelayError::InvalidInput),
        Doorbell::Rang(subjects) => {
            let mut failed = Vec::new();
            for (subject, number) in subjects {
                if let Err(error) = look(app, &subject).await {
                    tracing::warn!(subject = %subject, error = %error, "a subject must come again");
                    failed.push(number);
                }
            }
            Ok(failures(failed))
        }
    }
}

async fn look(app: &App, subject: &Subject) -> Result<(), PortError> {
    match subject {
        Subject::Request(id) => heal(app, id).await,
        Subject::Agent(id) => void(app, id).await,
    }
}

/// Looks at what is due. One that fails does not hold up the others: it stays due.
async fn sweep(app: &App, started: Time) -> Result<Value, RelayError> {
    let (mut healed, mut failed) = (0_u32, 0_u32);
    let mut seen = std::collections::BTreeSet::new();
    loop {
        // What failed, or stands in the index still, must not hide what comes after it.
        let due = app.table.due(started, BATCH + healed + failed).await?;
        let fresh: Vec<_> = due.into_iter().filter(|id| seen.insert(id.clone())).collect();
        if fresh.is_empty() || now().millis_since(started) > SWEEP_FOR {
            break;
        }
        for id in fresh {
            match heal(app, &id).await {
                Ok(()) => healed += 1,
                Err(error) => {
                    failed += 1;
                    tracing::warn!(request.id = %id, error = %error, "a due request could not be healed");
                }
            }
        }
    }
    tracing::info!(healed, failed, "a sweep ended");
    Ok(json!({"healed": healed, "failed": failed}))
}
