//! Arguments as a reviewer reads them: the tokens of their RFC 8785 form, in its order, with line breaks added.

use serde_json::{Map, Value};

/// The longest array or object that stays on one line.
const INLINE: usize = 60;

/// The canonical JSON of `arguments`, indented by two. What is between the tokens is ours; every token, and their
/// order, is that of the bytes that the digest is made of.
pub fn pretty(arguments: &Map<String, Value>) -> String {
    let bytes = countersign_domain::canonical::jcs(&Value::Object(arguments.clone()));
    let canonical = String::from_utf8_lossy(&bytes);
    let mut out = String::with_capacity(canonical.len() * 2);
    let mut depth = 0;
    let mut inline_until = 0;
    let mut string = InString::default();
    for (i, c) in canonical.char_indices() {
        let inline = i < inline_until;
        if string.step(c) {
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' if !inline => {
                out.push(c);
                match closing(&canonical[i..]).filter(|end| *end == 2 || i > 0) {
                    Some(end) => inline_until = i + end,
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' if !inline => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' if !inline => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ',' | ':' => out.extend([c, ' ']),
            _ => out.push(c),
        }
    }
    out
}

/// Whether the characters seen so far end inside a JSON string.
#[derive(Default)]
struct InString {
    open: bool,
    escaped: bool,
}

impl InString {
    /// Takes the next character; true when it belongs to a string, its quotes included.
    fn step(&mut self, c: char) -> bool {
        let was_open = self.open;
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' if self.open => self.escaped = true,
            '"' => self.open = !self.open,
            _ => {}
        }
        was_open || self.open
    }
}

/// The length of the array or object that `json` begins with, brackets included, if that is at most [`INLINE`] bytes.
fn closing(json: &str) -> Option<usize> {
    let mut depth = 0;
    let mut string = InString::default();
    for (i, c) in json.char_indices().take_while(|(i, _)| *i < INLINE) {
        match (string.step(c), c) {
            (false, '{' | '[') => depth += 1,
            (false, '}' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn arguments_are_canonical_and_indented() {
        fn check(json: &str, expect: &str) {
            assert_eq!(pretty(&object(json)), expect);
        }
        check("{}", "{}");
        check(r#"{"b":1.0,"a":1e21}"#, "{\n  \"a\": 1e+21,\n  \"b\": 1\n}");
        check(r#"{"a":[1,[2],{"x":[]}]}"#, "{\n  \"a\": [1, [2], {\"x\": []}]\n}");
        check(r#"{"a":"}, \"b\": [\\","c":{}}"#, "{\n  \"a\": \"}, \\\"b\\\": [\\\\\",\n  \"c\": {}\n}");
        let long = "x".repeat(60);
        check(
            &format!(r#"{{"a":{{"k":"{long}","l":[1,2]}}}}"#),
            &format!("{{\n  \"a\": {{\n    \"k\": \"{long}\",\n    \"l\": [1, 2]\n  }}\n}}"),
        );
        // JCS orders by UTF-16 code units: U+1F600 comes before U+FB33.
        check("{\"\u{fb33}\":1,\"\u{1f600}\":2}", "{\n  \"\u{1f600}\": 2,\n  \"\u{fb33}\": 1\n}");
    }

    proptest! {
        #[test]
        fn only_space_is_added(keys in proptest::collection::vec(".{0,30}", 0..8), depth in 0usize..20) {
            let mut map = Map::new();
            for (i, key) in keys.iter().enumerate() {
                let mut value = Value::String(key.chars().rev().collect());
                for level in 0..depth * i {
                    value = if level % 2 == 0 { vec![value].into() } else { serde_json::json!({ key: value }) };
                }
                map.insert(key.clone(), value);
            }
            let read: Value = serde_json::from_str(&pretty(&map)).unwrap();
            prop_assert_eq!(read, Value::Object(map));
        }
    }
}
