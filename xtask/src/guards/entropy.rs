//! aws-lc without its CPU jitter source: with it, the first TLS handshake of a small function takes 464 ms
//! instead of 20. The switch is read while aws-lc is built, so a build that lost it looks like any other; here
//! the setting and its effect are both looked at.

use anyhow::{Context, Result};

use super::Complaint;
use crate::{build, repo};

const VARIABLE: &str = "AWS_LC_SYS_NO_JITTER_ENTROPY";

/// The setting stands in `.cargo/config.toml` and reached this process.
pub(super) fn check_setting() -> Result<Vec<Complaint>> {
    let file = repo::root().join(".cargo/config.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let effective = std::env::var(VARIABLE).ok();
    Ok(setting(&text, effective.as_deref()))
}

fn setting(config: &str, effective: Option<&str>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let (mut in_env, mut set) = (false, false);
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            in_env = line == "[env]";
        }
        set |= in_env && line.split_whitespace().collect::<String>() == format!("{VARIABLE}=\"1\"");
    }
    if !set {
        found.push(format!(".cargo/config.toml must say {VARIABLE} = \"1\" under [env]"));
    }
    if effective != Some("1") {
        found.push(format!(
            "{VARIABLE} is {effective:?} here, not \"1\": run this as `cargo xtask`, and unset the variable in the shell"
        ));
    }
    found
}

/// No built function holds the jitter collector.
pub(super) fn check_effect() -> Result<Vec<Complaint>> {
    let mut found = Vec::new();
    for function in build::FUNCTIONS {
        let program = build::built(function)?;
        let bytes = std::fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
        found.extend(effect(function, &bytes));
    }
    Ok(found)
}

/// The collector's functions begin with `jent_`; the programs looked at still have their symbols.
fn effect(function: &str, program: &[u8]) -> Option<Complaint> {
    let name = ["jent", "_entropy_collector"].concat();
    memchr::memmem::find(program, name.as_bytes()).map(|_| {
        format!("{function} was linked with aws-lc's jitter collector: `cargo clean -p aws-lc-sys`, then build with cargo in this repository")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_setting_is_noticed() {
        let check = |config: &str, effective: Option<&str>, complaints: usize| {
            assert_eq!(setting(config, effective).len(), complaints, "{config:?} {effective:?}");
        };
        let good = format!("[alias]\nx = \"y\"\n[env]\n# why\n{VARIABLE} = \"1\"\n");
        check(&good, Some("1"), 0);
        check(&good, None, 1);
        check(&good, Some("0"), 1);
        check(&good.replace("[env]", "[other]"), Some("1"), 1);
        check(&good.replace(VARIABLE, &format!("# {VARIABLE}")), Some("1"), 1);
    }

    #[test]
    fn a_program_with_the_collector_is_noticed() {
        assert!(effect("intake", b"xx jent_entropy_collector_alloc xx").is_some());
        assert!(effect("intake", b"xx jent xx").is_none());
    }
}
