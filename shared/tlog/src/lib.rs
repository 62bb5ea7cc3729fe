//! The open formats of a transparency log, as bytes and hashes: RFC 6962's tree, and C2SP's tlog-tiles, signed-note,
//! tlog-checkpoint, tlog-cosignature, tlog-witness and tlog-proof.
//!
//! It has no I/O, no async, no clock and no key that signs, and it does not know what a leaf says. Whoever archives
//! appends to an [`Edge`]; whoever verifies pushes leaf hashes into a [`Frontier`]; whoever proves reads tiles
//! through a closure (see [`tile::nodes`]); whoever trusts a checkpoint got it from [`Checkpoint::open`].
//!
//! Parsers take the one canonical form and nothing else, so what was parsed prints to the same bytes.
//!
//! Read in this order: [`tree`], [`tile`], [`note`], [`checkpoint`], [`proof`], [`submission`].

pub mod checkpoint;
pub mod edge;
pub mod note;
pub mod proof;
pub mod submission;
pub mod text;
pub mod tile;
pub mod tree;

pub use checkpoint::{Checkpoint, Opened};
pub use edge::Edge;
pub use note::{Note, VerifierKey};
pub use proof::Proof;
pub use submission::Submission;
pub use tile::{Bundle, Tile};
pub use tree::{Frontier, Hash};
