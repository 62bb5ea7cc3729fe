//! The steps that functions share, over a few ports: commit a command, bring cards up to date, resume the workflow.
//!
//! Handlers in `functions/` parse, call a step here, and answer. This crate knows no AWS type (the adapters do) and
//! no HTTP (the handlers do); the rules of a request's life are the domain's alone.

pub mod cards;
pub mod clock;
pub mod commit;
#[cfg(feature = "memory")]
pub mod contract;
pub mod doorbell;
pub mod env;
pub mod log;
pub mod logging;
#[cfg(feature = "memory")]
pub mod memory;
pub mod metrics;
pub mod policy;
pub mod ports;
#[cfg(feature = "http")]
pub mod problems;
pub mod record;
pub mod resume;
#[cfg(feature = "memory")]
pub mod sample;
pub mod slack;
pub mod stack;
pub mod store;
pub mod text;
pub mod view;
