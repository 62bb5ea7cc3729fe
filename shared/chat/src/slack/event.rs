//! Slack's Events API, as far as it concerns us: the handshake that proves the URL.
//!
//! What is typed in a thread is information and never a decision, so no message is read.

use serde_json::Value;

use crate::slack::signature::Verified;

/// An event for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `url_verification`: the answer is this text, as `text/plain`.
    Challenge(String),
}

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not a JSON object with a `type`.
    #[error("the body must be a JSON object with a `type`")]
    NotAnEvent,
    /// A handshake without its text.
    #[error("`challenge` must be a text of 1 to 1,000 printable characters")]
    Challenge,
}

/// Reads a verified body. `Ok(None)` = an event that we have no use for; answer it with 200.
///
/// # Errors
/// [`EventError`] when the body is no event at all.
pub fn parse(body: Verified<'_>) -> Result<Option<Event>, EventError> {
    let event: Value = serde_json::from_slice(body.bytes()).map_err(|_| EventError::NotAnEvent)?;
    match event.get("type").and_then(Value::as_str) {
        Some("url_verification") => {
            let challenge = event["challenge"].as_str().filter(|c| is_challenge(c));
            challenge.map(|c| Some(Event::Challenge(c.to_owned()))).ok_or(EventError::Challenge)
        }
        Some(_) => Ok(None),
        None => Err(EventError::NotAnEvent),
    }
}

/// It is sent back as it is, so it holds nothing that a browser could take for a page.
fn is_challenge(text: &str) -> bool {
    (1..=1_000).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>&".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::signature::tests::signed;

    #[test]
    fn only_the_handshake_is_for_us() {
        fn check(body: &str, expect: Result<Option<Event>, EventError>) {
            assert_eq!(signed(body.as_bytes(), parse), expect, "{body}");
        }
        let challenge = Ok(Some(Event::Challenge("3eZbrw1aBm2r".to_owned())));
        check(r#"{"type":"url_verification","token":"x","challenge":"3eZbrw1aBm2r"}"#, challenge);
        check(r#"{"type":"url_verification"}"#, Err(EventError::Challenge));
        check(r#"{"type":"url_verification","challenge":"<script>"}"#, Err(EventError::Challenge));
        check(r#"{"type":"url_verification","challenge":7}"#, Err(EventError::Challenge));
        check(r#"{"type":"event_callback","event":{"type":"message","text":"approve"}}"#, Ok(None));
        check(r#"{"type":7}"#, Err(EventError::NotAnEvent));
        check("[]", Err(EventError::NotAnEvent));
        check("", Err(EventError::NotAnEvent));
        check("payload=%7B%7D", Err(EventError::NotAnEvent));
    }
}
