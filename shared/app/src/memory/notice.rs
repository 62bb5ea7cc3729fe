//! A topic in memory: keeps what would be sent.

use std::sync::Mutex;

use super::{Faults, Op, lock};
use crate::ports::{Notice, PortError};

/// A topic in memory.
#[derive(Debug, Default)]
pub struct MemoryNotice {
    /// What goes wrong next.
    pub faults: Faults,
    published: Mutex<Vec<Published>>,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

impl MemoryNotice {
    /// Every notice, oldest first.
    pub fn published(&self) -> Vec<Published> {
        lock(&self.published).clone()
    }
}

impl Notice for MemoryNotice {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), PortError> {
        let publish = || {
            lock(&self.published).push(Published { subject: subject.to_owned(), text: text.to_owned() });
            Ok(())
        };
        self.faults.around(Op::Publish, publish).await
    }
}
