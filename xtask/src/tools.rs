//! What the machine must have, and how to get it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repo;

/// The oldest versions that are supported.
const PYTHON: (u32, u32) = (3, 11);
const NODE: u32 = 20;

/// The tools that were found.
#[derive(Clone, Debug)]
pub struct Tools {
    /// A Python ≥ 3.11 that can make virtual environments.
    pub python: PathBuf,
    /// Chromium, for the chat page's scripted reviewer.
    pub chromium: Option<PathBuf>,
    /// cargo-nextest, which runs tests faster.
    pub nextest: bool,
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
    match python {
        Some(python) if lacking.is_empty() => {
            let nextest = answer("cargo-nextest", &["nextest", "--version"]).is_some();
            Ok(Tools { python, chromium, nextest })
        }
        _ => {
            bail!("this machine lacks:\n{}", lacking.iter().map(|l| format!("  - {l}\n")).collect::<String>())
        }
    }
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
    let look = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1], sys.executable)";
    ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"].iter().find_map(|name| {
        let (version, program) = parse_python(&answer(name, &["-c", look])?)?;
        (version >= PYTHON).then_some(program)
    })
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
}
