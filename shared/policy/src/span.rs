//! Spans of time as policy files write them: a whole number and one of `s`, `m`, `h`, `d`, e.g. `90s`.

use std::fmt;
use std::str::FromStr;

use countersign_domain::time::Seconds;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A span of time from a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Seconds);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a span of time; write a whole number and s, m, h or d, e.g. \"90s\" or \"2h\", at most 36500d"
)]
pub(crate) struct InvalidSpan(String);

/// A hundred years: far above what any rule allows, far below what [`Seconds`] holds.
const LONGEST: u32 = 36_500 * 86_400;

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let seconds = || {
            let unit = text.chars().last()?;
            let factor =
                [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)].iter().find(|(u, _)| *u == unit)?.1;
            let count = &text[..text.len() - 1];
            let count: u32 = count.bytes().all(|b| b.is_ascii_digit()).then(|| count.parse().ok())??;
            count.checked_mul(factor).filter(|seconds| *seconds <= LONGEST)
        };
        seconds().map(|s| Self(Seconds(s))).ok_or_else(|| InvalidSpan(text.chars().take(40).collect()))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time in quotes, e.g. \"90s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The span in the unit that shows it shortest, for messages.
pub(crate) fn show(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        fn check(text: &str, seconds: Option<u32>) {
            assert_eq!(text.parse::<Span>().ok(), seconds.map(|s| Span(Seconds(s))), "{text}");
        }
        check("90s", Some(90));
        check("10m", Some(600));
        check("2h", Some(7200));
        check("30d", Some(2_592_000));
        check("0s", Some(0));
        check("007s", Some(7));
        check("36500d", Some(LONGEST));
        check("36501d", None);
        check("4294967296s", None);
        check("9999999999999999999999d", None);
        check("", None);
        check("s", None);
        check("90", None);
        check("-1s", None);
        check("+1s", None);
        check("1.5h", None);
        check("1h30m", None);
        check("1 h", None);
        check("1H", None);
        check("1µ", None);
    }

    #[test]
    fn a_span_is_shown_in_its_largest_whole_unit() {
        fn check(seconds: u64, text: &str) {
            assert_eq!(show(seconds), text);
        }
        check(0, "0s");
        check(90, "90s");
        check(600, "10m");
        check(5400, "90m");
        check(86_400 * 80, "80d");
    }
}
