//! What the end-to-end tests stand on: an agent, a reviewer, a chat account, and looks into the engine.
//!
//! Everything goes over HTTP, as the real ones do. Nothing here knows how the product works inside, but for
//! [`engine`], by which tests see what is stored and disturb what is called.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's own tools may fail loudly")]

pub mod agent;
pub mod chat;
pub mod engine;
pub mod faults;
pub mod history;
pub mod http;
pub mod reviewer;
pub mod stack;

pub use agent::Agent;
pub use chat::Chat;
pub use http::Answer;
pub use reviewer::Reviewer;
pub use stack::stack;

use std::time::{Duration, Instant};

/// A word that no other test has.
pub fn unique() -> String {
    let mut bits = [0; 8];
    getrandom(&mut bits);
    data_encoding::HEXLOWER.encode(&bits)
}

fn getrandom(bits: &mut [u8]) {
    use std::io::Read;
    let mut source = std::fs::File::open("/dev/urandom").expect("the system has randomness");
    source.read_exact(bits).expect("the system has randomness");
}

/// 128 random bits, as an attempt to consume needs them.
pub fn attempt() -> String {
    format!("{}{}", unique(), unique())
}

/// Looks until `look` finds something, at most so long; fails with `what` otherwise.
pub async fn eventually<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + within;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// So many seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
