//! How a text that somebody else wrote is shown: nothing hidden, nothing split, and what is left out is counted.
//!
//! It knows no card and no platform. Every renderer passes foreign text through [`reveal`] and then [`fit`] or
//! [`pages`]; the result is meant for a place where the platform reads no markup.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a text may have line breaks where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One line: line breaks are shown as code points, so that no text can fake a second field.
    One,
    /// Line breaks are kept.
    Many,
}

/// How much of a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Bytes as a JSON string, without the quotes.
    pub bytes: usize,
    /// Lines, at least 1; with 1 the mark of a cut stands inside the line.
    pub lines: usize,
}

/// A text with a limit applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// What is shown. Never empty.
    pub text: String,
    /// Whether something was left out.
    pub cut: bool,
}

/// The longest run of spaces or line breaks that stays as it is. Longer ones push text out of sight.
const RUN: usize = 2;
/// The deepest indentation that arguments of depth 32 can have.
const INDENT: usize = 64;
/// The most combining marks on one letter. More of them paint over the lines above.
const MARKS: usize = 3;
/// Room for the mark of a cut.
const MARK: usize = 64;

/// The text with everything that a reader could not see or could mistake for layout written out: `⟦U+202E⟧` for a
/// character without a picture of its own, `⟦40 spaces⟧` for padding, `⟦empty⟧` for nothing at all. The brackets
/// themselves are written out where they come from the text, so they cannot be forged.
pub fn reveal(text: &str, lines: Lines) -> String {
    if text.is_empty() {
        return "⟦empty⟧".to_owned();
    }
    let lines = if text.trim().is_empty() { Lines::One } else { lines };
    let text = if lines == Lines::Many { text.replace("\r\n", "\n") } else { text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut line_start = true;
    let mut marks = MARKS;
    while let Some(c) = rest.next() {
        let mut run = 1;
        while matches!(c, ' ' | '\n') && rest.next_if_eq(&c).is_some() {
            run += 1;
        }
        let edge = line_start || rest.peek().is_none();
        match (c, lines) {
            (' ', Lines::One) if run > RUN || edge => spell_run(&mut out, c, run, "spaces"),
            (' ', Lines::Many) if run > if line_start { INDENT } else { RUN } => {
                spell_run(&mut out, c, run, "spaces");
            }
            ('\n', Lines::One) => spell_run(&mut out, c, run, "line breaks"),
            ('\n', Lines::Many) if run > RUN => {
                out.push('\n');
                spell_run(&mut out, c, run, "line breaks");
                out.push('\n');
            }
            (' ' | '\n', _) => out.extend(std::iter::repeat_n(c, run)),
            _ if is_mark(c) && marks >= MARKS => spell(&mut out, c),
            _ if is_hidden(c) || matches!(c, '⟦' | '⟧') => spell(&mut out, c),
            _ => out.push(c),
        }
        marks = match c {
            ' ' | '\n' => MARKS,
            _ if is_mark(c) => marks + 1,
            _ if out.ends_with('⟧') => MARKS,
            _ => 0,
        };
        line_start = c == '\n';
    }
    out
}

/// Whether a character has no picture of its own: controls, formats (bidirectional, zero-width, tags), spaces other
/// than the plain one, private use, unassigned, and the few letters, marks and symbols that are drawn as nothing.
pub fn is_hidden(c: char) -> bool {
    use GeneralCategory as G;
    match c {
        ' ' => false,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d159}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => matches!(
            c.general_category(),
            G::Control
                | G::Format
                | G::Surrogate
                | G::PrivateUse
                | G::Unassigned
                | G::LineSeparator
                | G::ParagraphSeparator
                | G::SpaceSeparator
        ),
    }
}

