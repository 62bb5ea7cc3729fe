//! The exact action: strict JSON, its RFC 8785 (JCS) form, and the digest that binds an approval to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::ids::{AgentId, InvalidId};

/// What exactly will run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The action's name, e.g. `s3.sync`.
    pub action: String,
    /// What it acts on, e.g. an ARN or a URL.
    pub target: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// 128 random bits per revision: the digest binds the arguments and, with them unknown, hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce([u8; 16]);

/// `sha256:` and 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Action {
    /// The digest of this action asked by `agent`: SHA-256 over JCS({action, target, arguments, agent, nonce}).
    pub fn digest(&self, agent: &AgentId, nonce: &Nonce) -> Digest {
        let nonce = String::from(nonce.clone());
        self.hash(&[("agent", agent.as_str()), ("nonce", &nonce)])
    }

    /// The same without the nonce: equal for equal asks of one agent. It hides nothing, so it never goes in the log.
    pub fn ask_hash(&self, agent: &AgentId) -> Digest {
        self.hash(&[("agent", agent.as_str())])
    }

    fn hash(&self, more: &[(&str, &str)]) -> Digest {
        let mut object = Map::new();
        object.insert("action".into(), self.action.clone().into());
        object.insert("target".into(), self.target.clone().into());
        object.insert("arguments".into(), Value::Object(self.arguments.clone()));
        for (name, value) in more {
            object.insert((*name).into(), (*value).into());
        }
        Digest::of(&jcs(&Value::Object(object)))
    }
}

/// The RFC 8785 bytes of a value.
pub fn jcs(value: &Value) -> Vec<u8> {
    // The canonicalizer fails only for numbers that JSON cannot hold, which a `Value` cannot hold either.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

impl Nonce {
    /// The nonce of these random bits.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(hidden)")
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> String {
        data_encoding::HEXLOWER.encode(&nonce.0)
    }
}

impl TryFrom<String> for Nonce {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or(InvalidId {
            kind: "nonce",
            value: String::new(),
            expected: "32 lower-case hex digits",
        })
    }
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))))
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId {
            kind: "digest",
            value: text.chars().take(80).collect(),
            expected: "sha256: and 64 lower-case hex digits",
        })
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
