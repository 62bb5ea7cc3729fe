//! Whether the canonical form of a number is numerically what was sent, decided on decimals without rounding.

use serde_json::{Number, Value};

use super::Reason;
use crate::canonical::jcs;

/// The largest integer that JCS writes exactly, 2^53 − 1. The smallest is its negative.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The number that `text`, of JSON's grammar, says; only if its canonical form says the same.
pub(super) fn exact(text: &str) -> Result<Number, Reason> {
    let sent = Decimal::of(text);
    if sent.exponent >= 0 {
        return sent.integer().map(Number::from).ok_or(Reason::IntegerOutOfRange);
    }
    let double = text.parse().ok().and_then(Number::from_f64).ok_or(Reason::InexactNumber)?;
    let canonical = jcs(&Value::Number(double.clone()));
    if Decimal::of(&String::from_utf8_lossy(&canonical)) != sent {
        return Err(Reason::InexactNumber);
    }
    Ok(double)
}

/// A decimal without rounding: ± `digits` × 10^`exponent`. `digits` neither begins nor ends with a zero, and zero
/// is no digits, so that equal numbers are equal here.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = mantissa.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let shift = (all.len() - digits.len()) as i64 - fraction.len() as i64;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        Self {
            negative: mantissa.starts_with('-'),
            digits,
            // No text is long enough for its digits to bring an exponent back that i64 cannot hold.
            exponent: saturating(exponent).saturating_add(shift),
        }
    }

    /// The integer, if it is one within ±[`MAX_INTEGER`].
    fn integer(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let factor = 10_u64.checked_pow(u32::try_from(self.exponent).ok()?)?;
        let magnitude = self.digits.parse::<u64>().ok()?.checked_mul(factor)?;
        let integer = i64::try_from(magnitude).ok().filter(|_| magnitude <= MAX_INTEGER)?;
        Some(if self.negative { -integer } else { integer })
    }
}

fn saturating(exponent: &str) -> i64 {
    exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX })
}
