//! Bearer tokens: held in memory, sent, and never shown.

use std::fmt;
use std::io::{BufRead, Read};

use crate::failure::Failure;

/// The longest token read, in bytes: API Gateway takes 10,240 bytes of headers in all.
const LONGEST: u64 = 8192;

/// A bearer token. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks that `text` can stand in an `Authorization` header; `origin` says in messages where it came from.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it is empty, too long, or has a character that no token has. The message never
    /// repeats it.
    pub fn new(text: &str, origin: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::Usage(format!("{origin} holds no token")));
        }
        if text.len() as u64 > LONGEST {
            return Err(Failure::Usage(format!(
                "{origin} holds more than {LONGEST} bytes, which is no token"
            )));
        }
        // RFC 6750 §2.1, b64token.
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        match text.bytes().position(|b| !allowed(b)) {
            None => Ok(Self(text.to_owned())),
            Some(at) => Err(Failure::Usage(format!(
                "{origin} holds no bearer token: character {} cannot stand in one (leave out \"Bearer\" and quotes)",
                at + 1
            ))),
        }
    }

    /// Reads a token from the first line of `input`.
    ///
    /// # Errors
    /// As [`Token::new`], or [`Failure::Usage`] when `input` cannot be read.
    pub fn read(input: impl Read) -> Result<Self, Failure> {
        let mut line = String::new();
        std::io::BufReader::new(input.take(LONGEST + 2))
            .read_line(&mut line)
            .map_err(|e| Failure::Usage(format!("standard input could not be read: {e}")))?;
        Self::new(&line, "standard input")
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_first_line_and_is_never_repeated() {
        fn check(input: &[u8], expect: Result<&str, &str>) {
            match (Token::read(input), expect) {
                (Ok(token), Ok(text)) => assert_eq!(token.reveal(), text),
                (Err(failure), Err(part)) => {
                    let message = failure.to_string();
                    assert!(message.contains(part), "{message}");
                    assert!(!message.contains("eyJ"), "{message}");
                }
                (got, _) => panic!("{input:?} gave {got:?}"),
            }
        }
        check(b"eyJh.eyJz.c2ln\n", Ok("eyJh.eyJz.c2ln"));
        check(b"  eyJh.eyJz.c2ln  \r\nmore", Ok("eyJh.eyJz.c2ln"));
        check(b"", Err("holds no token"));
        check(b"\n", Err("holds no token"));
        check(b"Bearer eyJh.eyJz.c2ln\n", Err("character 7 cannot stand in one"));
        check("eyJhé".as_bytes(), Err("character 5 cannot stand in one"));
        check(b"\xff\xfe", Err("could not be read"));
        check(&[b'a'; 9000], Err("more than 8192 bytes"));
        let shown = format!("{:?}", Token::new("eyJsecret", "here").unwrap());
        assert_eq!(shown, "Token(hidden)");
    }
}
