//! Takes the fields of a JSON object one by one, and refuses what is left over.
//!
//! Written by hand rather than with serde because a refusal must name the field by its pointer and must not repeat
//! what the caller sent: serde's messages show the value.

use std::ops::RangeInclusive;
use std::str::FromStr;

use countersign_domain::Time;
use countersign_domain::ids::InvalidId;
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::request::cut;

/// The fields of one object that nobody has taken yet.
pub(crate) struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

/// What a text may hold.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    /// One line: no control characters.
    Line,
    /// Words of a person or a model: line breaks and tabs, too.
    Prose,
}

impl Text {
    fn admits(self, c: char) -> bool {
        !c.is_control() || (matches!(self, Text::Prose) && matches!(c, '\n' | '\r' | '\t'))
    }
}

impl Fields {
    pub(crate) fn of(object: Map<String, Value>) -> Self {
        Self { left: object, known: Vec::new() }
    }

    /// The field's value; `null` is the same as absent.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        self.take(name).map(|value| read(value).map_err(|problem| within(name, &problem))).transpose()
    }

    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let missing = || Problem::invalid_at(format!("/{name}"), format!("the field {name} is missing"));
        self.optional(name, read)?.ok_or_else(missing)
    }

    /// Refuses a field that nobody took.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let Some((name, _)) = self.left.iter().next() else { return Ok(()) };
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let (name, known) = (cut(name), self.known.join(", "));
        let detail = format!("there is no field {name:?} in this body; it takes {known}");
        Err(Problem::invalid_at(pointer, detail))
    }
}

/// The refusal of a value, told of the field that holds it.
fn within(name: &str, problem: &Problem) -> Problem {
    let place = format!("{name}{}", problem.pointer().unwrap_or_default());
    Problem::new(problem.code(), format!("{place}: {}", problem.detail())).at(format!("/{place}"))
}

/// A text of so many characters.
pub(crate) fn text(kind: Text, length: RangeInclusive<usize>) -> impl Fn(Value) -> Result<String, Problem> {
    move |value| {
        let Value::String(text) = value else { return Err(wanted("a string", &value)) };
        let count = text.chars().count();
        if !length.contains(&count) {
            let (min, max) = (length.start(), length.end());
            return Err(Problem::invalid(format!("has {count} characters; {min} to {max} are possible")));
        }
        match text.chars().find(|c| !kind.admits(*c)) {
            Some(c) => {
                Err(Problem::invalid(format!("holds the control character U+{:04X}; leave it out", c as u32)))
            }
            None => Ok(text),
        }
    }
}

/// A text that is parsed.
pub(crate) fn parsed<T: FromStr<Err = InvalidId>>(value: Value) -> Result<T, Problem> {
    let Value::String(text) = value else { return Err(wanted("a string", &value)) };
    text.parse()
        .map_err(|error: InvalidId| Problem::invalid(format!("no {}; write {}", error.kind, error.expected)))
}

/// An instant, as the API writes them.
pub(crate) fn time(value: Value) -> Result<Time, Problem> {
    let time: Option<Time> = value.as_str().and_then(|text| text.parse().ok());
    let exact = time.filter(|time| value.as_str() == Some(time.to_string().as_str()));
    exact.ok_or_else(|| {
        Problem::invalid("write an RFC 3339 time in UTC with milliseconds, like 2026-11-25T12:00:00.000Z")
    })
}

/// One of a few words.
pub(crate) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(Value) -> Result<T, Problem> {
    move |value| {
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        let listed = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| Problem::invalid(format!("write one of {}", listed())))
    }
}

/// An integer in a range.
pub(crate) fn integer(range: RangeInclusive<u32>) -> impl Fn(Value) -> Result<u32, Problem> {
    move |value| {
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        let detail = || format!("write an integer from {} to {}, without quotes", range.start(), range.end());
        number.ok_or_else(|| Problem::invalid(detail()))
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: Value) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| wanted("true or false", &value))
}

/// An object.
pub(crate) fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(wanted("an object", &other)),
    }
}

/// A list of at most so many of the same.
pub(crate) fn list<T>(
    most: usize,
    read: impl Fn(Value) -> Result<T, Problem>,
) -> impl Fn(Value) -> Result<Vec<T>, Problem> {
    move |value| {
        let Value::Array(items) = value else { return Err(wanted("a list", &value)) };
        if items.len() > most {
            return Err(Problem::invalid(format!(
                "has {} entries; at most {most} are possible",
                items.len()
            )));
        }
        items.into_iter().enumerate().map(|(i, item)| read(item).map_err(|p| p.at(format!("/{i}")))).collect()
    }
}

fn wanted(wanted: &str, given: &Value) -> Problem {
    let given = match given {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Problem::invalid(format!("is {given}; write {wanted}"))
}
