//! Cards, renderers, signature checks and payload parsers for chat.
//!
//! A [`card::Card`] is what a reviewer is shown, made of plain values and free of any platform. [`shown`] decides how
//! much of it fits and marks what is hidden or looks like something else; [`slack`] turns that into Block Kit and
//! reads what comes back. All of it is pure but for the client behind the feature `client`.
//!
//! The crate does not know policy, the table or the life of a request: it shows what it is given and says what a
//! person pressed. Whether the press counts is decided elsewhere.
//!
//! Read in this order: [`card`], [`text`], [`shown`], [`slack::blocks`], [`slack::interaction`].

pub mod card;
pub mod json;
pub mod lookalike;
pub mod shown;
pub mod slack;
pub mod text;

pub use card::{Card, CardState};
