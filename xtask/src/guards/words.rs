//! What must not stand in the repository's files: paths of one machine, hosts of package registries (ordinary
//! clients know them), and marks of unfinished work. The words are built from pieces, so that this file
//! does not hold them itself.

use std::path::Path;

use anyhow::Result;

use super::Complaint;
use super::files;

/// Lock files name registries by their nature.
const LOCKS: &[&str] = &["Cargo.lock", "package-lock.json", "requirements.txt"];

fn refused() -> Vec<(String, &'static str)> {
    let path = "a path of one machine; take it from a setting or from the repository's root";
    let host = "a registry's host; its ordinary client knows it";
    let unfinished = "unfinished; finish it or take it out";
    [
        (["/wo", "rk/"], path),
        (["/fa", "rm/"], path),
        (["/ro", "ot/"], path),
        (["/tmp/", "target"], path),
        (["py", "pi.org"], host),
        (["files.python", "hosted.org"], host),
        (["registry.np", "mjs"], host),
        (["index.", "crates"], host),
        (["static.", "crates"], host),
        (["deb.", "debian"], host),
        (["TO", "DO"], unfinished),
        (["FIX", "ME"], unfinished),
        (["todo", "!("], unfinished),
        (["unimple", "mented!("], unfinished),
        (["#[ig", "nore"], unfinished),
    ]
    .map(|(pieces, why)| (pieces.concat(), why))
    .into()
}

pub(super) fn check() -> Result<Vec<Complaint>> {
    let refused = refused();
    let mut all = Vec::new();
    for path in files::list()? {
        if path.file_name().is_some_and(|name| LOCKS.iter().any(|lock| name == *lock)) {
            continue;
        }
        let Some(text) = files::text(&path) else { continue };
        all.extend(complaints(&path, &text, &refused));
    }
    Ok(all)
}

fn complaints(path: &Path, text: &str, refused: &[(String, &'static str)]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (word, why) in refused {
            if holds(line, word) {
                found.push(format!("{}:{}: {word:?} is {why}", path.display(), number + 1));
            }
        }
    }
    found
}

/// Whether the line holds the word and not only a longer one.
fn holds(line: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // A path or a word begins after something that is no part of a name.
    let begins_alone = word.starts_with('/') || is_letter(word.chars().next());
    let ends_alone = is_letter(word.chars().next_back());
    line.match_indices(word).any(|(at, _)| {
        let longer_before = begins_alone && is_letter(line[..at].chars().next_back());
        let longer_after = ends_alone && is_letter(line[at + word.len()..].chars().next());
        !longer_before && !longer_after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: usize) {
        assert_eq!(complaints(Path::new("a.md"), line, &refused()).len(), expect, "{line}");
    }

    #[test]
    fn refused_words_are_noticed_and_longer_ones_pass() {
        check(&["see /wo", "rk/main"].concat(), 1);
        check(&["path = \"/ro", "ot/x\""].concat(), 1);
        check("docs/work/flow and frame/root/x", 0);
        check(&["from py", "pi.org/simple"].concat(), 1);
        check(&["// TO", "DO later, FIX", "ME"].concat(), 2);
        check(&["MASTO", "DON"].concat(), 0);
        check(&["#[ig", "nore = \"slow\"]"].concat(), 1);
    }

    #[test]
    fn the_place_is_named() {
        let text = ["ok\nto", "do!(x)"].concat();
        let found = complaints(Path::new("src/a.rs"), &text, &refused());
        assert!(found[0].starts_with("src/a.rs:2:"), "{found:?}");
    }
}
