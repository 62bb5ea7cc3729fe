//! The Python and Node packages of the local engine and the stand-ins, from their lock files. Made again only
//! when a lock changes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::Run;
use crate::repo::{Place, local, root};
use crate::tools::Tools;
use crate::ui::Line;

/// The interpreter of the project's own virtual environment.
pub fn python() -> PathBuf {
    local().join("venv/bin/python")
}

/// The folder of the chat and sign-in stand-ins.
pub fn chat() -> PathBuf {
    root().join("tests/chat")
}

/// The folder of the engine and its scripts.
pub fn engine() -> PathBuf {
    root().join("tests/engine")
}

/// Makes `.local/venv` hold exactly what tests/engine/requirements.txt pins by hash.
pub fn prepare_python(place: &Place, tools: &Tools, line: &Line<'_>) -> Result<()> {
    virtual_environment(place, "python", &tools.python, &local().join("venv"), &engine(), line)
}

/// Makes tests/chat/node_modules hold exactly what package-lock.json says.
pub fn prepare_node(place: &Place, line: &Line<'_>) -> Result<()> {
    node_modules(place, "node", &chat(), line)
}

/// Makes `venv` hold exactly what the folder's requirements.txt pins by hash.
pub fn virtual_environment(
    place: &Place,
    name: &str,
    python: &Path,
    venv: &Path,
    folder: &Path,
    line: &Line<'_>,
) -> Result<()> {
    let lock = folder.join("requirements.txt");
    let made_of = format!("{}\n{}", python.display(), read(&lock)?);
    let own = venv.join("bin/python");
    prepare(name, &made_of, &own, || {
        let _ = std::fs::remove_dir_all(venv);
        let mut make = Command::new(python);
        make.args(["-m", "venv"]).arg(venv);
        Run::new(place, &format!("{name}-venv"), make).good(line)?;
        let mut install = Command::new(&own);
        install
            .args(["-m", "pip", "install", "--require-hashes", "--disable-pip-version-check", "-r"])
            .arg(&lock);
        Run::new(place, &format!("{name}-pip"), install).good(line)?;
        Ok(())
    })
}

/// Makes the folder's node_modules hold exactly what its package-lock.json says.
pub fn node_modules(place: &Place, name: &str, folder: &Path, line: &Line<'_>) -> Result<()> {
    let lock = read(&folder.join("package-lock.json"))?;
    prepare(name, &lock, &folder.join("node_modules"), || {
        let mut install = Command::new("npm");
        install.current_dir(folder).args(["ci", "--no-audit", "--no-fund"]);
        Run::new(place, &format!("{name}-npm"), install).good(line)?;
        Ok(())
    })
}

/// Calls `make` unless `result` exists and was made of the same. One xtask at a time.
fn prepare(name: &str, made_of: &str, result: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let marker = local().join(format!("{name}.made-of"));
    let lock = File::create(local().join(format!("{name}.lock"))).context("cannot write into .local")?;
    lock.lock().context("cannot lock .local")?;
    if result.exists() && std::fs::read_to_string(&marker).is_ok_and(|text| text == made_of) {
        return Ok(());
    }
    let _ = std::fs::remove_file(&marker);
    make()?;
    std::fs::write(&marker, made_of).with_context(|| format!("cannot write {}", marker.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
