//! Where things are: the repository, cargo's target folder, and the git-ignored `.local`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The repository's root.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// `.local` in the repository's root: environments, logs, what runs.
pub fn local() -> PathBuf {
    root().join(".local")
}

/// Whether continuous integration runs this: then what is optional must be there too.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// `cargo metadata`, with or without the packages of others.
pub fn metadata(with_dependencies: bool) -> Result<Value> {
    let mut command = cargo();
    command.args(["metadata", "--format-version=1", "--locked"]);
    if !with_dependencies {
        command.arg("--no-deps");
    }
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata did not print JSON")
}

/// Cargo's target folder, which `CARGO_TARGET_DIR` and settings may have moved.
pub fn target() -> Result<PathBuf> {
    let metadata = metadata(false)?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// One running set of services and its files. `up` has `.local` itself; `demo` and `test` have folders of
/// their own, so that none of them touches what another runs.
#[derive(Clone, Debug)]
pub struct Place {
    /// `up`, `demo` or `test`.
    pub name: &'static str,
    dir: PathBuf,
}

impl Place {
    /// The place of `cargo xtask up`.
    pub fn up() -> Self {
        Self { name: "up", dir: local() }
    }

    /// The place of `cargo xtask demo`.
    pub fn demo() -> Self {
        Self { name: "demo", dir: local().join("demo") }
    }

    /// The place of `cargo xtask test`.
    pub fn test() -> Self {
        Self { name: "test", dir: local().join("test") }
    }

    /// A place for a test of this program.
    #[cfg(test)]
    pub fn at(dir: PathBuf) -> Self {
        Self { name: "test of xtask", dir }
    }

    /// All of them.
    pub fn all() -> [Self; 3] {
        [Self::up(), Self::demo(), Self::test()]
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What runs and where: read by tests, the demo and `down`.
    pub fn stack_json(&self) -> PathBuf {
        self.dir.join("stack.json")
    }

    /// The processes of this place.
    pub fn pids_json(&self) -> PathBuf {
        self.dir.join("pids.json")
    }

    /// One log for each process and step.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(format!("{name}.log"))
    }

    /// The policy directory that the functions read here.
    pub fn policy(&self) -> PathBuf {
        self.dir.join("policy")
    }

    /// What the engine writes; removed when it ends.
    pub fn engine(&self) -> PathBuf {
        self.dir.join("engine")
    }

    /// Other files of one run; removed when it ends.
    pub fn scratch(&self) -> PathBuf {
        self.dir.join("scratch")
    }

    /// Makes its folders.
    pub fn make(&self) -> Result<()> {
        let log = self.dir.join("log");
        std::fs::create_dir_all(&log).with_context(|| format!("cannot make {}", log.display()))
    }

    /// Removes what means "this runs", and what only a running engine needs. Logs stay.
    pub fn sweep(&self) {
        for file in [self.stack_json(), self.pids_json()] {
            let _ = std::fs::remove_file(file);
        }
        for folder in [self.engine(), self.policy(), self.scratch()] {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A path as people read it: from the repository's root.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
