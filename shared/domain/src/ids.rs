//! Newtypes for the ids that cross the API, so that one cannot stand where another belongs.
//!
//! Every id is checked where it is made; inside the system it is right by construction. No id is secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {kind}: {expected}")]
pub struct InvalidId {
    /// What kind of id was wanted, in words.
    pub kind: &'static str,
    /// What was given, cut to a length that can be shown.
    pub value: String,
    /// What the kind looks like.
    pub expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(value: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(value) {
                    return Ok(Self(value.to_owned()));
                }
                Err(InvalidId { kind: $kind, value: value.chars().take(80).collect(), expected: $expected })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(value: String) -> Result<Self, InvalidId> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
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
    /// A request: `req_` and a ULID in upper-case Crockford base32.
    RequestId, "request id", "req_ and 26 characters of a ULID, upper case",
    |s| s.strip_prefix("req_").is_some_and(|u| {
        u.len() == 26 && ulid::Ulid::from_string(u).is_ok_and(|parsed| parsed.to_string() == u)
    })
}

id! {
    /// An agent: `agt_` and 26 characters of lower-case base32. Made by [`AgentId::of`].
    AgentId, "agent id", "agt_ and 26 characters of lower-case base32 (a-z, 2-7)",
    |s| s.strip_prefix("agt_").is_some_and(|b| {
        b.len() == 26 && b.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'))
    })
}

id! {
    /// A person, by the stable id that people.toml gives.
    PersonId, "person id", "1 to 64 characters of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", is_name
}

id! {
    /// A group of people, as people.toml names it.
    GroupName, "group name", "1 to 64 characters of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", is_name
}

id! {
    /// A profile, as profiles.toml names it.
    ProfileName, "profile name", "1 to 64 characters of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", is_name
}

id! {
    /// Where cards or notices go: `slack:<channel id>` or `sns`.
    ChannelName, "channel", "slack:<channel id> or sns",
    |s| s == "sns" || s.strip_prefix("slack:").is_some_and(|c| {
        (2..=64).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

id! {
    /// A log's name: a URL without its scheme, e.g. `prod.123456789012.eu-west-1/countersign`. With a slash, so that
    /// no other subject's id looks like one.
    Origin, "log origin", "2 to 200 characters of a-z, A-Z, 0-9, '.', '_' and '-', in parts divided by single slashes",
    |s| s.len() <= 200 && s.contains('/') && s.split('/').all(|part| {
        part.bytes().any(|b| b != b'.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    })
}

fn is_name(s: &str) -> bool {
    let mut bytes = s.bytes();
    s.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

impl RequestId {
    /// The id for a request made at `millis` (Unix time in milliseconds) with 80 random bits.
    pub fn from_parts(millis: u64, random: u128) -> Self {
        Self(format!("req_{}", ulid::Ulid::from_parts(millis, random)))
    }
}

impl AgentId {
    /// The id of the principal that `kind`, `authority` (account or issuer) and `name` (role, user or subject)
    /// identify: the first 130 bits of SHA-256 over the JCS form of the three.
    pub fn of(kind: &str, authority: &str, name: &str) -> Self {
        let parts = serde_json::Value::from(vec![kind, authority, name]);
        // JCS of an array of strings is what serde_json writes: no spaces, minimal escapes (RFC 8785 §3.2.2.2).
        let hash = Sha256::digest(parts.to_string().as_bytes());
        let mut text = data_encoding::BASE32_NOPAD.encode(&hash).to_ascii_lowercase();
        text.truncate(26);
        Self(format!("agt_{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_id_is_made_of_kind_authority_and_name() {
        let id = AgentId::of("role", "123456789012", "deploy");
        assert_eq!(id.as_str().parse::<AgentId>(), Ok(id.clone()));
        assert_ne!(id, AgentId::of("user", "123456789012", "deploy"));
        assert_ne!(id, AgentId::of("role", "12345678901", "2deploy"));
    }

    #[test]
    fn ids_are_refused_with_what_is_expected() {
        fn check<T: FromStr<Err = InvalidId>>(text: &str, ok: bool) {
            assert_eq!(text.parse::<T>().is_ok(), ok, "{text}");
        }
        check::<RequestId>("req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW", true);
        check::<RequestId>("req_01kb1y2z3m4n5p6q7r8s9tavbw", false);
        check::<RequestId>("req_01KB1Y2Z3M4N5P6Q7R8S9TAVB", false);
        check::<RequestId>("req_91KB1Y2Z3M4N5P6Q7R8S9TAVBW", false);
        check::<RequestId>("01KB1Y2Z3M4N5P6Q7R8S9TAVBW", false);
        check::<AgentId>("agt_abcdefghijklmnopqrstuvwxy2", true);
        check::<AgentId>("agt_abcdefghijklmnopqrstuvwxy1", false);
        check::<PersonId>("alice.b-2", true);
        check::<PersonId>("Alice", false);
        check::<PersonId>("", false);
        check::<ChannelName>("slack:C0APPROVALS", true);
        check::<ChannelName>("slack:#general", false);
        check::<ChannelName>("email", false);
        check::<Origin>("prod.123456789012.eu-west-1/countersign", true);
        check::<Origin>("log.example/A_1/b", true);
        for none in ["", "prod", "/", "a/", "/a", "a//b", "a/../b", "a b/c", "a+b/c", "a/b\n"] {
            check::<Origin>(none, false);
        }
        let error = "x y".parse::<GroupName>().map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.starts_with("\"x y\" is not a group name: 1 to 64")));
    }
}
