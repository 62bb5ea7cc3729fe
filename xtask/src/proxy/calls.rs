//! Counts of calls by target, for cost tables and "it was asked exactly once" tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::facts::means;

/// Counts since the start or the last reset.
#[derive(Default)]
pub(crate) struct Calls(Mutex<BTreeMap<String, u64>>);

impl Calls {
    pub(crate) fn add(&self, target: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(target.to_owned()).or_default() += 1;
    }

    /// The counts of one target, or of all.
    pub(crate) fn of(&self, name: Option<&str>) -> BTreeMap<String, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .filter(|(target, _)| name.is_none_or(|n| means(target, n)))
            .map(|(target, count)| (target.clone(), *count))
            .collect()
    }

    pub(crate) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
