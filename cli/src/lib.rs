//! The `countersign` command: the agents' and the reviewers' HTTP API for shells, scripts and people.
//!
//! It speaks the HTTP API and knows nothing behind it: no table, no policy, no chat. It decides nothing, and writes no
//! token, attempt or answer to disk. `audit` reads the log's files, and keeps the public keys that an auditor trusts.
//!
//! Read in this order: [`args`], [`commands`], [`client`], [`exit`].
// A command-line front end: printing is its work, and all of it happens in `run` and `progress`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
pub mod bucket;
pub mod client;
pub mod commands;
pub mod duration;
pub mod endpoint;
pub mod exit;
pub mod failure;
pub mod id;
pub mod input;
pub mod instant;
pub mod pace;
pub mod problem;
pub mod progress;
pub mod random;
mod receipt;
pub mod render;
pub mod sign;
pub mod token;
pub mod trust;
pub mod view;

mod run;

pub use run::run;
