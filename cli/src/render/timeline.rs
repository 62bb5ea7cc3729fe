//! The recorded facts of a request, one a line, with the time from the first.

use jiff::Timestamp;
use serde_json::Value;

use super::{Paint, short, visible};
use crate::view::Leaf;

/// Members that are the same everywhere, repeat the line's time, or are salted hashes of words; `--json` has them.
const LEFT_OUT: &[&str] = &[
    "controls",
    "at",
    "shown",
    "justification",
    "reason",
    "comment",
    "question",
    "answer",
    "detail",
    "attempt",
];

/// The longest value shown, in characters.
const LONGEST: usize = 60;

/// One line for each event: when, how long after the first, what, and its plain members.
pub fn timeline(events: &[Leaf], paint: Paint) -> String {
    let first = events.first().and_then(|e| e.time.parse::<Timestamp>().ok());
    let widest = events.iter().map(|e| visible(&e.kind).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for event in events {
        let kind = format!("{:<widest$}", visible(&event.kind));
        let line = format!(
            "{}  {:>10}  {}  {}",
            visible(&short(&event.time)),
            since(first, &event.time),
            paint.strong(&kind),
            paint.label(&members(event)),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn since(first: Option<Timestamp>, time: &str) -> String {
    let (Some(first), Ok(at)) = (first, time.parse::<Timestamp>()) else {
        return String::new();
    };
    let millis = at.as_millisecond().saturating_sub(first.as_millisecond());
    format!("+{}.{:03}s", millis / 1000, millis.rem_euclid(1000))
}

fn members(event: &Leaf) -> String {
    let shown = event.data.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    let shown = shown.filter_map(|(name, value)| Some(format!("{name}={}", plain(value)?)));
    visible(&shown.collect::<Vec<_>>().join(" "))
}

/// A value in a few characters: scalars, lists of scalars, the `id` of an object. Else nothing.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => shortened(text),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(",")
        }
        Value::Object(object) => plain(object.get("id")?)?,
        Value::Null | Value::Array(_) => return None,
    };
    Some(text)
}

fn shortened(text: &str) -> String {
    let most = if text.starts_with("sha256:") { "sha256:".len() + 12 } else { LONGEST };
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most).chain(['…']).collect()
}
