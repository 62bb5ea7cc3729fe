//! Signs that a text may not be what it looks like. A small honest check, not a proof: it can only raise scrutiny.
//!
//! Mixed scripts and skeletons are those of Unicode Technical Standard #39.

use std::collections::BTreeSet;

use unicode_security::{MixedScript, skeleton};

use crate::text::{Lines, is_hidden, reveal};

/// How strictly a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Names and arguments: what a machine will act on. Every character counts.
    Exact,
    /// Sentences: typographic quotes and whole words of any one script are ordinary.
    Prose,
}

/// What was found, over any number of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    mixed: BTreeSet<&'static str>,
    alike: BTreeSet<&'static str>,
    hidden: BTreeSet<&'static str>,
    right_to_left: BTreeSet<&'static str>,
    words: BTreeSet<String>,
}

/// The most words that are spelled out, and the most characters of each.
const WORDS: usize = 5;
const WORD: usize = 24;

impl Findings {
    /// Looks at one text; `field` is our name for it and appears in [`Findings::sentences`].
    pub fn look(&mut self, field: &'static str, text: &str, reading: Reading) {
        if text.is_ascii() && !text.chars().any(is_unseen) {
            return;
        }
        if text.chars().any(is_unseen) {
            self.hidden.insert(field);
        }
        if text.chars().any(is_right_to_left) {
            self.right_to_left.insert(field);
        }
        let parts = text.split(|c: char| match reading {
            Reading::Exact => c.is_ascii() && !c.is_ascii_alphanumeric() || c.is_whitespace() || is_hidden(c),
            Reading::Prose => !c.is_alphanumeric(),
        });
        for word in parts.filter(|word| !word.is_ascii()) {
            if !word.is_single_script() {
                self.mixed.insert(field);
                self.words.insert(word.to_owned());
            } else if reading == Reading::Exact && skeleton(word).all(|c| c.is_ascii()) {
                self.alike.insert(field);
                self.words.insert(word.to_owned());
            }
        }
    }

    /// One sentence of fixed words for each kind of finding, with the fields it was found in.
    pub fn sentences(&self) -> Vec<String> {
        let kinds = [
            (&self.mixed, "One word mixes letters of different scripts"),
            (&self.alike, "Characters that look like plain letters but are others"),
            (&self.hidden, "Hidden or control characters, written out as ⟦U+…⟧"),
            (&self.right_to_left, "Right-to-left text: what you see may not be in the order that runs"),
        ];
        let found = kinds.iter().filter(|(fields, _)| !fields.is_empty());
        found
            .map(|(fields, says)| {
                format!("{says} ({})", fields.iter().copied().collect::<Vec<_>>().join(", ").to_lowercase())
            })
            .collect()
    }

    /// The suspicious words, each with its code points beyond ASCII written out. Foreign text, ready to be shown.
    pub fn spelled(&self) -> Option<String> {
        if self.words.is_empty() {
            return None;
        }
        let mut lines: Vec<String> = self.words.iter().take(WORDS).map(|word| spell(word)).collect();
        if self.words.len() > WORDS {
            lines.push(format!("and {} more", self.words.len() - WORDS));
        }
        Some(lines.join("\n"))
    }
}

fn spell(word: &str) -> String {
    let head: String = word.chars().take(WORD).collect();
    let mut spelled = String::new();
    for c in head.chars() {
        match c.is_ascii() {
            true => spelled.push(c),
            false => spelled.push_str(&format!("⟦U+{:04X}⟧", u32::from(c))),
        }
    }
    let more = if word.chars().count() > WORD { "…" } else { "" };
    format!("{} = {spelled}{more}", reveal(&head, Lines::One))
}

/// Hidden, but not the line breaks and tabs of an ordinary text.
fn is_unseen(c: char) -> bool {
    is_hidden(c) && !matches!(c, '\n' | '\r' | '\t')
}

/// The blocks that hold only right-to-left scripts.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_deceive_is_named() {
        fn check(text: &str, reading: Reading, says: &[&str], spelled: Option<&str>) {
            let mut findings = Findings::default();
            findings.look("Target", text, reading);
            let sentences = findings.sentences();
            assert_eq!(sentences.len(), says.len(), "{text:?}: {sentences:?}");
            for (sentence, start) in sentences.iter().zip(says) {
                assert!(
                    sentence.starts_with(start) && sentence.ends_with("(target)"),
                    "{text:?}: {sentence}"
                );
            }
            assert_eq!(findings.spelled().as_deref(), spelled, "{text:?}");
        }
        use Reading::{Exact, Prose};
        check("s3://prod-users/2026", Exact, &[], None);
        check("café Ünïcode 日本語テスト 한국어 हिन्दी", Exact, &[], None);
        check("p\u{430}ypal", Exact, &["One word"], Some("p\u{430}ypal = p⟦U+0430⟧ypal"));
        check("p\u{430}ypal", Prose, &["One word"], Some("p\u{430}ypal = p⟦U+0430⟧ypal"));
        let all = "\u{430}\u{441}\u{435}";
        check(all, Exact, &["Characters"], Some("\u{430}\u{441}\u{435} = ⟦U+0430⟧⟦U+0441⟧⟦U+0435⟧"));
        check(all, Prose, &[], None);
        check("prod\u{2215}data", Exact, &["Characters"], Some("prod\u{2215}data = prod⟦U+2215⟧data"));
        check("it\u{2019}s fine \u{2013} really", Prose, &[], None);
        check("αβγ-test", Exact, &[], None);
        check("pay\u{200b}pal", Exact, &["Hidden"], None);
        check("a\tb\r\nc", Prose, &[], None);
        check("\u{7}", Exact, &["Hidden"], None);
        check("bucket-\u{5d0}\u{5d1}", Exact, &["Right-to-left"], None);
    }

    #[test]
    fn many_words_are_counted() {
        let mut findings = Findings::default();
        let words: Vec<String> = (0..8).map(|i| format!("x{i}\u{430}")).collect();
        findings.look("Action", &words.join(" "), Reading::Exact);
        assert!(findings.spelled().is_some_and(|s| s.ends_with("\nand 3 more") && s.lines().count() == 6));
    }
}
