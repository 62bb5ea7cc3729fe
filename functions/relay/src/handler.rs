//! From an event to the subjects that need a look, and which of them must come again.

use countersign_app::doorbell::{Doorbell, failures};
use countersign_app::metrics::Swept;
use countersign_app::ports::{Ledger, Notice, PortError, Table, Tokens, Workflow};
use countersign_app::stack::Stack;
use countersign_chat::slack::Chat;
use countersign_domain::Time;
use countersign_domain::time::Seconds;
use futures::{StreamExt as _, stream};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::heal::{Healer, Outcome, SOON};
use crate::round::Round;

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

/// Handles one event. `now` is the clock; `report` is told what a sweep did.
pub async fn handle<T, K, W, S, N>(
    stack: &Stack<T, K, W, S, N>,
    event: Value,
    now: impl Fn() -> Time,
    report: impl Fn(Swept),
) -> Result<Value, RelayError>
where
    T: Table + Ledger,
    K: Tokens,
    W: Workflow,
    S: Chat,
    N: Notice,
{
    match Doorbell::of(&event) {
        Doorbell::Unknown => Err(RelayError::InvalidInput),
        Doorbell::Sweep => {
            let until = now();
            let healer = Healer::new(stack, now, Seconds(0));
            let round = healer.round(healer.due(until).chain(healer.voided(until))).await;
            report(round.swept());
            said(round)
        }
        Doorbell::Rang(subjects) => {
            let healer = Healer::new(stack, now, SOON);
            let round = healer.round(stream::iter(subjects.keys().cloned().map(Ok))).await;
            let mut failed = subjects;
            failed.retain(|subject, _| round.outcomes.get(subject).is_none_or(|o| *o == Outcome::Failed));
            Ok(failures(failed.into_values().collect()))
        }
    }
}

/// What a sweep says. What could not be healed is due still.
fn said(round: Round) -> Result<Value, RelayError> {
    let healed = round.outcomes.values().filter(|outcome| **outcome == Outcome::Healed).count();
    let failed = round.outcomes.len() - healed;
    if round.cut {
        tracing::warn!(healed, failed, "time was up before the end of a sweep");
    }
    tracing::info!(healed, failed, "a sweep ended");
    round.broken.map_or(Ok(json!({"healed": healed, "failed": failed})), |error| Err(error.into()))
}
