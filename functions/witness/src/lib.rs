//! A witness (C2SP tlog-witness): cosigns a log's checkpoint when it continues the one cosigned before. It stands in
//! another account than the log, so that nobody who can rewrite the log can also have the rewriting cosigned.
//!
//! A library too, so that the log's own tests ask a real one.

pub mod app;
pub mod handler;
#[cfg(test)]
mod tests;
pub mod witness;
