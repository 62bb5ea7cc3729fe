//! How answers look to a person. Every text from elsewhere passes [`visible`] where it is written out.

use std::ffi::OsStr;

mod arguments;
mod card;
mod rows;
mod table;

mod timeline;
mod when;

pub use arguments::indented;
pub use card::{Audience, card, consumed, explanation};
pub use countersign_audit::text::visible;
pub use rows::Rows;
pub use table::table;
pub use timeline::timeline;
pub use when::{ago_or_ahead, short};

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// Colours on a terminal, unless the variable NO_COLOR has a value (<https://no-color.org>).
    pub fn when(terminal: bool, no_color: Option<&OsStr>) -> Self {
        Self(terminal && no_color.is_none_or(OsStr::is_empty))
    }

    /// No colours.
    pub fn none() -> Self {
        Self(false)
    }

    /// Colours.
    pub fn colours() -> Self {
        Self(true)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A label: dim.
    pub fn label(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// Something that matters: bold.
    pub fn strong(self, text: &str) -> String {
        self.sgr("1", text)
    }

    /// Something wrong: red.
    pub fn bad(self, text: &str) -> String {
        self.sgr("31", text)
    }

    /// A status or outcome in its colour. `text` may be padded.
    pub fn status(self, text: &str) -> String {
        let code = match text.trim_end() {
            "approved" | "consumed" | "succeeded" | "allow" => "32",
            "pending" | "needs_info" | "review" => "33",
            _ => "31",
        };
        self.sgr(code, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        fn check(terminal: bool, no_color: Option<&str>, expect: bool) {
            assert_eq!(Paint::when(terminal, no_color.map(OsStr::new)).0, expect, "{terminal} {no_color:?}");
        }
        check(true, None, true);
        check(true, Some(""), true);
        check(true, Some("1"), false);
        check(false, None, false);
        check(false, Some(""), false);
    }
}
