//! The ports in memory, for tests of whoever uses them: the same meanings as the adapters', and faults on demand.
//!
//! One contract suite ([`crate::contract`]) runs over both, so that what a test learns here holds there. Nothing here
//! is linked into a function: the module stands behind the feature `memory`.

mod archive;
mod faults;
mod ledger;
mod listing;
mod notice;
mod observations;
mod recorder;
mod sealer;
mod secret;
mod signer;
mod table;
mod tokens;
mod workflow;
mod write;

pub use archive::MemoryArchive;
pub use faults::{Faults, Held, Op};
pub use notice::{MemoryNotice, Published};
pub use observations::MemoryObservations;
pub use recorder::MemoryRecorder;
pub use sealer::MemorySealer;
pub use secret::{MemorySecret, tokio_now};
pub use signer::LocalSigner;
pub use table::{MemoryTable, TableCopy};
pub use tokens::MemoryTokens;
pub use workflow::{MemoryWorkflow, Woken};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A test that panicked while it held the lock must not hide its own message behind another.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
