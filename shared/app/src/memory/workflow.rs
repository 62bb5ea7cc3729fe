//! A workflow service in memory: executions that were started, tasks that wait, and who woke them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use countersign_domain::{RequestId, Status};

use super::{Faults, Op, lock};
use crate::ports::{Execution, PortError, Resumed, Workflow};
use crate::store::Token;

/// A workflow service in memory. Executions run until a test ends them; no task waits until a test says so.
#[derive(Debug, Default)]
pub struct MemoryWorkflow {
    /// What goes wrong next.
    pub faults: Faults,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    executions: BTreeMap<(RequestId, u32), Execution>,
    waiting: BTreeMap<String, bool>,
    woken: Vec<Woken>,
}

/// A task that was resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woken {
    /// The request that it waited for.
    pub id: RequestId,
    /// The task's token.
    pub token: String,
    /// What it was told.
    pub status: Status,
}

impl MemoryWorkflow {
    /// A task waits under this token from now on.
    pub fn wait(&self, token: &str) {
        lock(&self.inner).waiting.insert(token.to_owned(), true);
    }

    /// The task of this token is over without having been resumed: it timed out, or was tried again.
    pub fn close(&self, token: &str) {
        lock(&self.inner).waiting.insert(token.to_owned(), false);
    }

    /// The request's execution number `n` is over.
    pub fn end(&self, id: &RequestId, n: u32) {
        lock(&self.inner).executions.insert((id.clone(), n), Execution::Ended);
    }

    /// Every execution that was started, with its number.
    pub fn started(&self) -> Vec<(RequestId, u32)> {
        lock(&self.inner).executions.keys().cloned().collect()
    }

    /// Every task that was resumed, oldest first.
    pub fn woken(&self) -> Vec<Woken> {
        lock(&self.inner).woken.clone()
    }
}

impl Workflow for MemoryWorkflow {
    async fn start(&self, id: &RequestId, n: u32) -> Result<(), PortError> {
        let start = || {
            lock(&self.inner).executions.entry((id.clone(), n)).or_insert(Execution::Running);
            Ok(())
        };
        self.faults.around(Op::Start, start).await
    }

    async fn describe(&self, id: &RequestId, n: u32) -> Result<Execution, PortError> {
        let describe = || {
            let inner = lock(&self.inner);
            Ok(inner.executions.get(&(id.clone(), n)).copied().unwrap_or(Execution::Missing))
        };
        self.faults.around(Op::Describe, describe).await
    }

    async fn resume(&self, id: &RequestId, token: &Token, status: Status) -> Result<Resumed, PortError> {
        let resume = || {
            let mut inner = lock(&self.inner);
            match inner.waiting.insert(token.token.clone(), false) {
                Some(true) => {
                    inner.woken.push(Woken { id: id.clone(), token: token.token.clone(), status });
                    Ok(Resumed::Resumed)
                }
                Some(false) => Ok(Resumed::Closed),
                None => {
                    inner.waiting.remove(&token.token);
                    Ok(Resumed::InvalidToken)
                }
            }
        };
        self.faults.around(Op::Resume, resume).await
    }
}
