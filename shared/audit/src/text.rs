//! Text that somebody else wrote, made so that a terminal shows it and obeys none of it.

use std::fmt::Write as _;

/// `text` with every character that would not be seen, or that would move what is seen, written as `⟦U+XXXX⟧`.
///
/// That is: controls (line breaks, escapes), format characters (bidirectional marks, zero widths, tags), spaces
/// other than U+0020, private and unassigned characters, and the letters and marks that have no ink.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "⟦U+{:04X}⟧", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // The standard library escapes what is not printable. Behind a letter, so that an accent counts as printable.
    is_without_ink(c) || ['a', c].iter().collect::<String>().escape_debug().count() != 2
}

/// Printable by their category, and yet unseen: Default_Ignorable_Code_Point of Unicode 17 that are marks or
/// letters, and the blank Braille pattern.
fn is_without_ink(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        fn check(text: &str, expect: &str) {
            assert_eq!(visible(text), expect, "{text:?}");
        }
        check("s3://bucket/prefix \"x\" \\ '", "s3://bucket/prefix \"x\" \\ '");
        check("Grüße, e\u{301}, 日本語, עברית, हिन्दी, 🙂", "Grüße, e\u{301}, 日本語, עברית, हिन्दी, 🙂");
        check("\u{1b}[31mred", "⟦U+001B⟧[31mred");
        check("a\nb\tc\rd", "a⟦U+000A⟧b⟦U+0009⟧c⟦U+000D⟧d");
        check("\u{7f}\u{9b}31m", "⟦U+007F⟧⟦U+009B⟧31m");
        check("a\u{202e}b\u{2066}c", "a⟦U+202E⟧b⟦U+2066⟧c");
        check("a\u{200b}b\u{feff}c\u{ad}d", "a⟦U+200B⟧b⟦U+FEFF⟧c⟦U+00AD⟧d");
        check("a\u{a0}b\u{2003}c\u{3000}d", "a⟦U+00A0⟧b⟦U+2003⟧c⟦U+3000⟧d");
        check("a\u{2028}b", "a⟦U+2028⟧b");
        check("\u{3164}\u{115f}\u{2800}\u{fe0f}\u{34f}", "⟦U+3164⟧⟦U+115F⟧⟦U+2800⟧⟦U+FE0F⟧⟦U+034F⟧");
        check("\u{e0041}\u{e000}\u{10ffff}", "⟦U+E0041⟧⟦U+E000⟧⟦U+10FFFF⟧");
    }
}
