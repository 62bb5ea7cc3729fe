//! The deployed stack, driven over HTTP as an agent and a reviewer would.
//!
//! All tests share one stack and run at once: each has agents, requests and keys of its own. The few that disturb
//! what all need take the stack for themselves, see [`alone`] and [`shared`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly, and print what they measured"
)]

mod answers;
mod approve;
mod archive;
mod audit;
mod bad_input;
mod canary;
mod cards;
mod cli;
mod consume;
mod contract;
mod deadlines;
mod ends;
mod erase;
mod faults;
mod freeze;
mod gates;
mod idempotency;
mod identity;
mod independence;
mod latency;
mod lives;
mod logs;
mod outage;
mod policy;
mod races;
mod reading;
mod replays;
mod sealed;
mod slack;
mod tokens;
mod workflow;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static STACK: RwLock<()> = RwLock::const_new(());

/// Held by every test that needs the stack whole.
async fn shared() -> RwLockReadGuard<'static, ()> {
    STACK.read().await
}

/// Held by a test that takes something away from all.
async fn alone() -> RwLockWriteGuard<'static, ()> {
    STACK.write().await
}
