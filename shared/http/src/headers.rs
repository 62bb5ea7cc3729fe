//! The request headers that mean something to the API: `Idempotency-Key` and `Prefer: wait`.

use std::fmt;
use std::str::FromStr;

use countersign_domain::ids::InvalidId;
use countersign_domain::time::Seconds;

use crate::problem::Problem;
use crate::request::HttpRequest;

/// The longest wait that `Prefer: wait` gets.
pub const MAX_WAIT: Seconds = Seconds(25);

/// What makes a repeated `POST /v1/requests` the same ask: 1 to 128 of `A-Z a-z 0-9 _ . : -`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// 128 random bits of one process for one execution, as 32 lower-case hex digits. A secret: who has it can fetch the
/// answer to consume again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Attempt(String);

impl IdempotencyKey {
    /// The call's key.
    ///
    /// # Errors
    /// `invalid_request` when the header is missing or malformed.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let Some(key) = request.header("idempotency-key") else {
            let detail = "the header Idempotency-Key is missing: send a new random one with each new ask";
            return Err(Problem::invalid(detail));
        };
        let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
        if (1..=128).contains(&key.len()) && key.bytes().all(valid) {
            return Ok(Self(key.to_owned()));
        }
        Err(Problem::invalid(
            "the header Idempotency-Key is not 1 to 128 of A-Z, a-z, 0-9, '_', '.', ':' and '-'",
        ))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as the attempt of an ask with `consume: true`: there it must be 128 random bits.
    ///
    /// # Errors
    /// `invalid_request` when it is not 32 lower-case hex digits.
    pub fn as_attempt(&self) -> Result<Attempt, Problem> {
        let detail =
            "with consume: true the header Idempotency-Key is the attempt: 32 random lower-case hex digits";
        self.0.parse().map_err(|_| Problem::invalid(detail))
    }
}

impl Attempt {
    /// The attempt as text: 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Attempt {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId { kind: "attempt", value: String::new(), expected: "32 random lower-case hex digits" })
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(hidden)")
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(hidden)")
    }
}

/// How long the caller wants to wait: `Prefer: wait=N` (RFC 7240), at most [`MAX_WAIT`]; 0 without one.
///
/// A preference is a wish, so one that is not understood is passed over; of two the first counts.
pub fn prefer_wait(request: &HttpRequest) -> Seconds {
    let preferences = request.header("prefer").unwrap_or_default();
    let wait = split_outside_quotes(preferences, ',').into_iter().find_map(|preference| {
        let preference = *split_outside_quotes(preference, ';').first()?;
        let (name, value) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    let digits = wait.filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
    // So many digits that they do not fit are still a long wait.
    digits.map_or(Seconds(0), |d| Seconds(d.parse().unwrap_or(u32::MAX).min(MAX_WAIT.0)))
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c| {
        let separates = c == separator && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        separates
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(name: &str, value: &str) -> HttpRequest {
        let event =
            json!({"rawPath": "/", "headers": {name: value}, "requestContext": {"http": {"method": "GET"}}});
        HttpRequest::from_event(&event).unwrap()
    }

    #[test]
    fn a_wait_is_a_wish_within_bounds() {
        fn check(prefer: &str, expect: u32) {
            assert_eq!(prefer_wait(&with("Prefer", prefer)), Seconds(expect), "{prefer}");
        }
        check("", 0);
        check("wait=10", 10);
        check("wait=0", 0);
        check("wait=25", 25);
        check("wait=26", 25);
        check("wait=99999999999999999999", 25);
        check("Wait = 7", 7);
        check("wait=\"7\"", 7);
        check("respond-async, wait=10", 10);
        check("respond-async,wait=10;x=y , return=minimal", 10);
        check("wait=3, wait=9", 3);
        check("x=\"a, wait=9\", wait=4", 4);
        check("x=\"a\\\", wait=9\", wait=4", 4);
        check("x; wait=5", 0);
        check("wait", 0);
        check("wait=", 0);
        check("wait=-1", 0);
        check("wait=1.5", 0);
        check("wait=ten", 0);
        check("waiting=10", 0);
        assert_eq!(prefer_wait(&with("x", "y")), Seconds(0));
    }

    #[test]
    fn an_idempotency_key_has_its_form() {
        fn check(value: &str, ok: bool) {
            assert_eq!(IdempotencyKey::of(&with("Idempotency-Key", value)).is_ok(), ok, "{value}");
        }
        check("a", true);
        check("0f8b_9.c:d-E", true);
        check(&"a".repeat(128), true);
        check(&"a".repeat(129), false);
        check("", false);
        check("a b", false);
        check("a,b", false);
        check("ä", false);
        assert!(IdempotencyKey::of(&with("x", "y")).is_err());
    }

    #[test]
    fn an_attempt_is_128_bits_and_is_not_shown() {
        fn check(value: &str, ok: bool) {
            let key = IdempotencyKey::of(&with("idempotency-key", value)).unwrap();
            assert_eq!(key.as_attempt().is_ok(), ok, "{value}");
        }
        check("0123456789abcdef0123456789abcdef", true);
        check("0123456789abcdef0123456789abcde", false);
        check("0123456789abcdef0123456789abcdef0", false);
        check("0123456789ABCDEF0123456789abcdef", false);
        let key = IdempotencyKey::of(&with("idempotency-key", "0123456789abcdef0123456789abcdef")).unwrap();
        assert!(!format!("{key:?} {:?}", key.as_attempt()).contains("0123"));
    }
}
