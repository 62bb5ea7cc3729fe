//! What a person hands over beside plain options: arguments as JSON text, keys and attempts.
//!
//! JSON text is checked to be JSON and otherwise left alone: numbers, duplicate keys and escapes reach the service as
//! they were written, so that it can refuse what has no exact form.

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::failure::Failure;

/// The longest arguments read, in bytes. The service takes 64 KiB; what is far beyond is no mistake in counting.
const LONGEST: u64 = 1024 * 1024;

/// Where JSON text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The text itself.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Source::File(path.into()),
            None if text == "-" => Source::Stdin,
            None => Source::Text(text.to_owned()),
        })
    }
}

impl Source {
    /// The arguments as they were written.
    ///
    /// # Errors
    /// [`Failure::Usage`] when they cannot be read, are too long, no UTF-8, no JSON, or no object.
    pub fn arguments(&self) -> Result<Box<RawValue>, Failure> {
        let (origin, text) = match self {
            Source::Text(text) => ("--arguments".to_owned(), text.clone()),
            Source::File(path) => {
                let origin = format!("--arguments: {}", path.display());
                let file = std::fs::File::open(path)
                    .map_err(|e| Failure::Usage(format!("{origin} cannot be opened: {e}")))?;
                (origin.clone(), read(file, &origin)?)
            }
            Source::Stdin => {
                let origin = "--arguments: standard input".to_owned();
                (origin.clone(), read(std::io::stdin(), &origin)?)
            }
        };
        object(text, &origin)
    }
}

fn read(from: impl Read, origin: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::Usage(format!("{origin} cannot be read: {e}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::Usage(format!(
            "{origin} holds more than {LONGEST} bytes: pass a reference to the data instead of the data"
        )));
    }
    String::from_utf8(bytes).map_err(|e| {
        Failure::Usage(format!("{origin} holds no UTF-8: byte {} is wrong", e.utf8_error().valid_up_to() + 1))
    })
}

fn object(text: String, origin: &str) -> Result<Box<RawValue>, Failure> {
    let raw =
        RawValue::from_string(text).map_err(|e| Failure::Usage(format!("{origin} holds no JSON: {e}")))?;
    if raw.get().starts_with('{') {
        Ok(raw)
    } else {
        Err(Failure::Usage(format!("{origin} must hold a JSON object, such as {{\"prefix\":\"a/\"}}")))
    }
}

/// An idempotency key: 1 to 128 of `A-Z a-z 0-9 _ . : -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

/// An attempt: 128 bits as 32 lower-case hex digits. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt(String);

/// Why a text is no key or attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(&'static str);

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey("a key is 1 to 128 of A-Z a-z 0-9 _ . : -"))
        }
    }
}

impl FromStr for Attempt {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey("an attempt is 32 lower-case hex digits, made at random for one execution"))
        }
    }
}

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Attempt {
    /// The attempt as text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_json_objects_and_keep_every_character() {
        fn check(text: &str, expect: Result<&str, &str>) {
            match (object(text.to_owned(), "--arguments"), expect) {
                (Ok(raw), Ok(kept)) => assert_eq!(raw.get(), kept),
                (Err(failure), Err(part)) => {
                    assert!(failure.to_string().contains(part), "{failure}");
                    assert_eq!(failure.exit().code(), 2);
                }
                (got, _) => panic!("{text} gave {got:?}"),
            }
        }
        let exact = r#"{"a":1.10,"a":9007199254740993,"b":1e999,"c":"\ud800","d":[-0,1E+2]}"#;
        check(exact, Ok(exact));
        check(" {\"a\" :\n 1}\n", Ok("{\"a\" :\n 1}"));
        check("{}", Ok("{}"));
        check("{\"a\":}", Err("holds no JSON: expected value at line 1 column 6"));
        check("{\"a\":1},\"target\":\"other\"", Err("trailing characters at line 1 column 8"));
        check("{\"a\":NaN}", Err("holds no JSON"));
        check("", Err("holds no JSON"));
        check("[1]", Err("must hold a JSON object"));
        check("7", Err("must hold a JSON object"));
    }

    #[test]
    fn a_source_is_text_a_file_or_standard_input() {
        fn check(text: &str, expect: Source) {
            assert_eq!(text.parse(), Ok(expect));
        }
        check("{}", Source::Text("{}".into()));
        check("@a/b.json", Source::File("a/b.json".into()));
        check("-", Source::Stdin);
        check("", Source::Text(String::new()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        fn check(bytes: &[u8], part: &str) {
            let failure = read(bytes, "--arguments: x.json").unwrap_err();
            assert!(failure.to_string().contains(part), "{failure}");
        }
        check(b"{\"a\":\"\xff\"}", "x.json holds no UTF-8: byte 7 is wrong");
        check(&vec![b' '; 1024 * 1024 + 1], "more than 1048576 bytes");
        let failure = Source::File("no/such/file.json".into()).arguments().unwrap_err();
        assert!(
            failure.to_string().starts_with("--arguments: no/such/file.json cannot be opened"),
            "{failure}"
        );
    }

    #[test]
    fn keys_and_attempts_have_a_form() {
        fn check(text: &str, key: bool, attempt: bool) {
            assert_eq!(text.parse::<Key>().is_ok(), key, "{text}");
            assert_eq!(text.parse::<Attempt>().is_ok(), attempt, "{text}");
        }
        check("0123456789abcdef0123456789abcdef", true, true);
        check("0123456789ABCDEF0123456789abcdef", true, false);
        check("deploy:2026-11-24.1_b", true, false);
        check("", false, false);
        check("a b", false, false);
        check("é", false, false);
        check(&"a".repeat(129), false, false);
    }
}
