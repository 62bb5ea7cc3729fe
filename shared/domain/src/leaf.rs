//! The exact bytes of a recorded event: one line of JCS JSON, made once by who records it.
//!
//! Nobody serialises an event again. A verifier hashes bytes, and reads them with [`Leaf::parse`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::canonical::jcs;
use crate::event::{Event, Fact};
use crate::ids::{AgentId, InvalidId, Origin, RequestId};
use crate::time::Time;

/// The longest leaf in bytes. What would be longer is refused before anything is recorded.
pub const MAX_LEAF: usize = 32 * 1024;

/// The schema of the leaves that this code writes.
pub const SCHEMA: u32 = 1;

/// RFC 6962 leaf hash: SHA-256(0x00 ‖ bytes). Written as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeafHash(pub [u8; 32]);

/// Whose events form one chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A request.
    Request(RequestId),
    /// An agent.
    Agent(AgentId),
    /// A log: what happens to itself.
    Log(Origin),
}

/// The end of a subject's chain: what the next event is chained to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last event; 0 when there is none.
    pub seq: u32,
    /// The last leaf's hash; zeros when there is none.
    pub hash: LeafHash,
}

/// What stands around the fact in a leaf: CloudEvents attributes and the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// Which stack recorded it.
    pub source: &'a str,
    /// Whose event it is.
    pub subject: &'a Subject,
    /// The request's number among its agent's requests, from 1; none for an agent's own events.
    pub rno: Option<u64>,
}

/// One leaf: its bytes, hash, number and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Their hash.
    pub hash: LeafHash,
    /// The number in its subject's chain, from 1.
    pub seq: u32,
    /// The type, e.g. `vote.cast`.
    pub kind: String,
}

/// What stands in a leaf around the fact, read without knowing the fact: a newer program may have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose event it is.
    pub subject: Subject,
    /// The number in its subject's chain, from 1.
    pub seq: u32,
    /// The hash of the leaf before it.
    pub prev: LeafHash,
    /// The type, e.g. `vote.cast`.
    pub kind: String,
    /// When it happened.
    pub time: Time,
}

/// A leaf as it is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// `<subject>.<seq>`.
    pub id: String,
    /// Which stack recorded it.
    pub source: String,
    /// Whose event it is.
    pub subject: Subject,
    /// See [`Place::rno`].
    pub rno: Option<u64>,
    /// The number in its subject's chain, from 1.
    pub seq: u32,
    /// The hash of the leaf before it.
    pub prev: LeafHash,
    /// The event.
    pub event: Event,
}

/// Why bytes are not a leaf, or a leaf cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// It would be longer than [`MAX_LEAF`].
    #[error("the event takes {0} bytes; a leaf holds {MAX_LEAF}")]
    TooLong(usize),
    /// The bytes are not what this code writes.
    #[error("not a leaf: {0}")]
    Malformed(String),
    /// The schema is one that this code does not know.
    #[error("schema {0} is newer than this program: use a newer one")]
    Schema(u64),
}

impl Leaf {
    /// Makes the leaf that follows `head`.
    ///
    /// # Errors
    /// [`LeafError::TooLong`] when it would pass [`MAX_LEAF`].
    pub fn make(place: &Place<'_>, head: &Head, event: &Event) -> Result<Leaf, LeafError> {
        let seq = head.seq + 1;
        let fact = serde_json::to_value(&event.fact).map_err(|e| LeafError::Malformed(e.to_string()))?;
        let mut data = fact.get("data").cloned().unwrap_or_else(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            data.retain(|_, v| !v.is_null());
            data.insert("controls".into(), json!(event.fact.controls()));
        }
        let mut leaf = json!({
            "specversion": "1.0",
            "id": format!("{}.{seq}", place.subject),
            "type": event.fact.kind(),
            "source": place.source,
            "subject": place.subject.to_string(),
            "time": event.time,
            "seq": seq,
            "prev": head.hash,
            "schema": SCHEMA,
            "data": data,
        });
        if let (Some(rno), Some(leaf)) = (place.rno, leaf.as_object_mut()) {
            leaf.insert("rno".into(), rno.into());
        }
        let bytes = jcs(&leaf);
        if bytes.len() > MAX_LEAF {
            return Err(LeafError::TooLong(bytes.len()));
        }
        let hash = LeafHash::of(&bytes);
        Ok(Leaf { bytes, hash, seq, kind: event.fact.kind().to_owned() })
    }

