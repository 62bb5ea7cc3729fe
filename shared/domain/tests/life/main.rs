//! The life of a request: tables of what each command does, and what no sequence of commands and no forged log does.

#![allow(clippy::expect_used, reason = "a test may panic")]

mod kit;

mod agents;
mod auditor;
mod consume;
mod forged;
mod generate;
mod history;
mod lawful;
mod leaves;
mod notation;
mod plan;
mod policy;
mod queries;
mod records;
mod revisions;
mod statuses;
mod tamper;
mod time;
mod votes;
