//! Slack's signature: HMAC-SHA256 over `v0:`, the timestamp, `:` and the raw body.
//!
//! As strict as the strictest verifier of Slack's own: nothing is trimmed, lower-cased or guessed. The window of five
//! minutes is no protection against replay; for that there is a single-use record of each interaction.

use std::fmt;

use countersign_domain::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the sender's clock and ours may be apart, both ways, in milliseconds.
const WINDOW: i64 = 300_000;
/// The shortest secret that is taken. Slack's have 32 characters.
const SHORTEST: usize = 16;

/// The app's signing secret.
#[derive(Clone)]
pub struct SigningSecret(String);

/// Why a text is no signing secret. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Empty or too short: anybody could guess it.
    #[error("Slack's signing secret has {0} characters; it must have at least {SHORTEST}")]
    Short(usize),
    /// Not what Slack shows, e.g. with a line break at the end.
    #[error(
        "Slack's signing secret holds a character that is not printable ASCII, perhaps a line break at its end"
    )]
    Character,
}

/// Why a call is not taken as Slack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No timestamp header, or more than digits in it.
    #[error("X-Slack-Request-Timestamp must be there once, in digits only")]
    Timestamp,
    /// The timestamp is too old or too far ahead.
    #[error("X-Slack-Request-Timestamp is more than 300 s away from our time")]
    Stale,
    /// No signature header, or not of its form.
    #[error("X-Slack-Signature must be there once: v0= and 64 lower-case hex digits")]
    Form,
    /// The signature is not that of this body, this timestamp and our secret.
    #[error("X-Slack-Signature does not match")]
    Mismatch,
}

/// A body that Slack signed. The only way to one is [`verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a>(&'a [u8]);

impl SigningSecret {
    /// The secret as the app's page shows it.
    ///
    /// # Errors
    /// [`WeakSecret`] when it is empty, short or not plain text.
    pub fn new(secret: &str) -> Result<Self, WeakSecret> {
        if secret.len() < SHORTEST {
            return Err(WeakSecret::Short(secret.chars().count()));
        }
        match secret.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Self(secret.to_owned())),
            false => Err(WeakSecret::Character),
        }
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(hidden)")
    }
}

impl<'a> Verified<'a> {
    /// The bytes that were signed.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }
}

/// Takes `raw_body` (after API Gateway's base64, before any parsing) as Slack's if its signature says so at `now`.
///
/// The headers are given as they came: `None` when missing, and when sent more than once.
///
/// # Errors
/// [`SignatureError`]; the caller answers 401 and says no more than that.
pub fn verify<'a>(
    secret: &SigningSecret,
    timestamp_header: Option<&str>,
    signature_header: Option<&str>,
    raw_body: &'a [u8],
    now: Time,
) -> Result<Verified<'a>, SignatureError> {
    let timestamp = timestamp_header.filter(|t| is_timestamp(t)).ok_or(SignatureError::Timestamp)?;
    let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if now.millis().abs_diff(seconds.saturating_mul(1000)) > WINDOW.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    let hex = signature_header.and_then(|s| s.strip_prefix("v0=")).ok_or(SignatureError::Form)?;
    let given = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(|_| SignatureError::Form)?;
    if given.len() != 32 {
        return Err(SignatureError::Form);
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.0.as_bytes()).map_err(|_| SignatureError::Mismatch)?;
    for part in [b"v0:", timestamp.as_bytes(), b":", raw_body] {
        mac.update(part);
    }
    match bool::from(mac.finalize().into_bytes().as_slice().ct_eq(given.as_slice())) {
        true => Ok(Verified(raw_body)),
        false => Err(SignatureError::Mismatch),
    }
}

