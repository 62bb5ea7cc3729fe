//! The command as its users meet it: the real client and the real binary against a small HTTP server.
// Helpers of tests stand outside of test functions, where the setting for tests does not reach.
#![allow(clippy::unwrap_used)]

mod audit;
mod client;
mod command_line;
mod docs;
mod golden;
#[path = "../../../shared/audit/tests/pack/log.rs"]
#[allow(dead_code, reason = "the packs' own tests use more of it")]
mod log;
mod rendering;
mod server;
