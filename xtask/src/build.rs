//! The functions as programs: built, stripped, found.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::Run;
use crate::repo::{self, Place};
use crate::ui::Line;

/// The functions' packages; their binaries have the same names.
pub const FUNCTIONS: [&str; 5] = ["intake", "notifier", "callback", "relay", "archiver"];
/// All programs of a local stack.
pub const PROGRAMS: [&str; 6] = ["intake", "notifier", "callback", "relay", "archiver", CLI.1];
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
pub fn stripped(place: &Place) -> Result<Vec<(&'static str, PathBuf)>> {
    let folder = place.scratch();
    std::fs::create_dir_all(&folder)?;
    let from = repo::target()?.join("debug");
    FUNCTIONS
        .iter()
        .map(|function| Ok((*function, strip(&from.join(function), &folder.join(function))?)))
        .collect()
}

fn strip(from: &Path, to: &Path) -> Result<PathBuf> {
    let quiet = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let mut objcopy = Command::new("objcopy");
    objcopy.arg("--strip-all").arg(from).arg(to);
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(to).arg(from);
    if !quiet(objcopy) && !quiet(strip) {
        std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(to.to_path_buf())
}
