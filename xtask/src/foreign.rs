//! Other people's verifiers of the log (tests/foreign): what they need, and the logs that they are given.
//!
//! It knows nothing of the log's format.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::deploy;
use crate::environments::{node_modules, virtual_environment};
use crate::process::Run;
use crate::repo::{Place, local, root, target};
use crate::stack::Stack;
use crate::tools::{GOPATH, Tools};
use crate::ui::Line;

/// The folder of the verifiers and their tests.
pub fn folder() -> PathBuf {
    root().join("tests/foreign")
}

fn made(name: &str) -> PathBuf {
    local().join("foreign").join(name)
}

/// Makes ready those whose tools are there; says loudly which are not.
pub fn prepare(place: &Place, tools: &Tools, line: &Line<'_>) -> Result<()> {
    std::fs::create_dir_all(made(""))?;
    for absent in tools.absent_verifiers() {
        line.board().print(&format!("NOT VERIFIED BY ALL: this machine lacks {absent}"));
    }
    node_modules(place, "foreign-node", &folder().join("node"), line)?;
    if let Some(python) = &tools.newer_python {
        let folder = folder().join("python");
        virtual_environment(place, "foreign-python", python, &made("venv"), &folder, line)?;
    }
    if tools.go {
        let mut build = Command::new("go");
        build.current_dir(folder().join("go")).args(["build", "-o"]).arg(made("go")).arg(".");
        build.env("GO111MODULE", "off").env("GOPATH", GOPATH).env("GOCACHE", made("go-cache"));
        Run::new(place, "foreign-go", build).good(line)?;
    }
    Ok(())
}

/// What the tests are told of the verifiers that [`prepare`] made ready.
pub fn tell(tests: &mut Command, tools: &Tools) {
    tests.env("FOREIGN_NODE", "there");
    if tools.go {
        tests.env("FOREIGN_GO", made("go"));
    }
    if tools.newer_python.is_some() {
        tests.env("FOREIGN_PYTHON", made("venv/bin/python"));
    }
}

/// Has the library write a log and its fork; where they are.
pub fn write(place: &Place, line: &Line<'_>) -> Result<PathBuf> {
    let folder = fresh(place, "written");
    let mut write = Command::new(target()?.join("debug/examples/log"));
    write.arg(&folder);
    Run::new(place, "foreign-write", write).good(line)?;
    Ok(folder)
}

/// The log of the running stack as it is in its bucket, and a checkpoint of a fork; where they are.
pub fn fetch(place: &Place, stack: &Stack, line: &Line<'_>) -> Result<PathBuf> {
    let folder = fresh(place, "fetched");
    let log = folder.join("log");
    Run::new(place, "foreign-fetch", log_script(stack, "fetch", &[log.as_os_str()])).good(line)?;
    let fork =
        log_script(stack, "fork", &[log.join("checkpoint").as_os_str(), folder.join("fork").as_os_str()]);
    Run::new(place, "foreign-fork", fork).good(line)?;
    Ok(folder)
}

/// `log.py` on the stack.
pub fn log_script(stack: &Stack, command: &str, arguments: &[&OsStr]) -> Command {
    let mut script = deploy::script("log.py");
    script.args(["--url", &stack.engine_url, "--stack", &stack.stack_name, command]).args(arguments);
    script
}

fn fresh(place: &Place, name: &str) -> PathBuf {
    let folder = place.dir().join("foreign").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}
