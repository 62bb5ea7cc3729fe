//! The life of a request, as one pure pair of functions: [`request::decide`] and [`request::evolve`].
//!
//! Handlers, the model checker and an auditor's verifier run this same code. It has no I/O, no async, no clock
//! and no randomness (the caller passes time, ids and nonces in), and it knows neither AWS nor chat nor the files
//! that policy is written in.
//!
//! Read in this order: [`ids`], [`canonical`], [`request`], [`event`], [`leaf`].

pub mod agent;
pub mod canonical;
pub mod event;
pub mod ids;
pub mod leaf;
pub mod log;
pub mod refusal;
pub mod request;
pub mod review;
pub mod strict;
pub mod time;

pub use canonical::{Action, Digest, Nonce};
pub use event::{Event, Fact};
pub use ids::{AgentId, GroupName, PersonId, ProfileName, RequestId};
pub use refusal::{Code, Refusal};
pub use request::{Request, Status, decide, evolve};
pub use time::Time;
