//! HTML for people: one file, no script, nothing loaded from anywhere, made to be printed.
//!
//! Text from elsewhere comes in by [`Html::text`] alone, which escapes it and shows every character that would not be
//! seen. Nothing is decided here.

use crate::text::visible;

pub mod readme;
pub mod request;

/// Finished HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Markup written in this program.
    pub fn own(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// Text from anywhere.
    pub fn text(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for c in visible(text).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
        Self(out)
    }

    /// Text in an element without attributes but its class.
    pub fn element(name: &'static str, class: &'static str, content: Html) -> Self {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        Self(format!("<{name}{class}>{}</{name}>", content.0))
    }

    /// Text that is code: ids, hashes, values.
    pub fn code(text: &str) -> Self {
        Self::element("code", "", Self::text(text))
    }

    /// Adds at the end.
    pub fn push(&mut self, more: Html) -> &mut Self {
        self.0.push_str(&more.0);
        self
    }

    /// One after the other, with something between.
    pub fn join(all: impl IntoIterator<Item = Html>, between: &'static str) -> Self {
        let all: Vec<String> = all.into_iter().map(|html| html.0).collect();
        Self(all.join(between))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list of names and values. Values that are empty are left out.
pub fn facts(rows: impl IntoIterator<Item = (&'static str, Html)>) -> Html {
    let mut body = Html::default();
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        body.push(Html::element("dt", "", Html::text(name))).push(Html::element("dd", "", value));
    }
    Html::element("dl", "", body)
}

/// A table with its head.
pub fn table(class: &'static str, head: &[&str], rows: impl IntoIterator<Item = Vec<Html>>) -> Html {
    let cells = |name, cells: Vec<Html>| {
        let cells = Html::join(cells.into_iter().map(|cell| Html::element(name, "", cell)), "");
        Html::element("tr", "", cells)
    };
    let head = cells("th", head.iter().map(|text| Html::text(text)).collect());
    let body = Html::join(rows.into_iter().map(|row| cells("td", row)), "\n");
    let mut whole = Html::element("thead", "", head);
    whole.push(Html::element("tbody", "", body));
    Html::element("table", class, whole)
}

/// A whole page.
pub fn document(title: &str, body: &Html) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n{body}\n</body>\n</html>\n",
        Html::text(title)
    )
}

const STYLE: &str = include_str!("page/style.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_is_never_markup() {
        fn check(text: &str, expect: &str) {
            assert_eq!(Html::text(text).to_string(), expect);
        }
        check("a < b & c", "a &lt; b &amp; c");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("\" onload='x", "&quot; onload=&#39;x");
        check("&lt;", "&amp;lt;");
        check("a\u{202e}b\u{200b}\n", "a⟦U+202E⟧b⟦U+200B⟧⟦U+000A⟧");
    }

    #[test]
    fn a_page_loads_nothing() {
        let page = document("<t>", &Html::text("x"));
        assert!(page.contains("default-src 'none'") && page.contains("<title>&lt;t&gt;</title>"), "{page}");
        for outside in ["http://", "https://", "url(", "@import", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
