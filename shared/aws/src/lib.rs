//! Adapters of the ports to AWS: the only crate that names AWS types.
//!
//! One feature per service, so that a function links only the clients that its role may use.

pub mod client;
mod error;

#[cfg(feature = "archive")]
pub mod archive;
#[cfg(feature = "kms")]
pub mod kms;
#[cfg(feature = "notice")]
pub mod notice;
#[cfg(feature = "table")]
pub mod observations;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "secrets")]
pub mod slack;
#[cfg(all(feature = "table", feature = "workflow", feature = "secrets", feature = "notice"))]
pub mod stack;
#[cfg(feature = "table")]
pub mod table;
#[cfg(feature = "table")]
pub mod tokens;
#[cfg(feature = "workflow")]
pub mod workflow;
