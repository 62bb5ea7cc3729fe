//! A witness's memory in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{Faults, Op, lock};
use crate::log::Observed;
use crate::ports::{Observations, PortError};

/// A table of observed checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryObservations {
    /// What goes wrong next.
    pub faults: Faults,
    newest: Mutex<BTreeMap<String, Observed>>,
}

impl Observations for MemoryObservations {
    async fn observed(&self, origin: &str) -> Result<Option<Observed>, PortError> {
        self.faults.around(Op::Observed, || Ok(lock(&self.newest).get(origin).cloned())).await
    }

    async fn observe(
        &self,
        origin: &str,
        read: Option<&Observed>,
        now: &Observed,
    ) -> Result<bool, PortError> {
        let observe = || {
            let mut newest = lock(&self.newest);
            let as_read = newest.get(origin) == read;
            if as_read {
                newest.insert(origin.to_owned(), now.clone());
            }
            Ok(as_read)
        };
        self.faults.around(Op::Observe, observe).await
    }
}
