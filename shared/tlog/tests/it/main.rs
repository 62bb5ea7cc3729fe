//! The formats, against known answers, against a naive tree, and against another's implementation.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod appending;
mod foreign;
mod kit;
mod notes;
mod parsers;
mod proofs;
mod tiles;
mod tree;
