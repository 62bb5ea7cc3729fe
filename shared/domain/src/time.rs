//! Instants and spans as the log writes them: whole milliseconds, RFC 3339 in UTC.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant, in milliseconds since the Unix epoch. Written as RFC 3339 in UTC with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(i64);

/// A span of time in whole seconds. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u32);

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time: {0}")]
pub struct InvalidTime(String);

/// From 0001-01-01 to 9999-12-30T22:00:00.999 in milliseconds: what is both written and read back.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_207_200_999;

impl Time {
    /// The instant `millis` after the Unix epoch, held within the years that RFC 3339 can write.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded up, as DynamoDB's TTL and the `due` index use them.
    pub fn epoch_seconds(self) -> i64 {
        self.0.div_euclid(1000) + i64::from(self.0.rem_euclid(1000) != 0)
    }

    /// Milliseconds from `earlier` to this instant; 0 when `earlier` is later.
    pub fn millis_since(self, earlier: Time) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl Seconds {
    /// The span in milliseconds.
    pub fn millis(self) -> i64 {
        i64::from(self.0) * 1000
    }
}

impl Add<Seconds> for Time {
    type Output = Time;

    fn add(self, span: Seconds) -> Time {
        Time::from_millis(self.0.saturating_add(span.millis()))
    }
}

impl Sub<Seconds> for Time {
    type Output = Time;

    fn sub(self, span: Seconds) -> Time {
        Time::from_millis(self.0.saturating_sub(span.millis()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => f.write_str("9999-12-30T22:00:00.999Z"),
        }
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let parsed: jiff::Timestamp = text.parse().map_err(|e: jiff::Error| InvalidTime(e.to_string()))?;
        Ok(Self::from_millis(parsed.as_millisecond()))
    }
}

impl TryFrom<String> for Time {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_milliseconds_and_read_back() {
        let time = Time::from_millis(1_795_570_000_120);
        assert_eq!(time.to_string(), "2026-11-25T01:26:40.120Z");
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!((time + Seconds(60)).millis_since(time), 60_000);
        assert_eq!(time.millis_since(time + Seconds(1)), 0);
        assert_eq!(time.epoch_seconds(), 1_795_570_001);
        for farthest in [Time::from_millis(i64::MAX), Time::from_millis(i64::MIN)] {
            assert_eq!(farthest.to_string().parse(), Ok(farthest));
        }
        assert!(Time::from_millis(i64::MAX).to_string().starts_with("9999-12-30"));
    }
}
