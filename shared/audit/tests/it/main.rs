//! What an auditor can rely on: a pack that is right holds, and whatever was done to one that is not is found.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod holds;
mod kit;
mod lives;
mod log;
mod robust;
mod tamper;
mod world;
