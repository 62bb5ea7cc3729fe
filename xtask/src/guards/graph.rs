//! What cargo says about the packages that are built together.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::repo;

/// Names of all packages in a tree, itself included. `arguments` as for `cargo tree`.
pub(super) fn tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let mut command = repo::cargo();
    command.args(["tree", "--locked", "--prefix=none", "--format={p}"]).args(arguments);
    let output = command.output().context("cannot start cargo tree")?;
    if !output.status.success() {
        bail!(
            "cargo tree {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(names(&String::from_utf8_lossy(&output.stdout)))
}

/// The normal dependencies of one package, as it is built alone.
pub(super) fn normal_tree(package: &str) -> Result<BTreeSet<String>> {
    tree(&["--edges=normal", "--package", package])
}

fn names(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A package of `cargo metadata`.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    /// SPDX expression.
    pub license: Option<String>,
    /// Where it comes from; none for a path of this repository.
    pub source: Option<String>,
}

impl Package {
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// All packages that cargo may build here, on whatever platform.
pub(super) fn packages() -> Result<Vec<Package>> {
    let mut metadata = repo::metadata(true)?;
    serde_json::from_value(metadata["packages"].take()).context("cargo metadata lists no packages")
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_the_first_word_of_each_line() {
        let text = "intake v0.1.0 (/x/intake)\nserde v1.0.0\nserde v1.0.0 (*)\n\n";
        assert_eq!(super::names(text).into_iter().collect::<Vec<_>>(), ["intake", "serde"]);
    }
}
