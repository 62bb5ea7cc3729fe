//! The one place that reads the clock and the system's randomness; everything else is handed their results.

use countersign_domain::{Nonce, RequestId, Time};

/// The system has no randomness to give. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness: {0}")]
pub struct NoRandomness(String);

/// The present instant.
pub fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 128 random bits from the operating system.
///
/// # Errors
/// When the system has none.
pub fn random() -> Result<[u8; 16], NoRandomness> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|e| NoRandomness(e.to_string()))?;
    Ok(bits)
}

/// A new nonce.
///
/// # Errors
/// See [`random`].
pub fn nonce() -> Result<Nonce, NoRandomness> {
    random().map(Nonce::new)
}

/// A new request id for `now`.
///
/// # Errors
/// See [`random`].
pub fn request_id(now: Time) -> Result<RequestId, NoRandomness> {
    let random = u128::from_be_bytes(random()?) >> 48;
    Ok(RequestId::from_parts(u64::try_from(now.millis()).unwrap_or(0), random))
}

/// A wait of at most `ceiling` milliseconds, so that writers who met do not meet again.
pub async fn jitter(ceiling: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(spread(ceiling))).await;
}

/// A random number of milliseconds, at most `ceiling`.
pub fn spread(ceiling: u64) -> u64 {
    random().map_or(ceiling, |r| u64::from(r[0]) * ceiling / 255)
}
