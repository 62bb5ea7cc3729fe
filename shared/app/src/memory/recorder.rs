//! Who has the log say something of itself, in memory: it keeps what it was told. That a log's bytes are right is not its
//! business.

use std::sync::Mutex;
use std::time::Duration;

use super::{Faults, Op, lock};
use crate::ports::{PortError, Recorder, SealError};
use crate::record::{Record, Recorded};

/// It numbers what it was told.
#[derive(Debug, Default)]
pub struct MemoryRecorder {
    /// What goes wrong next. A conflict stands for a halted log.
    pub faults: Faults,
    told: Mutex<Vec<Record>>,
}

impl MemoryRecorder {
    /// All that it was told.
    pub fn told(&self) -> Vec<Record> {
        lock(&self.told).clone()
    }
}

impl Recorder for MemoryRecorder {
    async fn record(&self, record: &Record, within: Duration) -> Result<Recorded, SealError> {
        let tell = || {
            let mut told = lock(&self.told);
            told.push(record.clone());
            let size = told.len() as u64;
            Ok(Recorded {
                origin: crate::sample::origin().to_string(),
                receipt: format!("{size} records"),
                index: size - 1,
                size,
            })
        };
        match tokio::time::timeout(within, self.faults.around(Op::Record, tell)).await {
            Ok(Ok(recorded)) => Ok(recorded),
            Ok(Err(PortError::Conflict)) => Err(SealError::Halted),
            Ok(Err(error)) => Err(SealError::Unavailable(error.to_string())),
            Err(_) => Err(SealError::Unavailable("no answer in time".into())),
        }
    }
}
