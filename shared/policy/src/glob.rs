//! Patterns over names: `*` stands for any text, also none; everything else for itself. Case counts.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A pattern over names of actions or agents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Glob(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a pattern: {problem}")]
pub(crate) struct InvalidGlob {
    value: String,
    problem: &'static str,
}

const LONGEST: usize = 256;

impl Glob {
    /// Whether the whole of `name` fits the pattern. Takes at most pattern × name steps.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // The last star seen and how much of the name was left to it: taking one byte more is the only way back.
        let mut star = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(byte) if *byte == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }

    /// Whether every name that fits `other` fits this. Never says yes wrongly: read as a name, the stars of `other`
    /// can only be taken by stars of this.
    pub(crate) fn covers(&self, other: &Glob) -> bool {
        self.matches(&other.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Glob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        let problem = if text.is_empty() {
            "it is empty; write * for every name"
        } else if text.len() > LONGEST {
            "it is longer than 256 bytes"
        } else if text.contains("**") {
            "one * stands for any text already"
        } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "no name holds white space or control characters"
        } else if text.contains(['?', '[', ']', '{', '}', '\\']) {
            "only * has a meaning; ? [ ] { } \\ have none here and stand in no name"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(InvalidGlob { value: text.chars().take(80).collect(), problem })
    }
}

impl TryFrom<String> for Glob {
    type Error = InvalidGlob;

    fn try_from(text: String) -> Result<Self, InvalidGlob> {
        text.parse()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Glob {
        text.parse().expect(text)
    }

    #[test]
    fn a_star_stands_for_any_text() {
        fn check(pattern: &str, name: &str, fits: bool) {
            assert_eq!(glob(pattern).matches(name), fits, "{pattern} {name}");
        }
        check("s3.sync", "s3.sync", true);
        check("s3.sync", "s3.sync2", false);
        check("s3.sync", "s3.syn", false);
        check("s3.sync", "S3.sync", false);
        check("s3.*", "s3.", true);
        check("s3.*", "s3.sync.all", true);
        check("s3.*", "s3", false);
        check("*", "", true);
        check("a*b*c", "abbc", true);
        check("a*b*c", "abcb", false);
        check("*.delete", "a.delete.delete", true);
        check("aws:*:role/x", "aws:1:role/xx", false);
        check("aws:*:sso/*/*", "aws:1:sso/Admin/alice", true);
        check("é*", "élan", true);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        fn check(text: &str, problem: &str) {
            let error = text.parse::<Glob>().expect_err(text).to_string();
            assert!(error.contains(problem), "{error}");
        }
        check("", "it is empty");
        check("s3.**", "one * stands");
        check("s3. *", "white space");
        check("s3.?", "only * has a meaning");
        check(&"x".repeat(257), "longer than 256 bytes");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn matching_is_what_the_definition_says(pattern in "[ab*]{1,7}", name in "[ab]{0,8}") {
            /// The definition, word for word.
            fn fits(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|n| fits(rest, &name[n..])),
                    Some((byte, rest)) => name.first() == Some(byte) && fits(rest, &name[1..]),
                }
            }
            prop_assert_eq!(Glob(pattern.clone()).matches(&name), fits(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn what_covers_matches_all_that_the_other_does(a in "[ab*]{1,4}", b in "[ab*]{1,4}", name in "[ab]{0,6}") {
            let (a, b) = (Glob(a), Glob(b));
            prop_assert!(!a.covers(&b) || !b.matches(&name) || a.matches(&name));
        }
    }
}
