//! The policy directory of a local stack: a copy of tests/policy, so that tests may spoil it, with the places
//! filled in that only a running stack knows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Copies `from` to `to`, files only, and replaces each `@NAME@`. One that is left over is an error.
pub fn copy(from: &Path, to: &Path, places: &[(&str, &str)]) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let filled = fill(&text, places);
        if let Some(left) = left_over(&filled) {
            bail!("{}: {left} is not a place that is filled in; there are {}", path.display(), names(places));
        }
        fs::write(to.join(path.file_name().unwrap_or_default()), filled)?;
    }
    Ok(())
}

fn fill(text: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

fn names(places: &[(&str, &str)]) -> String {
    places.iter().map(|(name, _)| format!("@{name}@")).collect::<Vec<_>>().join(", ")
}

/// `@NAME@` in capital letters; an e-mail address is not one.
fn left_over(text: &str) -> Option<&str> {
    text.match_indices('@').find_map(|(at, _)| {
        let end = text[at + 1..].find('@')? + at + 1;
        let name = &text[at + 1..end];
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        is_name.then(|| &text[at..=end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_one_left_over_is_noticed() {
        let text = fill("aliases = [\"oidc:@OIDC@#a\", \"email:a@b.example\"]", &[("OIDC", "http://x")]);
        assert_eq!(text, "aliases = [\"oidc:http://x#a\", \"email:a@b.example\"]");
        assert_eq!(left_over(&text), None);
        assert_eq!(left_over("a@b.example @TEAM_ID@"), Some("@TEAM_ID@"));
    }
}
