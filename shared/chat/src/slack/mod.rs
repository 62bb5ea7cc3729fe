//! Slack: Block Kit out, signed payloads in.
//!
//! Only [`signature`] makes a [`signature::Verified`] body, and only from that does [`interaction`] or [`event`] read.
//! No module here decides anything about a request.

pub mod about;
pub mod blocks;
pub mod chat;
#[cfg(feature = "client")]
pub mod client;
pub mod event;
pub mod identity;
pub mod interaction;
pub mod memory;
pub mod modals;
pub mod signature;

pub use about::{About, Place};
pub use blocks::{Message, render};
pub use chat::{Chat, ChatError};
#[cfg(feature = "client")]
pub use client::SlackClient;
pub use memory::MemoryChat;