/// The shown text, or its head and tail with a mark that says how many bytes are left out between them. Cuts only
/// between whole characters with their marks, and never inside `⟦…⟧`.
pub fn fit(shown: &str, limit: Limit) -> Fit {
    if encoded_len(shown) <= limit.bytes && shown.split('\n').count() <= limit.lines {
        return Fit { text: shown.to_owned(), cut: false };
    }
    let atoms = atoms(shown);
    let bytes = limit.bytes.saturating_sub(MARK);
    let (head_lines, tail_lines, line_break) = match limit.lines.saturating_sub(1) {
        0 => (1, 1, ""),
        lines => (lines - lines / 3, lines / 3, "\n"),
    };
    let head = take(atoms.iter(), bytes - bytes / 3, head_lines);
    let (head, rest) = atoms.split_at(head);
    let tail = take(rest.iter().rev(), bytes / 3, tail_lines);
    let (left_out, tail) = rest.split_at(rest.len() - tail);
    let left_out: usize = left_out.iter().map(|atom| atom.len()).sum();
    let mark = format!("⟦… {left_out} of {} bytes not shown …⟧", shown.len());
    let parts = [head.concat(), mark, tail.concat()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Fit { text: parts.join(line_break), cut: true }
}

/// The whole shown text in pages of at most `units` UTF-16 code units, broken after a line where that is possible.
pub fn pages(shown: &str, units: usize) -> Vec<String> {
    let mut pages = Vec::new();
    let mut page = String::new();
    let mut used = 0;
    for atom in atoms(shown) {
        let more: usize = atom.chars().map(char::len_utf16).sum();
        if used + more > units && !page.is_empty() {
            // A line that starts in the first half is broken rather than moved, or pages would be near empty.
            let at = page.rfind('\n').map(|i| i + 1).filter(|i| *i > page.len() / 2).unwrap_or(page.len());
            let rest = page.split_off(at);
            pages.push(std::mem::replace(&mut page, rest));
            used = page.chars().map(char::len_utf16).sum();
        }
        page.push_str(atom);
        used += more;
    }
    pages.push(page);
    pages
}

/// How many bytes a revealed text takes inside a JSON string.
pub fn encoded_len(shown: &str) -> usize {
    shown.chars().map(|c| if matches!(c, '"' | '\\' | '\n') { 2 } else { c.len_utf8() }).sum()
}

fn take<'a>(atoms: impl Iterator<Item = &'a &'a str>, bytes: usize, lines: usize) -> usize {
    let (mut used, mut breaks) = (0, 0);
    atoms
        .take_while(|atom| {
            used += encoded_len(atom);
            breaks += usize::from(**atom == "\n");
            used <= bytes && breaks < lines
        })
        .count()
}

/// The pieces that a cut must not split: a character with its marks, or one `⟦…⟧`.
fn atoms(shown: &str) -> Vec<&str> {
    let mut atoms = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (i, c) in shown.char_indices() {
        if i > start && !inside && !is_mark(c) {
            atoms.push(&shown[start..i]);
            start = i;
        }
        inside = c == '⟦' || inside && c != '⟧';
    }
    if start < shown.len() {
        atoms.push(&shown[start..]);
    }
    atoms
}

