//! An archive in memory: objects that are written once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{Faults, Op, lock};
use crate::ports::{Archive, PortError};

/// An archive in memory.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    /// What goes wrong next.
    pub faults: Faults,
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryArchive {
    /// Every object by its key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        lock(&self.objects).clone()
    }

    /// Puts an object there as somebody else would, over whatever is there.
    pub fn overwrite(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        lock(&self.objects).insert(key.to_owned(), bytes.into());
    }
}

impl Archive for MemoryArchive {
    async fn put_if_absent(&self, key: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, PortError> {
        let put = || {
            let mut objects = lock(&self.objects);
            if let Some(there) = objects.get(key) {
                return Ok(Some(there.clone()));
            }
            objects.insert(key.to_owned(), bytes);
            Ok(None)
        };
        self.faults.around(Op::PutIfAbsent, put).await
    }
}
