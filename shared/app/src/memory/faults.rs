//! What a test does to a port: the next call of an operation fails, is done without an answer, or waits to be let go.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::lock;
use crate::ports::PortError;

/// One operation of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named after the methods of the ports")]
pub enum Op {
    State,
    Whole,
    Events,
    Commit,
    Agent,
    CommitAgent,
    Idempotency,
    Cooling,
    Remember,
    Seen,
    SetView,
    Due,
    Live,
    OfAgent,
    ClaimCard,
    ReleaseCard,
    Pending,
    Unlist,
    LogHead,
    Unsealed,
    Leaves,
    CommitLog,
    Published,
    Line,
    Recovered,
    Propose,
    Record,
    PutToken,
    GetToken,
    Start,
    Describe,
    Resume,
    Publish,
    PutIfAbsent,
    Oldest,
    Current,
    Replace,
    Derive,
    Sign,
    PublicKey,
    Seal,
    Observed,
    Observe,
}

/// The faults of one port. None to begin with. A clone has the same ones.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    next: BTreeMap<Op, VecDeque<Fault>>,
    down: bool,
    latency: std::time::Duration,
    calls: BTreeMap<Op, u32>,
}

#[derive(Debug)]
enum Fault {
    Fail(PortError),
    Lose,
    Hold { reached: oneshot::Sender<()>, go: oneshot::Receiver<()> },
}

/// A call that waits. It goes on when this is released or dropped.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is there. It has done nothing yet.
    pub async fn reached(&mut self) {
        // An error says that nobody will come: then there is nothing to wait for.
        let _ = (&mut self.reached).await;
    }

    /// Lets the call go on.
    pub fn release(self) {
        let _ = self.go.send(());
    }
}

impl Faults {
    /// Makes the next call of `op` fail without doing anything. Several faults of one operation queue up.
    pub fn fail_next(&self, op: Op, error: PortError) {
        self.queue(op, Fault::Fail(error));
    }

    /// Makes the next call of `op` do its work and report that nobody answered.
    pub fn lose_next(&self, op: Op) {
        self.queue(op, Fault::Lose);
    }

    /// Makes the next call of `op` wait before it does anything.
    pub fn hold_next(&self, op: Op) -> Held {
        let (reached, is_reached) = oneshot::channel();
        let (let_go, go) = oneshot::channel();
        self.queue(op, Fault::Hold { reached, go });
        Held { reached: is_reached, go: let_go }
    }

    /// Makes every call fail until it is set to `false` again.
    pub fn set_down(&self, down: bool) {
        lock(&self.0).down = down;
    }

    /// Makes every call take so long from now on.
    pub fn set_latency(&self, latency: std::time::Duration) {
        lock(&self.0).latency = latency;
    }

    /// Takes back every fault that has not come yet.
    pub fn clear(&self) {
        lock(&self.0).next.clear();
    }

    /// How often `op` was called, failed calls too.
    pub fn calls(&self, op: Op) -> u32 {
        lock(&self.0).calls.get(&op).copied().unwrap_or(0)
    }

    fn queue(&self, op: Op, fault: Fault) {
        lock(&self.0).next.entry(op).or_default().push_back(fault);
    }

    /// Does `act` as the call of `op`, unless a fault says otherwise. Others get their turn first, as they would on
    /// the way to a real service.
    pub(super) async fn around<R: Send>(
        &self,
        op: Op,
        act: impl FnOnce() -> Result<R, PortError> + Send,
    ) -> Result<R, PortError> {
        let latency = lock(&self.0).latency;
        match latency.is_zero() {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(latency).await,
        }
        let (fault, down) = self.begin(op);
        if down {
            return Err(PortError::Unavailable(format!("{op:?}: down")));
        }
        match fault {
            None => act(),
            Some(Fault::Fail(error)) => Err(error),
            Some(Fault::Lose) => {
                act()?;
                Err(PortError::Unavailable(format!("{op:?}: no answer")))
            }
            Some(Fault::Hold { reached, go }) => {
                let _ = reached.send(());
                let _ = go.await;
                act()
            }
        }
    }

    fn begin(&self, op: Op) -> (Option<Fault>, bool) {
        let mut inner = lock(&self.0);
        *inner.calls.entry(op).or_default() += 1;
        let down = inner.down;
        let fault = if down { None } else { inner.next.get_mut(&op).and_then(VecDeque::pop_front) };
        (fault, down)
    }
}
