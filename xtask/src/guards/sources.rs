//! Packages come from the registry or from this repository, never from git or another registry.

use anyhow::Result;

use super::Complaint;
use super::graph::{self, Package};

/// How cargo names the public registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check() -> Result<Vec<Complaint>> {
    Ok(complaints(&graph::packages()?))
}

fn complaints(packages: &[Package]) -> Vec<Complaint> {
    let foreign = |package: &&Package| package.source.as_deref().is_some_and(|source| source != REGISTRY);
    packages
        .iter()
        .filter(foreign)
        .map(|package| {
            let source = package.source.as_deref().unwrap_or_default();
            format!("{} comes from {source}; use a version from the public registry", package.title())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_registry_and_paths_pass() {
        let check = |source: Option<&str>, allowed: bool| {
            let package = Package {
                name: "x".to_owned(),
                version: "1.0.0".to_owned(),
                license: None,
                source: source.map(str::to_owned),
            };
            assert_eq!(complaints(&[package]).is_empty(), allowed, "{source:?}");
        };
        check(None, true);
        check(Some(REGISTRY), true);
        check(Some("git+https://github.com/x/y#0123"), false);
        check(Some("registry+https://registry.example/index"), false);
    }
}