fn is_timestamp(text: &str) -> bool {
    (1..=12).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::Value;

    // The example that Slack publishes on "Verifying requests from Slack".
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME: i64 = 1_531_420_618_000;
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J\
        %2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    /// Signs `body` with this test's own arithmetic, verifies it and hands it on.
    pub(crate) fn signed<T>(body: &[u8], read: impl FnOnce(Verified<'_>) -> T) -> T {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(&[b"v0:1531420618:", body].concat());
        let signature = format!("v0={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()));
        let now = Time::from_millis(TIME);
        read(verify(&secret(SECRET), Some("1531420618"), Some(&signature), body, now).unwrap())
    }

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::new(text).unwrap()
    }

    #[test]
    fn slacks_published_example_is_verified() {
        let at = |millis| {
            let now = Time::from_millis(TIME + millis);
            verify(&secret(SECRET), Some("1531420618"), Some(SIGNATURE), BODY.as_bytes(), now)
                .map(Verified::bytes)
        };
        assert_eq!(at(0), Ok(BODY.as_bytes()));
        assert_eq!(at(300_000), Ok(BODY.as_bytes()));
        assert_eq!(at(-300_000), Ok(BODY.as_bytes()));
        assert_eq!(at(300_001), Err(SignatureError::Stale));
        assert_eq!(at(-300_001), Err(SignatureError::Stale));
    }

    #[test]
    fn what_is_not_exactly_slacks_is_refused() {
        fn check(timestamp: Option<&str>, signature: Option<&str>, body: &str, expect: SignatureError) {
            let now = Time::from_millis(TIME);
            let verdict = verify(&secret(SECRET), timestamp, signature, body.as_bytes(), now);
            assert_eq!(verdict, Err(expect), "{timestamp:?} {signature:?}");
        }
        let ts = Some("1531420618");
        let right = Some(SIGNATURE);
        check(None, right, BODY, SignatureError::Timestamp);
        check(ts, None, BODY, SignatureError::Form);
        check(ts, right, &BODY.replace("foobar", "foobaz"), SignatureError::Mismatch);
        check(ts, right, "", SignatureError::Mismatch);
        check(Some("1531420619"), right, BODY, SignatureError::Mismatch);
        check(Some("0"), right, BODY, SignatureError::Timestamp);
        check(Some("99999999999999999999"), right, BODY, SignatureError::Timestamp);
        check(Some("999999999999"), right, BODY, SignatureError::Stale);
        check(ts, Some(&SIGNATURE.to_uppercase()), BODY, SignatureError::Form);
    }

    #[test]
    fn we_accept_what_slack_sdk_accepts_and_never_more() {
        // Python's int() reads these; Slack never sends them.
        let stricter = [
            "a leading zero",
            "a leading plus",
            "a space before",
            "a space after",
            "an underscore",
            "Arabic digits",
        ];
        let cases = include_str!("../../tests/data/signatures.jsonl");
        let mut accepted = 0;
        for line in cases.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| case[name].as_str().unwrap();
            let body = data_encoding::BASE64.decode(text("body").as_bytes()).unwrap();
            let now = Time::from_millis(case["now"].as_i64().unwrap() * 1000);
            let verdict =
                verify(&secret(text("secret")), Some(text("timestamp")), Some(text("signature")), &body, now);
            let expect = case["slack_sdk"] == true && !stricter.iter().any(|s| text("about").ends_with(s));
            assert_eq!(verdict.is_ok(), expect, "{}: {verdict:?}", text("about"));
            accepted += u32::from(verdict.is_ok());
        }
        assert_eq!((cases.lines().count(), accepted), (47, 15));
    }

    #[test]
    fn a_weak_secret_is_refused_and_none_is_shown() {
        fn check(text: &str, expect: WeakSecret) {
            assert_eq!(SigningSecret::new(text).map(|_| ()), Err(expect));
        }
        check("", WeakSecret::Short(0));
        check("0123456789abcde", WeakSecret::Short(15));
        check("0123456789abcdef\n", WeakSecret::Character);
        check("0123456789 abcdef", WeakSecret::Character);
        assert!(!format!("{:?}", secret(SECRET)).contains("8f74"));
    }
}
