//! One leaf, read for judging: what stands around the fact, and the fact. It owns all, so that it can go from the
//! thread that reads to the one that judges.

use std::fmt;

use countersign_domain::leaf::LeafHash;
use countersign_domain::{AgentId, Event, Fact, RequestId, Time};
use countersign_tlog::Hash;

use crate::leaf::{LeafView, NotALeaf};

/// A request's ULID as a number: what an index over millions of them can afford.
pub type RequestKey = u128;

/// Whose event it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A request's.
    Request(RequestKey),
    /// An agent's.
    Agent(AgentId),
    /// A log's, by its origin.
    Log(String),
}

/// A leaf in its place.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its place in the log.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
    /// The hash of its subject's leaf before it.
    pub prev: Hash,
    /// When it happened.
    pub time: Time,
    /// Whose it is.
    pub who: Who,
    /// Its number in the subject's chain.
    pub seq: u32,
    /// The request's number among its agent's.
    pub rno: Option<u64>,
    /// Whether the filter selects it.
    pub selected: bool,
    /// What happened, or why this program cannot tell.
    pub event: Result<Event, Box<Unknown>>,
    /// The data as they are, where the log wrote it about itself.
    pub own: Option<Box<str>>,
}

/// A fact that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its type.
    pub kind: String,
    /// Why it cannot be read.
    pub why: String,
}

impl Record {
    /// The record of a leaf's frame.
    ///
    /// # Errors
    /// When it is nobody's.
    pub fn of(index: u64, hash: Hash, selected: bool, leaf: &LeafView<'_>) -> Result<Self, NotALeaf> {
        let who = who(leaf.subject).ok_or_else(|| NotALeaf("its subject is nobody".into()))?;
        let event =
            leaf.event().map_err(|NotALeaf(why)| Box::new(Unknown { kind: leaf.kind.to_owned(), why }));
        let own = matches!(who, Who::Log(_)).then(|| leaf.data.get().into());
        let LeafHash(prev) = leaf.prev;
        let (time, seq, rno) = (leaf.time, leaf.seq, leaf.rno);
        Ok(Self { index, hash, prev, time, who, seq, rno, selected, event, own })
    }

    /// The event's id.
    pub fn id(&self) -> String {
        format!("{}.{}", self.who, self.seq)
    }

    /// The event's type.
    pub fn kind(&self) -> &str {
        self.event.as_ref().map_or_else(|unknown| unknown.kind.as_str(), |event| event.fact.kind())
    }

    /// What happened, where this program knows it.
    pub fn fact(&self) -> Option<&Fact> {
        self.event.as_ref().ok().map(|event| &event.fact)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Request(key) => request_id(*key).fmt(f),
            Who::Agent(id) => id.fmt(f),
            Who::Log(origin) => origin.fmt(f),
        }
    }
}

/// Who an id names.
pub fn who(subject: &str) -> Option<Who> {
    if let Some(ulid) = subject.strip_prefix("req_") {
        return request_key(ulid).map(Who::Request);
    }
    if subject.starts_with("agt_") {
        return subject.parse().ok().map(Who::Agent);
    }
    let origin: Result<countersign_domain::ids::Origin, _> = subject.parse();
    origin.is_ok().then(|| Who::Log(subject.to_owned()))
}

/// The number of a ULID in its one form: 26 upper-case letters and digits.
fn request_key(ulid: &str) -> Option<RequestKey> {
    let bytes: &[u8; 26] = ulid.as_bytes().try_into().ok()?;
    if bytes[0] > b'7' {
        return None;
    }
    bytes.iter().try_fold(0, |key: RequestKey, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'H' => byte - b'A' + 10,
            b'J' | b'K' => byte - b'J' + 18,
            b'M' | b'N' => byte - b'M' + 20,
            b'P'..=b'T' => byte - b'P' + 22,
            b'V'..=b'Z' => byte - b'V' + 27,
            _ => return None,
        };
        Some(key << 5 | RequestKey::from(digit))
    })
}

/// The id of a ULID's number.
pub fn request_id(key: RequestKey) -> RequestId {
    RequestId::from_parts((key >> 80) as u64, key & ((1 << 80) - 1))
}

/// When the id was made, in milliseconds.
pub fn made_at(key: RequestKey) -> i64 {
    (key >> 80) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    #[test]
    fn a_request_id_is_a_number_and_back() {
        for id in [
            "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW",
            "req_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "req_00000000000000000000000000",
        ] {
            let Some(Who::Request(key)) = who(id) else { panic!("{id}") };
            assert_eq!(request_id(key).as_str(), id);
        }
        for (digit, byte) in CROCKFORD.iter().enumerate() {
            let text = format!("0000000000000000000000000{}", char::from(*byte));
            assert_eq!(request_key(&text), Some(digit as u128));
        }
        for none in [
            "req_01KB1Y2Z3M4N5P6Q7R8S9TAVB",
            "req_81KB1Y2Z3M4N5P6Q7R8S9TAVBW",
            "req_01kb1y2z3m4n5p6q7r8s9tavbw",
            "req_0IKB1Y2Z3M4N5P6Q7R8S9TAVBW",
            "agt_1",
            "x",
            "",
        ] {
            assert_eq!(who(none), None, "{none}");
        }
    }
}
