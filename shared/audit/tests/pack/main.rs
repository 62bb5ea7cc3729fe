//! Packs from logs that were made here: what is exported, drawn and proved.
// Helpers of tests stand outside of test functions, where the setting for tests does not reach.
#![allow(clippy::unwrap_used, clippy::panic)]

mod exporting;
mod log;
mod sampling;
mod verifying;
