//! Times as a person reads them: how long ago, how long still.

use jiff::Timestamp;

/// `2026-11-24T22:06:40.120Z (in 14 min)`; what is no time is given back as it is.
pub fn ago_or_ahead(time: &str, now: Timestamp) -> String {
    let Ok(at) = time.parse::<Timestamp>() else {
        return time.to_owned();
    };
    let seconds = at.as_second().saturating_sub(now.as_second());
    let span = span(seconds.unsigned_abs());
    match seconds {
        0 => format!("{time} (now)"),
        1.. => format!("{time} (in {span})"),
        _ => format!("{time} ({span} ago)"),
    }
}

/// `2026-11-24 22:06:40Z`, for tables; what is no time is given back as it is.
pub fn short(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => time.to_owned(),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_say_how_far_off_they_are() {
        fn check(time: &str, expect: &str) {
            assert_eq!(ago_or_ahead(time, "2026-11-24T22:00:00Z".parse().unwrap()), expect);
        }
        check("2026-11-24T22:00:00.120Z", "2026-11-24T22:00:00.120Z (now)");
        check("2026-11-24T22:01:59.000Z", "2026-11-24T22:01:59.000Z (in 119 s)");
        check("2026-11-24T22:15:30Z", "2026-11-24T22:15:30Z (in 15 min)");
        check("2026-11-24T20:00:00Z", "2026-11-24T20:00:00Z (2 h ago)");
        check("2026-11-20T22:00:00Z", "2026-11-20T22:00:00Z (4 days ago)");
        check("soon", "soon");
        assert_eq!(short("2026-11-24T22:06:40.120Z"), "2026-11-24 22:06:40Z");
        assert_eq!(short("soon"), "soon");
    }
}
