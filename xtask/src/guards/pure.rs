//! The crates that decide know no runtime, no network and no cloud.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::Complaint;
use super::graph;
use crate::repo;

/// Pure crates; one that does not exist yet is skipped.
const PURE: &[&str] = &["countersign-domain", "countersign-policy", "countersign-tlog", "countersign-audit"];

/// Packages that do input or output, and beginnings of names.
const REFUSED: &[&str] = &["tokio", "async-std", "smol", "hyper", "reqwest", "ureq", "mio", "socket2"];
const REFUSED_PREFIXES: &[&str] = &["aws-", "lambda_", "hyper-"];

pub(super) fn check() -> Result<Vec<Complaint>> {
    let metadata = repo::metadata(false)?;
    let members = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let exists = |name: &str| members.iter().any(|member| member["name"] == name);
    let mut all = Vec::new();
    for package in PURE.iter().filter(|name| exists(name)) {
        all.extend(complaints(package, &graph::normal_tree(package)?));
    }
    Ok(all)
}

fn complaints(package: &str, names: &BTreeSet<String>) -> Vec<Complaint> {
    let refused = |name: &&String| {
        REFUSED.contains(&name.as_str()) || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    names
        .iter()
        .filter(refused)
        .map(|name| {
            format!(
                "{package} reaches {name}: `cargo tree -p {package} -i {name}` says how; pass data in instead"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_below_a_pure_crate_is_noticed() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        assert!(complaints("d", &names(&["serde", "sha2", "tokio-like"])).is_empty());
        let found = complaints("d", &names(&["serde", "tokio", "aws-config", "reqwest"]));
        assert_eq!(found.len(), 3);
    }
}
