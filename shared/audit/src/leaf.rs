//! A leaf as an auditor reads it: its frame, borrowed from its bytes, and its fact when that is asked for.
//!
//! The bytes are hashed as they are, so nothing is serialised again; [`countersign_domain::leaf`] says how they are
//! made.

use std::borrow::Cow;

use countersign_domain::ids::InvalidId;
use countersign_domain::leaf::{LeafHash, MAX_LEAF, SCHEMA, Subject};
use countersign_domain::{Event, Fact, Time};
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The frame of a leaf.
#[derive(Debug, Clone)]
pub struct LeafView<'a> {
    /// `<subject>.<seq>`.
    pub id: &'a str,
    /// The type, e.g. `vote.cast`.
    pub kind: &'a str,
    /// Whose event it is: a request's, an agent's, or the log's.
    pub subject: &'a str,
    /// Which stack recorded it.
    pub source: Cow<'a, str>,
    /// When it happened.
    pub time: Time,
    /// The same as it is written.
    pub time_text: &'a str,
    /// The number in its subject's chain, from 1.
    pub seq: u32,
    /// The hash of the leaf before it.
    pub prev: LeafHash,
    /// The request's number among its agent's.
    pub rno: Option<u64>,
    /// The rules it was written by.
    pub schema: u32,
    /// What happened.
    pub data: &'a RawValue,
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotALeaf(pub String);

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    id: &'a str,
    prev: &'a str,
    rno: Option<u64>,
    schema: u32,
    seq: u32,
    #[serde(borrow)]
    source: Cow<'a, str>,
    specversion: &'a str,
    subject: &'a str,
    time: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl<'a> LeafView<'a> {
    /// Reads the frame, whatever the fact.
    ///
    /// # Errors
    /// When the bytes are no leaf of any schema.
    pub fn read(bytes: &'a [u8]) -> Result<Self, NotALeaf> {
        if bytes.len() > MAX_LEAF {
            return Err(NotALeaf(format!("{} bytes; a leaf holds {MAX_LEAF}", bytes.len())));
        }
        let frame: Frame<'a> = serde_json::from_slice(bytes).map_err(|e| NotALeaf(e.to_string()))?;
        if frame.specversion != "1.0" {
            return Err(NotALeaf("its specversion is not 1.0".into()));
        }
        let numbered = frame.id.strip_prefix(frame.subject).and_then(|rest| rest.strip_prefix('.'));
        if numbered.is_none_or(|number| !is_number(number, frame.seq)) {
            return Err(NotALeaf("its id is not its subject and seq".into()));
        }
        let mut prev = [0; 32];
        let decoded = data_encoding::HEXLOWER.decode_len(frame.prev.len()) == Ok(32)
            && data_encoding::HEXLOWER.decode_mut(frame.prev.as_bytes(), &mut prev).is_ok();
        if !decoded {
            return Err(NotALeaf("its prev is not 64 lower-case hex digits".into()));
        }
        Ok(Self {
            id: frame.id,
            kind: frame.kind,
            subject: frame.subject,
            source: frame.source,
            time: time(frame.time)?,
            time_text: frame.time,
            seq: frame.seq,
            prev: LeafHash(prev),
            rno: frame.rno,
            schema: frame.schema,
            data: frame.data,
        })
    }

    /// The subject as what it is.
    ///
    /// # Errors
    /// When it is no id.
    pub fn subject(&self) -> Result<Subject, InvalidId> {
        self.subject.parse()
    }

    /// Whether the fact is evidence for the control, as the leaf itself says.
    pub fn is_evidence_for(&self, control: &str) -> bool {
        #[derive(Deserialize)]
        struct Controls<'a> {
            #[serde(borrow, default)]
            controls: Vec<Cow<'a, str>>,
        }
        let read: Result<Controls<'_>, _> = serde_json::from_str(self.data.get());
        read.is_ok_and(|data| data.controls.iter().any(|c| c == control))
    }

    /// What happened.
    ///
    /// # Errors
    /// When this program does not know the schema or the type, or the data are not of it.
    pub fn event(&self) -> Result<Event, NotALeaf> {
        if self.schema != SCHEMA {
            return Err(NotALeaf(format!("schema {} is not known: use a newer program", self.schema)));
        }
        let fact = Fact::deserialize(Tagged { kind: self.kind, data: self.data });
        Ok(Event { time: self.time, fact: fact.map_err(|e| NotALeaf(e.to_string()))? })
    }
}

fn is_number(text: &str, number: u32) -> bool {
    text.parse() == Ok(number) && !text.starts_with(['0', '+'])
}

/// The one form that leaves have, `2026-11-25T00:01:02.120Z`, is read here; what else is RFC 3339 by the domain.
fn time(text: &str) -> Result<Time, NotALeaf> {
    let slow = || text.parse().map_err(|_| NotALeaf("its time is not RFC 3339".into()));
    fast_time(text).map_or_else(slow, |millis| Ok(Time::from_millis(millis)))
}

fn fast_time(text: &str) -> Option<i64> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digit = |n: i64, byte: &u8| byte.is_ascii_digit().then(|| n * 10 + i64::from(byte - b'0'));
        bytes.get(from..to)?.iter().try_fold(0, digit)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, millis) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    // Days that not every month has, and leap seconds, are for who knows calendars.
    let plain =
        (1..=12).contains(&month) && (1..=28).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !plain || year < 1970 {
        return None;
    }
    // Years begin with March here, so that the day that comes every four years is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

/// Type and data as one value, the type first: so the data are read straight into the fact.
struct Tagged<'a> {
    kind: &'a str,
    data: &'a RawValue,
}

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(TaggedMap { kind: Some(self.kind), data: Some(self.data), next: 0 })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct TaggedMap<'a> {
    kind: Option<&'a str>,
    data: Option<&'a RawValue>,
    next: u8,
}

impl<'de> MapAccess<'de> for TaggedMap<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key = match self.next {
            0 => "type",
            1 => "data",
            _ => return Ok(None),
        };
        self.next += 1;
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        if let Some(kind) = self.kind.take() {
            return seed.deserialize(BorrowedStrDeserializer::new(kind));
        }
        match self.data.take() {
            Some(data) => seed.deserialize(data),
            None => Err(serde::de::Error::custom("no more values")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_domain_reads_them() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2000-02-28T23:59:59.999Z",
            "2024-02-29T12:00:00.001Z",
            "2026-11-25T00:01:02.120Z",
            "2026-12-31T23:59:59.999Z",
            "2100-03-01T00:00:00.000Z",
            "9999-12-28T21:59:59.999Z",
            "1969-12-31T23:59:59.999Z",
            "2026-11-25T00:01:02Z",
            "2026-02-30T00:00:00.000Z",
            "2026-11-25T24:00:00.000Z",
            "2026-11-25t00:01:02.120Z",
            "x",
        ] {
            assert_eq!(time(text).ok(), text.parse().ok(), "{text}");
        }
        for days in 0..60_000 {
            let wanted = Time::from_millis(days * 86_400_000 + days);
            assert_eq!(time(&wanted.to_string()), Ok(wanted));
        }
    }
}
