//! Spans of time as the command line writes them: `45s`, `15m`, `2h`, `1d`.

use std::str::FromStr;
use std::time::Duration;

/// A span of whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(u32);

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a span is a whole number and s, m, h or d, such as 45s, 15m, 2h or 1d")]
pub struct InvalidSpan;

impl Span {
    /// Whole seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        Duration::from_secs(span.0.into())
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let unit = match text.bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86_400,
            _ => return Err(InvalidSpan),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSpan);
        }
        digits.parse::<u32>().ok().and_then(|n| n.checked_mul(unit)).map(Span).ok_or(InvalidSpan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        fn check(text: &str, seconds: Option<u32>) {
            assert_eq!(text.parse::<Span>().ok().map(Span::seconds), seconds, "{text}");
        }
        check("0s", Some(0));
        check("45s", Some(45));
        check("15m", Some(900));
        check("2h", Some(7200));
        check("90d", Some(7_776_000));
        check("15", None);
        check("m", None);
        check("+1m", None);
        check("1.5h", None);
        check("1h30m", None);
        check("99999999d", None);
        check("1µ", None);
        check("", None);
    }
}
