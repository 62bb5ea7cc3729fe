//! An archive in memory: every version of every object. A delete marker is a version without bytes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{Faults, Op, lock};
use crate::log::{Current, Keep};
use crate::ports::{Archive, PortError};

/// An archive in memory.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    /// What goes wrong next.
    pub faults: Faults,
    objects: Mutex<BTreeMap<String, Vec<Option<Vec<u8>>>>>,
    derived: Mutex<BTreeMap<String, Vec<u8>>>,
    kept: Mutex<BTreeMap<String, Keep>>,
}

impl MemoryArchive {
    /// Every object by its key, as it was first written.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let objects = lock(&self.objects);
        objects.iter().filter_map(|(key, all)| Some((key.clone(), oldest(all)?))).collect()
    }

    /// Every version of an object, oldest first; `None` is a delete marker.
    pub fn versions(&self, key: &str) -> Vec<Option<Vec<u8>>> {
        lock(&self.objects).get(key).cloned().unwrap_or_default()
    }

    /// For how long each object that is written once is kept.
    pub fn kept(&self) -> BTreeMap<String, Keep> {
        lock(&self.kept).clone()
    }

    /// Every copy for reading.
    pub fn derived(&self) -> BTreeMap<String, Vec<u8>> {
        lock(&self.derived).clone()
    }

    /// Writes a version as somebody else would, over whatever is there.
    pub fn overwrite(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        lock(&self.objects).entry(key.to_owned()).or_default().push(Some(bytes.into()));
    }

    /// Hides an object behind a delete marker, as Object Lock lets anybody do.
    pub fn hide(&self, key: &str) {
        lock(&self.objects).entry(key.to_owned()).or_default().push(None);
    }
}

fn oldest(versions: &[Option<Vec<u8>>]) -> Option<Vec<u8>> {
    versions.iter().flatten().next().cloned()
}

fn newest(versions: Option<&Vec<Option<Vec<u8>>>>) -> Option<Current> {
    let versions = versions?;
    let bytes = versions.last()?.clone()?;
    Some(Current { bytes, tag: versions.len().to_string() })
}

impl Archive for MemoryArchive {
    async fn put_if_absent(
        &self,
        key: &str,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> Result<Option<Vec<u8>>, PortError> {
        let put = || {
            let mut objects = lock(&self.objects);
            let versions = objects.entry(key.to_owned()).or_default();
            if matches!(versions.last(), Some(Some(_))) {
                return Ok(oldest(versions));
            }
            versions.push(Some(bytes));
            lock(&self.kept).insert(key.to_owned(), keep);
            Ok(None)
        };
        self.faults.around(Op::PutIfAbsent, put).await
    }

    async fn oldest(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let read = || Ok(lock(&self.objects).get(key).and_then(|versions| oldest(versions)));
        self.faults.around(Op::Oldest, read).await
    }

    async fn current(&self, key: &str) -> Result<Option<Current>, PortError> {
        self.faults.around(Op::Current, || Ok(newest(lock(&self.objects).get(key)))).await
    }

    async fn replace(&self, key: &str, bytes: Vec<u8>, read: Option<&str>) -> Result<bool, PortError> {
        let replace = || {
            let mut objects = lock(&self.objects);
            let as_read = newest(objects.get(key)).map(|current| current.tag).as_deref() == read;
            if as_read {
                objects.entry(key.to_owned()).or_default().push(Some(bytes));
            }
            Ok(as_read)
        };
        self.faults.around(Op::Replace, replace).await
    }

    async fn derive(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
        let put = || {
            lock(&self.derived).insert(key.to_owned(), bytes);
            Ok(())
        };
        self.faults.around(Op::Derive, put).await
    }
}
