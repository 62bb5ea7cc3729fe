//! `cargo xtask package`: the functions as Lambda takes them, one zip each, for accounts that do not use SAM.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::process::{Run, end_all_on_signal};
use crate::repo::{self, Place, shown};
use crate::ui::Board;
use crate::{build, tools};

/// What to build for.
#[derive(Args, Debug)]
pub struct Options {
    /// The architecture that the template names is arm64
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    arch: Architecture,
    /// Where the zips go
    #[arg(long, default_value = "target/package")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "verbatim")]
enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

/// The functions of both templates: the witness is deployed elsewhere.
fn packed() -> impl Iterator<Item = &'static str> {
    build::FUNCTIONS.into_iter().chain(["witness"])
}

/// Builds with cargo-lambda, packs, and prints the sizes.
pub fn run(options: &Options) -> Result<()> {
    end_all_on_signal()?;
    let place = Place::up();
    place.make()?;
    let tools = tools::find()?;
    let board = Board::new();
    board.phase("build for Lambda", |line| {
        let mut command = repo::cargo();
        command.args(["lambda", "build", "--release", "--locked"]);
        command.arg(match options.arch {
            Architecture::Arm64 => "--arm64",
            Architecture::X86 => "--x86-64",
        });
        for function in packed() {
            command.args(["--package", function]);
        }
        let done = Run::new(&place, "package", command).wait(line)?;
        if done.text.contains("no such command") {
            bail!("cargo-lambda is not here: `pip install cargo-lambda` installs it, with ziglang for other architectures");
        }
        done.good().map(drop)
    })?;
    let built = repo::target()?.join("lambda");
    let out = repo::root().join(&options.out);
    board.phase("pack", |line| {
        let mut command = std::process::Command::new(&tools.python);
        command.arg(repo::root().join("tests/engine/bundle.py")).arg(&out);
        for function in packed() {
            command.arg(format!("{function}={}", built.join(function).join("bootstrap").display()));
        }
        Run::new(&place, "pack", command).good(line).map(drop)
    })?;
    for function in packed() {
        let zip = out.join(format!("{function}.zip"));
        board.print(&format!("  {:>9} bytes  {}", std::fs::metadata(&zip)?.len(), shown(&zip)));
    }
    Ok(())
}
