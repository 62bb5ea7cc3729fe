//! A Rust file that is long holds more than one idea.

use anyhow::Result;

use super::Complaint;
use super::files;

const LIMIT: usize = 600;

pub(super) fn check() -> Result<Vec<Complaint>> {
    let files = files::list()?;
    let rust = files.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    Ok(rust.filter_map(|path| complaint(&path.display().to_string(), &files::text(path)?)).collect())
}

fn complaint(path: &str, text: &str) -> Option<Complaint> {
    let lines = text.lines().count();
    (lines > LIMIT).then(|| format!("{path} has {lines} lines, {LIMIT} at most: one idea for each file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_too_many_is_noticed() {
        assert_eq!(complaint("a.rs", &"x\n".repeat(600)), None);
        assert!(complaint("a.rs", &"x\n".repeat(601)).unwrap().contains("601 lines"));
    }
}
