//! The workflow as a view of the request: start it while the request is open, resume it once people decided.
//!
//! Each step may be repeated by anybody; that another was first is success.

use countersign_domain::time::Seconds;
use countersign_domain::{Status, Time};

use crate::ports::{Execution, PortError, Resumed, Table, Tokens, Workflow};
use crate::store::{Stored, Token, WorkflowMark};

/// The workflow is looked at after this. Each restart and each look that finds it running doubles the wait, up to an
/// hour: what runs costs nothing, and what fails over and over is not hammered.
const FIRST_LOOK: u32 = 60;
const LAST_LOOK: u32 = 3600;

/// A token is of no use after the workflow's hard limit.
const TOKEN_LIFE: Seconds = Seconds(91 * 24 * 3600);

/// Whether nobody waits in the workflow for people any more.
pub fn is_over(status: Status) -> bool {
    !status.is_open()
}

/// Starts the request's workflow if it was never started, or restarts it if it is not running although it should.
/// Gives the mark as it is now.
///
/// # Errors
/// When the workflow service does not answer.
pub async fn start<W: Workflow>(workflow: &W, stored: &Stored, now: Time) -> Result<WorkflowMark, PortError> {
    let mark = stored.workflow;
    if is_over(stored.request.status) || seen_lately(&mark, now) {
        return Ok(mark);
    }
    let id = &stored.request.id;
    let n = match workflow.describe(id, mark.n).await? {
        Execution::Running => {
            let looks = mark.seen.map_or(0, |_| mark.looks.saturating_add(1));
            return Ok(WorkflowMark { seen: Some(now), looks, ..mark });
        }
        Execution::Missing => mark.n,
        Execution::Ended => mark.n + 1,
    };
    workflow.start(id, n).await?;
    Ok(WorkflowMark { n, seen: Some(now), looks: 0, ..mark })
}

/// When the workflow is to be looked at again; `None` = now.
pub fn next_look(mark: &WorkflowMark) -> Option<Time> {
    let doublings = mark.n.saturating_add(mark.looks).min(6);
    let wait = FIRST_LOOK.saturating_mul(1 << doublings).min(LAST_LOOK);
    mark.seen.map(|seen| seen + Seconds(wait))
}

fn seen_lately(mark: &WorkflowMark, now: Time) -> bool {
    next_look(mark).is_some_and(|at| now < at)
}

/// What came of telling the workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was told, or had ended already.
    Done,
    /// It has not stored its token yet: whoever stores it will tell it.
    NoToken,
    /// The request is open or approved, and the token on record is not one of the service's. An alarm: somebody wrote
    /// it, and the task waits still.
    Invalid,
}

/// Tells the waiting workflow that the request is no longer open. Call after the commit.
///
/// # Errors
/// When the token table or the workflow service does not answer.
pub async fn tell<K: Tokens, W: Workflow>(
    tokens: &K,
    workflow: &W,
    stored: &Stored,
) -> Result<Told, PortError> {
    let request = &stored.request;
    let Some(token) = tokens.get(&request.id).await? else { return Ok(Told::NoToken) };
    match workflow.resume(&request.id, &token, request.status).await? {
        Resumed::Resumed | Resumed::Closed => Ok(Told::Done),
        // Once nothing can come of the request any more, nobody waits for it either.
        Resumed::InvalidToken if !request.status.is_live() => Ok(Told::Done),
        Resumed::InvalidToken => Ok(Told::Invalid),
    }
}

/// Stores a task's token, then looks whether the request ended meanwhile: then it is told at once, because nobody
/// else will be.
///
/// # Errors
/// When a table or the workflow service does not answer.
pub async fn keep<T: Table, K: Tokens, W: Workflow>(
    table: &T,
    tokens: &K,
    workflow: &W,
    id: &countersign_domain::RequestId,
    token: &Token,
    now: Time,
) -> Result<Option<Stored>, PortError> {
    tokens.put(id, token, now + TOKEN_LIFE).await?;
    let Some(stored) = table.state(id).await? else { return Ok(None) };
    if is_over(stored.request.status) {
        workflow.resume(id, token, stored.request.status).await?;
    }
    Ok(Some(stored))
}
