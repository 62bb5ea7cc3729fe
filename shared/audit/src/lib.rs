//! Evidence packs: a contiguous range of the log as files, with the events that a question selects, and what an
//! auditor needs to verify both alone.
//!
//! It knows no network, no cloud and no clock of its own, and holds no key that signs. Nothing panics, whatever the
//! bytes: a pack comes from somebody whom the auditor does not trust yet.
//!
//! Read in this order: [`pack`], [`leaf`], [`select`], [`rows`], [`policy`], [`verify`],
//! [`export`], [`shelf`], [`sample`].

pub mod export;
pub mod files;
pub mod leaf;
pub mod life;
pub mod pack;
pub mod page;
pub mod policy;
pub mod record;
pub mod report;
pub mod rows;
pub mod sample;
pub mod select;
pub mod shelf;
pub mod source;
pub mod spool;
pub mod story;
pub mod tables;
pub mod text;
pub mod verify;

pub use pack::Pack;
pub use policy::TrustPolicy;
pub use report::Report;
pub use verify::{Pin, verify};
