//! What the functions that bring views up to date are set up with: the ports, policy, and chat once it is needed.

use countersign_domain::ids::Origin;
use countersign_policy::Policy;

use crate::cards::Cards;
use crate::policy::PolicySource;

/// A stack, as notifier and relay see it.
#[derive(Debug)]
pub struct Stack<T, K, W, S, N> {
    /// The truth.
    pub table: T,
    /// Task tokens.
    pub tokens: K,
    /// The workflow, to be started and resumed.
    pub workflow: W,
    /// Policy as it is now.
    pub policy: PolicySource,
    /// Which stack records.
    pub source: String,
    /// The log's name.
    pub log: Origin,
    /// The Slack installation, where there is one.
    pub slack: S,
    /// The topic for notices.
    pub notice: N,
}

impl<T, K, W, S, N> Stack<T, K, W, S, N> {
    /// What bringing cards up to date needs.
    pub fn cards<'a>(&'a self, policy: Option<&'a Policy>) -> Cards<'a, T, S, N> {
        Cards {
            table: &self.table,
            chat: &self.slack,
            notice: &self.notice,
            policy,
            source: &self.source,
            log: &self.log,
        }
    }
}