    /// Reads a leaf's bytes.
    ///
    /// # Errors
    /// When they are not such a leaf, or of a newer schema.
    pub fn parse(bytes: &[u8]) -> Result<Read, LeafError> {
        let leaf = canonical(bytes)?;
        match leaf.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(schema) => return Err(LeafError::Schema(schema)),
            None => return Err(malformed(&"no schema")),
        }
        let fact: Fact = serde_json::from_value(json!({"type": leaf.get("type"), "data": leaf.get("data")}))
            .map_err(|e| malformed(&e))?;
        let frame = Frame::of(&leaf)?;
        Ok(Read {
            id: text(&leaf, "id")?.to_owned(),
            source: text(&leaf, "source")?.to_owned(),
            subject: frame.subject,
            rno: leaf.get("rno").and_then(Value::as_u64),
            seq: frame.seq,
            prev: frame.prev,
            event: Event { time: frame.time, fact },
        })
    }

    /// The end of the chain after this leaf.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

impl Frame {
    /// Reads the frame of a leaf, whatever its schema and fact.
    ///
    /// # Errors
    /// When the bytes are no leaf of any schema.
    pub fn read(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > MAX_LEAF {
            return Err(LeafError::TooLong(bytes.len()));
        }
        Self::of(&canonical(bytes)?)
    }

    fn of(leaf: &Value) -> Result<Self, LeafError> {
        let seq = leaf.get("seq").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let seq = seq.ok_or(malformed(&"no seq"))?;
        let subject: Subject = text(leaf, "subject")?.parse().map_err(|e: InvalidId| malformed(&e))?;
        if text(leaf, "id")? != format!("{subject}.{seq}") {
            return Err(malformed(&"its id is not its subject and seq"));
        }
        Ok(Self {
            subject,
            seq,
            prev: text(leaf, "prev")?.to_owned().try_into().map_err(|e: InvalidId| malformed(&e))?,
            kind: text(leaf, "type")?.to_owned(),
            time: text(leaf, "time")?.parse::<Time>().map_err(|e| malformed(&e))?,
        })
    }
}

fn malformed(what: &dyn fmt::Display) -> LeafError {
    LeafError::Malformed(what.to_string())
}

fn text<'a>(leaf: &'a Value, name: &str) -> Result<&'a str, LeafError> {
    leaf.get(name).and_then(Value::as_str).ok_or(malformed(&format!("no {name}")))
}

/// What two programs could read differently, e.g. a key that stands there twice, is not what this code writes.
fn canonical(bytes: &[u8]) -> Result<Value, LeafError> {
    let leaf: Value = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
    if jcs(&leaf) == bytes { Ok(leaf) } else { Err(malformed(&"not in canonical form (RFC 8785)")) }
}

impl Head {
    /// The end of a chain that has no event yet.
    pub const EMPTY: Head = Head { seq: 0, hash: LeafHash([0; 32]) };
}

impl LeafHash {
    /// The hash of these leaf bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0u8]).chain_update(bytes).finalize().into())
    }
}

impl From<LeafHash> for String {
    fn from(hash: LeafHash) -> String {
        data_encoding::HEXLOWER.encode(&hash.0)
    }
}

impl TryFrom<String> for LeafHash {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or(InvalidId {
            kind: "leaf hash",
            value: text,
            expected: "64 lower-case hex digits",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Request(id) => id.fmt(f),
            Subject::Agent(id) => id.fmt(f),
            Subject::Log(origin) => origin.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.starts_with("agt_") {
            return text.parse().map(Subject::Agent);
        }
        if text.contains('/') {
            return text.parse().map(Subject::Log);
        }
        text.parse().map(Subject::Request)
    }
}