fn is_mark(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

fn spell(out: &mut String, c: char) {
    out.push_str(&format!("⟦U+{:04X}⟧", u32::from(c)));
}

fn spell_run(out: &mut String, c: char, run: usize, name: &str) {
    match run {
        1 => spell(out, c),
        _ => out.push_str(&format!("⟦{run} {name}⟧")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        fn check(text: &str, one: &str, many: &str) {
            assert_eq!(reveal(text, Lines::One), one, "one line of {text:?}");
            assert_eq!(reveal(text, Lines::Many), many, "many lines of {text:?}");
        }
        check("", "⟦empty⟧", "⟦empty⟧");
        check("s3://a/b c", "s3://a/b c", "s3://a/b c");
        check("gpj\u{202e}.exe", "gpj⟦U+202E⟧.exe", "gpj⟦U+202E⟧.exe");
        check("a\u{200b}b\u{feff}\u{a0}c", "a⟦U+200B⟧b⟦U+FEFF⟧⟦U+00A0⟧c", "a⟦U+200B⟧b⟦U+FEFF⟧⟦U+00A0⟧c");
        check("a\u{e0041}\u{3164}\u{2800}", "a⟦U+E0041⟧⟦U+3164⟧⟦U+2800⟧", "a⟦U+E0041⟧⟦U+3164⟧⟦U+2800⟧");
        check(
            "\u{7f}\t\u{85}\u{e000}",
            "⟦U+007F⟧⟦U+0009⟧⟦U+0085⟧⟦U+E000⟧",
            "⟦U+007F⟧⟦U+0009⟧⟦U+0085⟧⟦U+E000⟧",
        );
        check("a\nb", "a⟦U+000A⟧b", "a\nb");
        check("a\r\nb\rc", "a⟦U+000D⟧⟦U+000A⟧b⟦U+000D⟧c", "a\nb⟦U+000D⟧c");
        check("a\n\n\n\nb", "a⟦4 line breaks⟧b", "a\n⟦4 line breaks⟧\nb");
        check("a      b", "a⟦6 spaces⟧b", "a⟦6 spaces⟧b");
        check(" a ", "⟦U+0020⟧a⟦U+0020⟧", " a ");
        check("   ", "⟦3 spaces⟧", "⟦3 spaces⟧");
        check("\n", "⟦U+000A⟧", "⟦U+000A⟧");
        check("x\n    y", "x⟦U+000A⟧⟦4 spaces⟧y", "x\n    y");
        check("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧");
        check("e\u{301}", "e\u{301}", "e\u{301}");
        check("\u{301}e", "⟦U+0301⟧e", "⟦U+0301⟧e");
        check(
            "e\u{301}\u{301}\u{301}\u{301}",
            "e\u{301}\u{301}\u{301}⟦U+0301⟧",
            "e\u{301}\u{301}\u{301}⟦U+0301⟧",
        );
        check("日本語 हिन्दी Ünï", "日本語 हिन्दी Ünï", "日本語 हिन्दी Ünï");
    }

    #[test]
    fn a_long_text_shows_head_tail_and_count() {
        fn check(text: &str, bytes: usize, lines: usize, expect: &str) {
            assert_eq!(fit(text, Limit { bytes, lines }).text, expect);
        }
        check("short", 5, 1, "short");
        let digits = "0123456789".repeat(20);
        check(&digits, 94, 1, "01234567890123456789⟦… 170 of 200 bytes not shown …⟧0123456789");
        check(&digits, 94, 4, "01234567890123456789\n⟦… 170 of 200 bytes not shown …⟧\n0123456789");
        check("1\n2\n3\n4\n5\n6\n7\n8", 500, 4, "1\n2\n⟦… 11 of 15 bytes not shown …⟧\n8");
        // Neither a bracket nor a letter with its mark is split: the part that would stick out is left out.
        check(&format!("aaaa⟦U+202E⟧{digits}"), 73, 1, "aaaa⟦… 209 of 216 bytes not shown …⟧789");
        check(&format!("aaaae\u{301}e\u{301}{digits}"), 72, 1, "aaaa⟦… 204 of 210 bytes not shown …⟧89");
    }

    proptest! {
        #[test]
        fn revealed_text_hides_nothing_and_fits(text in ".{0,400}", bytes in 80usize..300, lines in 1usize..9) {
            for many in [Lines::One, Lines::Many] {
                let shown = reveal(&text, many);
                prop_assert!(shown.chars().all(|c| c == '\n' || !is_hidden(c)), "{shown:?}");
                prop_assert!(many == Lines::Many || !shown.contains('\n'));
                prop_assert_eq!(encoded_len(&shown) + 2, serde_json::to_string(&shown).unwrap().len());
                let fitted = fit(&shown, Limit { bytes, lines });
                prop_assert!(encoded_len(&fitted.text) <= bytes, "{fitted:?}");
                prop_assert!(fitted.text.split('\n').count() <= lines, "{fitted:?}");
                prop_assert_eq!(fitted.cut, fitted.text != shown);
                let pages = pages(&shown, 50);
                prop_assert_eq!(pages.concat(), shown);
                prop_assert!(pages.iter().all(|p| !p.is_empty() && p.encode_utf16().count() <= 50));
            }
        }

        #[test]
        fn different_texts_are_never_shown_alike(a in "[ab ⟦⟧\u{202e}\u{200b}]{0,8}", b in "[ab ⟦⟧\u{202e}\u{200b}]{0,8}") {
            prop_assert_eq!(a == b, reveal(&a, Lines::One) == reveal(&b, Lines::One));
        }
    }
}
