//! A time on the command line: a date, which is its beginning in UTC, or an RFC 3339 time.

use std::str::FromStr;

use countersign_domain::Time;

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Time);

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a date such as 2026-07-01, or an RFC 3339 time such as 2026-07-01T09:00:00Z")]
pub struct InvalidInstant;

impl FromStr for Instant {
    type Err = InvalidInstant;

    fn from_str(text: &str) -> Result<Self, InvalidInstant> {
        let date = text.len() == "2026-07-01".len();
        let whole = if date { format!("{text}T00:00:00Z") } else { text.to_owned() };
        whole.parse().map(Self).map_err(|_| InvalidInstant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_beginning_in_utc() {
        fn check(text: &str, expect: Result<&str, InvalidInstant>) {
            let read = text.parse::<Instant>().map(|instant| instant.0.to_string());
            assert_eq!(read, expect.map(str::to_owned), "{text}");
        }
        check("2026-07-01", Ok("2026-07-01T00:00:00.000Z"));
        check("2026-07-01T09:00:00Z", Ok("2026-07-01T09:00:00.000Z"));
        check("2026-07-01T09:00:00+02:00", Ok("2026-07-01T07:00:00.000Z"));
        check("2026-02-30", Err(InvalidInstant));
        check("2026-07-01T09:00:00", Err(InvalidInstant));
        check("yesterday", Err(InvalidInstant));
        check("", Err(InvalidInstant));
    }
}
