//! The files that belong to the repository: tracked, or new and not ignored.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repo;

/// Paths from the root, of files that exist.
pub(super) fn list() -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .current_dir(repo::root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("cannot start git, which lists the repository's files")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let paths = names.map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()));
    // A file that was deleted but not yet committed is still listed.
    Ok(paths.filter(|path| repo::root().join(path).is_file()).collect())
}

/// The text of a file, or none when it is not text.
pub(super) fn text(path: &std::path::Path) -> Option<String> {
    std::fs::read_to_string(repo::root().join(path)).ok()
}
