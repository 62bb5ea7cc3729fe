//! The ids that go into a path, checked so that no text from the command line can change which resource is meant.
//!
//! Whether an id exists, and its exact form, is the service's to say.

use std::fmt;
use std::str::FromStr;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The id as text: `A-Z a-z 0-9 _` only.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.strip_prefix($prefix) {
                    Some(rest) if rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                        Ok(Self(text.to_owned()))
                    }
                    _ => Err(InvalidId($expected)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A request's id.
    RequestId, "req_", "a request id is req_ and 26 letters and digits"
}

id! {
    /// An agent's id.
    AgentId, "agt_", "an agent id is agt_ and 26 letters and digits"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_go_into_a_path() {
        fn check(text: &str, ok: bool) {
            assert_eq!(text.parse::<RequestId>().is_ok(), ok, "{text}");
        }
        check("req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW", true);
        check("req_01KB1Y2Z3M4N5P6Q7R8S9TAVB", false);
        check("req_../../v1/review/requests/x", false);
        check("req_01KB1Y2Z3M4N5P6Q7R8S9TAVB/", false);
        check("agt_01KB1Y2Z3M4N5P6Q7R8S9TAVBW", false);
        check("", false);
        assert!("agt_abcdefghijklmnopqrstuvwxy2".parse::<AgentId>().is_ok());
    }
}
