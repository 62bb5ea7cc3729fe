//! The steps over the ports in memory: what happens when others are faster, a service does not answer, or an answer
//! is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod again;
mod agents;
mod cards;
mod commit;
mod doorbell;
mod erase;
mod gate;
mod given;
mod policy;
mod races;
mod resume;
mod slack;
mod view;
