//! How often and how soon a call is repeated. Pure: the caller sleeps.

use std::time::Duration;

/// The longest `Retry-After` that is waited for within one call.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pace of repetitions.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Delay before the first repetition, before jitter; it doubles each time.
    pub first: Duration,
    /// The longest delay of its own; `Retry-After` may ask for more.
    pub longest: Duration,
    /// Calls in all.
    pub tries: u32,
    /// Between two looks when the service did not hold the call.
    pub look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            tries: 6,
            look: Duration::from_secs(2),
        }
    }
}

impl Pace {
    /// The delay after the `tried`-th call failed (from 1), or `None` when it is time to give up. `jitter` is from
    /// 0 to 1; `retry_after` is what the service asked for, in seconds.
    pub fn delay(&self, tried: u32, retry_after: Option<u64>, jitter: f64) -> Option<Duration> {
        let asked = Duration::from_secs(retry_after.unwrap_or(0));
        if tried >= self.tries || asked > LONGEST_WAIT {
            return None;
        }
        let doubled = self.first.saturating_mul(1_u32.checked_shl(tried - 1).unwrap_or(u32::MAX));
        // From half to the whole of it, so that callers who failed together do not come back together.
        let own = doubled.min(self.longest).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        Some(own.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_end() {
        fn check(tried: u32, retry_after: Option<u64>, jitter: f64, millis: Option<u64>) {
            let got = Pace::default().delay(tried, retry_after, jitter);
            assert_eq!(got, millis.map(Duration::from_millis), "{tried} {retry_after:?} {jitter}");
        }
        check(1, None, 1.0, Some(200));
        check(1, None, 0.0, Some(100));
        check(2, None, 1.0, Some(400));
        check(5, None, 1.0, Some(3200));
        check(6, None, 1.0, None);
        check(1, Some(7), 1.0, Some(7000));
        check(1, Some(0), 1.0, Some(200));
        check(1, Some(31), 1.0, None);
    }

    #[test]
    fn a_long_pace_does_not_overflow() {
        let pace = Pace { tries: u32::MAX, ..Pace::default() };
        assert_eq!(pace.delay(1000, None, 1.0), Some(Duration::from_secs(5)));
    }
}
