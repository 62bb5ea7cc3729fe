//! The `countersign` command: the agents' and the reviewers' HTTP API for shells, scripts and people.
//!
//! It speaks the HTTP API and knows nothing behind it: no table, no policy, no chat. It decides nothing and keeps
//! nothing: no token, attempt or answer is ever written to disk.
//!
//! Read in this order: [`args`], [`commands`], [`client`], [`exit`].
// A command-line front end: printing is its work, and all of it happens in `run` and `progress`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
pub mod client;
pub mod commands;
pub mod duration;
pub mod endpoint;
pub mod exit;
pub mod failure;
pub mod id;
pub mod input;
pub mod pace;
pub mod problem;
pub mod progress;
pub mod random;
pub mod render;
pub mod sign;
pub mod token;
pub mod view;

mod run;

pub use run::run;
