//! The functions as programs: built, stripped, found.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::Run;
use crate::repo::{self, Place, local};
use crate::ui::Line;

/// The functions' packages; their binaries have the same names.
pub const FUNCTIONS: [&str; 5] = ["intake", "notifier", "callback", "relay", "archiver"];
/// The command line's package and binary.
const CLI: (&str, &str) = ("countersign-cli", "countersign");

/// Builds the functions and the command line as cargo's `dev` profile has them.
pub fn all(place: &Place, line: &Line<'_>) -> Result<()> {
    let mut command = repo::cargo();
    command.args(["build", "--locked"]);
    for package in FUNCTIONS.iter().chain([&CLI.0]) {
        command.args(["--package", package]);
    }
    Run::new(place, "build", command).good(line)?;
    Ok(())
}

/// A function's program as cargo left it, with its symbols.
pub fn built(function: &str) -> Result<PathBuf> {
    let program = repo::target()?.join("debug").join(function);
    if !program.is_file() {
        bail!("{} is not built; `cargo build -p {function}` builds it", program.display());
    }
    Ok(program)
}

/// The `countersign` program.
pub fn cli() -> Result<PathBuf> {
    built(CLI.1)
}

/// Copies of the functions' programs without debug information, which the engine loads faster.
pub fn stripped() -> Result<Vec<(&'static str, PathBuf)>> {
    let folder = local().join("functions");
    std::fs::create_dir_all(&folder)?;
    let from = repo::target()?.join("debug");
    FUNCTIONS
        .iter()
        .map(|function| Ok((*function, strip(&from.join(function), &folder.join(function))?)))
        .collect()
}

fn strip(from: &PathBuf, to: &PathBuf) -> Result<PathBuf> {
    let newer = |a: &PathBuf, b: &PathBuf| -> Option<bool> {
        Some(std::fs::metadata(a).ok()?.modified().ok()? >= std::fs::metadata(b).ok()?.modified().ok()?)
    };
    if newer(to, from) == Some(true) {
        return Ok(to.clone());
    }
    // Another running engine may still hold the old copy: a new file takes its name.
    let draft = to.with_extension("new");
    let quiet = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let mut objcopy = Command::new("objcopy");
    objcopy.arg("--strip-all").arg(from).arg(&draft);
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&draft).arg(from);
    if !quiet(objcopy) && !quiet(strip) {
        std::fs::copy(from, &draft).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    std::fs::rename(&draft, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to.clone())
}
