//! Evidence: whether the log holds why a request may run, and the receipt that says so. Knows no rule of a request's
//! life.

use std::time::Duration;

use countersign_app::ports::{Seal, SealError, Sealer, Table};
use countersign_app::store::Stored;
use countersign_domain::leaf::Subject;
use countersign_domain::{Code, Status};
use countersign_http::Problem;
use tokio::time::Instant;

use crate::app::App;

/// How long a call may take until it stops waiting for the log. The function has 29 s and the API 30 s.
const IN_ALL: Duration = Duration::from_secs(24);

/// What is kept of that for what comes after the first seal: the commit, and the second.
const FOR_THE_REST: Duration = Duration::from_secs(12);

/// How long a reader waits for a receipt.
const FOR_A_READER: Duration = Duration::from_secs(2);

/// Until when a call waits for the log.
pub struct Patience(Instant);

impl Patience {
    /// Of a call that begins now.
    pub fn begins() -> Self {
        Self(Instant::now() + IN_ALL)
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// What is left for who has more to do afterwards.
    pub fn left_at_first(&self) -> Duration {
        self.left().saturating_sub(FOR_THE_REST)
    }
}

/// Has all of the request as it is here put into the log, and gives the receipt of the decision that lets it run.
pub async fn sealed<T, W, S: Sealer>(
    app: &App<T, W, S>,
    stored: &Stored,
    within: Duration,
) -> Result<String, Problem> {
    let id = &stored.request.id;
    let why = match app.sealer.seal(id, within).await {
        Ok(Seal { events, receipt: Some(receipt) }) if events >= stored.version() => return Ok(receipt),
        Ok(_) => {
            tracing::error!(request.id = %id, "the log does not hold a decision as the table has it");
            let detail = "the log does not hold this decision; nothing was released";
            return Err(Problem::new(Code::NotSealed, detail));
        }
        Err(error) => {
            tracing::error!(request.id = %id, error = %error, "a request could not be sealed");
            match error {
                SealError::Halted => "the log is halted until a person has looked",
                SealError::Unavailable(_) => "the archive does not answer",
            }
        }
    };
    Err(Problem::new(Code::AuditUnavailable, format!("{why}; nothing was released: repeat the same attempt")))
}

/// Whether a request in this status has a decision that lets or let it run.
pub fn has_one(status: Status) -> bool {
    use Status::{Approved, Consumed, Failed, Succeeded, Unknown};
    matches!(status, Approved | Consumed | Succeeded | Failed | Unknown)
}

/// The receipt for a reader. The archiver is asked only where the table says that the decision is in the log; a reader
/// who does not get one now gets it later.
pub async fn receipt<T: Table, W, S: Sealer>(app: &App<T, W, S>, stored: &Stored) -> Option<String> {
    let (id, decided) = (&stored.request.id, stored.request.decided.as_ref()?);
    let events = app.table.events(&Subject::Request(id.clone())).await.ok()?;
    events.iter().find(|event| event.seq == decided.change.seq)?.index?;
    match app.sealer.seal(id, FOR_A_READER).await {
        Ok(seal) => seal.receipt,
        Err(error) => {
            tracing::warn!(request.id = %id, error = %error, "a reader gets no receipt");
            None
        }
    }
}
