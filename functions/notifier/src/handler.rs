//! One task of one workflow: `{"id", "n", "retry", "token"}`.
//!
//! The token is kept before anything else, and the request is looked at after it is kept: whoever ended the request
//! in between found no token, so the task is resumed here.

use countersign_app::clock::now;
use countersign_app::ports::{Ledger, Notice, PortError, Table, Tokens, Workflow};
use countersign_app::resume::{is_over, keep};
use countersign_app::stack::Stack;
use countersign_app::store::Token;
use countersign_chat::slack::Chat;
use countersign_domain::RequestId;
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the workflow passes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    id: RequestId,
    n: u32,
    retry: u32,
    token: String,
}

/// Why the task failed. The names are those that the workflow catches.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The event is not a task's.
    #[error("the event is not {{id, n, retry, token}}")]
    InvalidInput,
    /// There is no such request.
    #[error("there is no such request")]
    RequestNotFound,
    /// A table or the workflow service does not answer.
    #[error("{0}")]
    StorageUnavailable(PortError),
}

impl From<NotifierError> for Diagnostic {
    fn from(error: NotifierError) -> Self {
        let error_type = match error {
            NotifierError::InvalidInput => "InvalidInput",
            NotifierError::RequestNotFound => "RequestNotFound",
            NotifierError::StorageUnavailable(_) => "StorageUnavailable",
        };
        Diagnostic { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl From<PortError> for NotifierError {
    fn from(error: PortError) -> Self {
        tracing::error!(error = %error, "a task of the workflow failed");
        NotifierError::StorageUnavailable(error)
    }
}

/// Handles one task. That chat is down is no failure: relay tries the cards again.
pub async fn handle<T, K, W, S, N>(stack: &Stack<T, K, W, S, N>, event: Value) -> Result<Value, NotifierError>
where
    T: Table + Ledger,
    K: Tokens,
    W: Workflow,
    S: Chat,
    N: Notice,
{
    let task: Task = serde_json::from_value(event).map_err(|_| NotifierError::InvalidInput)?;
    let now = now();
    let token = Token { n: task.n, retry: task.retry, token: task.token };
    let stored = keep(&stack.table, &stack.tokens, &stack.workflow, &task.id, &token, now).await?;
    let stored = stored.ok_or(NotifierError::RequestNotFound)?;
    if is_over(stored.request.status) {
        return Ok(json!({"posted": false}));
    }
    let policy = stack.policy.current().ok();
    let converged = stack.cards(policy.as_deref()).converge(&task.id, now).await?;
    tracing::info!(request.id = %task.id, n = task.n, retry = task.retry, "a workflow waits for people");
    Ok(json!({"posted": converged.is_some_and(|c| c.due.is_none())}))
}
