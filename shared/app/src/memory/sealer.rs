//! Who puts events into the log, in memory: a log of names over a table in memory. It halts, as the real one does, while
//! the table does not hold what the log holds; that a log's bytes are right is not its business.

use std::sync::Mutex;
use std::time::Duration;

use countersign_domain::RequestId;
use countersign_domain::event::Fact;
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::review::Outcome;

use super::table::Kept;
use super::{Faults, MemoryTable, Op, lock};
use crate::ports::{PortError, Seal, SealError, Sealer};

/// A log over a table in memory.
#[derive(Debug)]
pub struct MemorySealer {
    /// What goes wrong next.
    pub faults: Faults,
    table: MemoryTable,
    log: Mutex<Vec<(Subject, u32)>>,
}

impl MemorySealer {
    /// The empty log of this table.
    pub fn new(table: &MemoryTable) -> Self {
        Self { faults: Faults::default(), table: table.clone(), log: Mutex::default() }
    }

    /// Whether the log holds this event of the request.
    pub fn holds(&self, id: &RequestId, seq: u32) -> bool {
        lock(&self.log).contains(&(Subject::Request(id.clone()), seq))
    }

    fn seal_now(&self, id: &RequestId) -> Result<Seal, SealError> {
        let (mut log, mut table) = (lock(&self.log), self.table.inner());
        let is_at = |place: usize, (subject, seq): &(Subject, u32)| {
            let kept = table.events.get(subject).and_then(|events| events.get(seq));
            kept.is_some_and(|kept| kept.index == u64::try_from(place).ok())
        };
        if !log.iter().enumerate().all(|(place, event)| is_at(place, event)) {
            return Err(SealError::Halted);
        }
        let subject = Subject::Request(id.clone());
        let Some(events) = table.events.get_mut(&subject) else {
            return Err(SealError::Unavailable("RequestNotFound".into()));
        };
        for (seq, kept) in events.iter_mut().filter(|(_, kept)| kept.index.is_none()) {
            kept.index = u64::try_from(log.len()).ok();
            log.push((subject.clone(), *seq));
        }
        let decision = events.iter().rev().find(|(_, kept)| lets_run(kept));
        let receipt = decision.map(|(seq, kept)| {
            format!("{id}.{seq} is at {} of {}", kept.index.unwrap_or_default(), log.len())
        });
        Ok(Seal { events: u32::try_from(events.len()).unwrap_or(u32::MAX), receipt })
    }
}

fn lets_run(kept: &Kept) -> bool {
    match Leaf::parse(&kept.bytes).map(|leaf| leaf.event.fact) {
        Ok(Fact::Approved { .. }) => true,
        Ok(Fact::Evaluated { evaluation, .. }) => matches!(evaluation.outcome, Outcome::Allow { .. }),
        _ => false,
    }
}

impl Sealer for MemorySealer {
    async fn seal(&self, id: &RequestId, within: Duration) -> Result<Seal, SealError> {
        let sealed = self.faults.around(Op::Seal, || Ok(self.seal_now(id)));
        match tokio::time::timeout(within, sealed).await {
            Ok(Ok(sealed)) => sealed,
            Ok(Err(PortError::Unavailable(why))) => Err(SealError::Unavailable(why)),
            Ok(Err(other)) => Err(SealError::Unavailable(other.to_string())),
            Err(_) => Err(SealError::Unavailable("no answer in time".into())),
        }
    }
}
