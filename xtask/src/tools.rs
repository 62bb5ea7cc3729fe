//! What the machine must have, and how to get it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repo;

/// The oldest versions that are supported.
const PYTHON: (u32, u32) = (3, 11);
const NODE: u32 = 20;
/// Of the foreign verifier, which is optional.
const NEWER_PYTHON: (u32, u32) = (3, 12);
/// Where Debian puts the sources of Go packages, and the one that the foreign verifier needs.
pub const GOPATH: &str = "/usr/share/gocode";
const SUMDB: &str = "src/golang.org/x/mod/sumdb/tlog";

/// The tools that were found.
#[derive(Clone, Debug)]
pub struct Tools {
    /// A Python ≥ 3.11 that can make virtual environments.
    pub python: PathBuf,
    /// Chromium, for the chat page's scripted reviewer.
    pub chromium: Option<PathBuf>,
    /// cargo-nextest, which runs tests faster.
    pub nextest: bool,
    /// Go with x/mod, for a foreign verifier.
    pub go: bool,
    /// A Python ≥ 3.12, for another.
    pub newer_python: Option<PathBuf>,
}

/// Looks for everything; fails with the whole list of what lacks. Under CI=true what is optional must be
/// there too.
pub fn find() -> Result<Tools> {
    let mut lacking = Vec::new();
    let python = python();
    if python.is_none() {
        lacking.push(format!(
            "Python {}.{} or newer with the venv module (Debian: apt-get install python3 python3-venv; macOS: brew install python)",
            PYTHON.0, PYTHON.1
        ));
    }
    if node().is_none_or(|major| major < NODE) {
        lacking.push(format!(
            "Node {NODE} or newer (nodejs.org, or Debian: apt-get install nodejs; macOS: brew install node)"
        ));
    }
    if answer("npm", &["--version"]).is_none() {
        lacking.push("npm, which usually comes with Node (Debian: apt-get install npm)".to_owned());
    }
    if answer("cc", &["--version"]).is_none() {
        lacking.push(
            "a C compiler as `cc` (Debian: apt-get install build-essential; macOS: xcode-select --install)"
                .to_owned(),
        );
    }
    let chromium = chromium();
    if chromium.is_none() && repo::in_ci() {
        lacking.push("Chromium (Debian: apt-get install chromium); optional on your own machine".to_owned());
    }
    let (go, newer_python) = (go(), newer_python());
    if repo::in_ci() {
        lacking.extend(absent_verifiers(go, newer_python.is_some()).into_iter().map(str::to_owned));
    }
    match python {
        Some(python) if lacking.is_empty() => {
            let nextest = answer("cargo-nextest", &["nextest", "--version"]).is_some();
            Ok(Tools { python, chromium, nextest, go, newer_python })
        }
        _ => {
            bail!("this machine lacks:\n{}", lacking.iter().map(|l| format!("  - {l}\n")).collect::<String>())
        }
    }
}

impl Tools {
    /// What the log cannot be verified with on this machine, and how to get it.
    pub fn absent_verifiers(&self) -> Vec<&'static str> {
        absent_verifiers(self.go, self.newer_python.is_some())
    }
}

fn absent_verifiers(go: bool, newer_python: bool) -> Vec<&'static str> {
    let all = [
        (
            go,
            "Go with x/mod, which verifies the log (Debian: apt-get install golang-go golang-golang-x-mod-dev)",
        ),
        (
            newer_python,
            "Python 3.12 or newer with the venv module, on the path or in pyenv, which verifies the log",
        ),
    ];
    all.into_iter().filter(|(there, _)| !there).map(|(_, how)| how).collect()
}

/// The file with the system's root certificates.
pub fn certificate_file() -> Result<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    let found = named.into_iter().chain(usual.map(PathBuf::from)).find(|file| file.is_file());
    found.context("this machine has no file of root certificates (Debian: apt-get install ca-certificates)")
}

fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(repo::root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn python() -> Option<PathBuf> {
    let names = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
    names.iter().find_map(|name| python_of(name, PYTHON))
}

/// The first choice's minor version is what the lock file was made under.
fn newer_python() -> Option<PathBuf> {
    let names = ["python3.12", "python3.13", "python3.14", "python3"].map(str::to_owned);
    names.into_iter().chain(pyenv_pythons()).find_map(|name| python_of(&name, NEWER_PYTHON))
}

/// What pyenv holds and does not show.
fn pyenv_pythons() -> Vec<String> {
    let (Some(root), Some(versions)) =
        (answer("pyenv", &["root"]), answer("pyenv", &["versions", "--bare", "--skip-aliases"]))
    else {
        return Vec::new();
    };
    versions.lines().map(|version| format!("{root}/versions/{}/bin/python3", version.trim())).collect()
}

fn python_of(name: &str, oldest: (u32, u32)) -> Option<PathBuf> {
    let look = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1], sys.executable)";
    let (version, program) = parse_python(&answer(name, &["-c", look])?)?;
    (version >= oldest).then_some(program)
}

fn go() -> bool {
    answer("go", &["version"]).is_some() && Path::new(GOPATH).join(SUMDB).is_dir()
}

fn parse_python(line: &str) -> Option<((u32, u32), PathBuf)> {
    let mut words = line.splitn(3, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((version, PathBuf::from(words.next()?)))
}

fn node() -> Option<u32> {
    parse_node(&answer("node", &["--version"])?)
}

fn parse_node(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `CHROMIUM`, or what is on the path, or where macOS keeps it.
fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let on_path = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let mac = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    on_path.chain(mac.map(PathBuf::from)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_node("v20.20.2"), Some(20));
        assert_eq!(parse_node("20"), None);
        let (version, program) = parse_python("3 11 /a b/python3").unwrap();
        assert_eq!((version, program), ((3, 11), PathBuf::from("/a b/python3")));
        assert!((3, 9) < PYTHON && (4, 0) > PYTHON);
    }

    #[test]
    fn a_verifier_that_is_absent_is_named() {
        let check = |go, python, expect: &[&str]| {
            let absent = absent_verifiers(go, python);
            let words: Vec<_> = absent.iter().filter_map(|text| text.split(' ').next()).collect();
            assert_eq!(words, expect);
        };
        check(true, true, &[]);
        check(false, true, &["Go"]);
        check(false, false, &["Go", "Python"]);
    }
}
