//! Which events a pack is about: one function, used by the export and run again by `verify`.
//!
//! It looks at an event alone, never at what stands around it.

use std::collections::BTreeSet;

use countersign_domain::{RequestId, Time};
use serde::{Deserialize, Serialize};

use crate::leaf::LeafView;

/// What was asked for. All conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Events of this time and later.
    pub from: Time,
    /// Events before this time.
    pub to: Time,
    /// Events that are evidence for this control, e.g. `CC8.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// Events of these requests; none named: of every subject.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requests: BTreeSet<RequestId>,
}

impl Filter {
    /// Whether the event belongs to the population.
    pub fn admits(&self, leaf: &LeafView<'_>) -> bool {
        if leaf.time < self.from || leaf.time >= self.to {
            return false;
        }
        if !self.requests.is_empty() && !self.requests.iter().any(|id| id.as_str() == leaf.subject) {
            return false;
        }
        self.control.as_deref().is_none_or(|control| leaf.is_evidence_for(control))
    }
}
