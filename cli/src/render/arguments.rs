//! Arguments, indented for reading and otherwise exactly as they stand: no number or string is written anew.

use super::visible;

/// JSON text indented by two spaces a level. Numbers, strings and the order of members stay as they are; hidden
/// characters in strings are made visible. `json` must be valid JSON.
pub fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut just_opened = false;
    for c in json.chars() {
        if in_string {
            out.push_str(&visible(c.encode_utf8(&mut [0; 4])));
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        // An empty object or array stays on its line.
        if (closes && !just_opened) || (just_opened && !closes) {
            new_line(&mut out, depth);
        }
        just_opened = matches!(c, '{' | '[');
        out.push(c);
        match c {
            '{' | '[' => depth += 1,
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_space_between_tokens_changes() {
        fn check(json: &str, expect: &str) {
            assert_eq!(indented(json), expect, "{json}");
        }
        check("{}", "{}");
        check("{ }", "{}");
        check("[]", "[]");
        check(
            "{\"a\":1.10,\"b\":[1e2,{}],\"a\":-0}",
            "{\n  \"a\": 1.10,\n  \"b\": [\n    1e2,\n    {}\n  ],\n  \"a\": -0\n}",
        );
        check(
            r#"{"a":"x, {y}: \"z\" \\","b":[]}"#,
            "{\n  \"a\": \"x, {y}: \\\"z\\\" \\\\\",\n  \"b\": []\n}",
        );
        check("{\"a\":\"\u{202e}\u{7f}\"}", "{\n  \"a\": \"⟦U+202E⟧⟦U+007F⟧\"\n}");
        check("[[1]]", "[\n  [\n    1\n  ]\n]");
    }
}
