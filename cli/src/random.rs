//! Random bits from the operating system: idempotency keys, attempts, jitter.

use std::fmt::Write as _;

use crate::failure::Failure;

/// 128 random bits as 32 lower-case hex digits.
///
/// # Errors
/// [`Failure::Local`] when the operating system has no random bits to give.
pub fn hex128() -> Result<String, Failure> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits)
        .map_err(|e| Failure::Local(format!("the operating system gave no random bits: {e}")))?;
    Ok(bits.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// A number from 0 up to, not including, 1. Without randomness 0.5: jitter is no security.
pub fn fraction() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_32_hex_digits_and_differ() {
        let (a, b) = (hex128().unwrap(), hex128().unwrap());
        assert!(a.len() == 32 && a.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{a}");
        assert_ne!(a, b);
    }
}
