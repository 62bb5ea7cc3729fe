//! Every package has a licence from this list. deny.toml names the same; a test here holds them together.

use anyhow::Result;

use super::Complaint;
use super::graph::{self, Package};

/// Permissive licences that ask for no more than attribution.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
    "CC0-1.0",
];

pub(super) fn check() -> Result<Vec<Complaint>> {
    Ok(complaints(&graph::packages()?))
}

fn complaints(packages: &[Package]) -> Vec<Complaint> {
    packages
        .iter()
        .filter_map(|package| Some(format!("{}: {}", package.title(), problem(package)?)))
        .collect()
}

fn problem(package: &Package) -> Option<String> {
    let Some(licence) = package.license.as_deref() else {
        return Some("names no licence; use another package".to_owned());
    };
    // Older packages write "MIT/Apache-2.0".
    match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
        Err(error) => Some(format!("licence {licence:?} cannot be read: {error}")),
        Ok(expression) => {
            let allowed =
                expression.evaluate(|requirement| ALLOWED.contains(&requirement.to_string().as_str()));
            (!allowed)
                .then(|| format!("licence {licence:?} is not on the list in xtask/src/guards/licences.rs"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(licence: &str, allowed: bool) {
        let package = Package {
            name: "x".to_owned(),
            version: "1.0.0".to_owned(),
            license: Some(licence.to_owned()),
            source: None,
        };
        assert_eq!(complaints(&[package]).is_empty(), allowed, "{licence}");
    }

    #[test]
    fn each_expression_is_weighed() {
        check("MIT", true);
        check("MIT OR GPL-3.0-only", true);
        check("MIT AND GPL-3.0-only", false);
        check("MIT/Apache-2.0", true);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("GPL-3.0-only", false);
        check("AGPL-3.0-or-later", false);
        check("no licence at all", false);
    }

    #[test]
    fn a_package_without_a_licence_is_refused() {
        let package =
            Package { name: "x".to_owned(), version: "1.0.0".to_owned(), license: None, source: None };
        assert_eq!(complaints(&[package]), ["x 1.0.0: names no licence; use another package"]);
    }

    #[test]
    fn deny_toml_allows_the_same() {
        let text = std::fs::read_to_string(crate::repo::root().join("deny.toml")).unwrap();
        let list = text.split_once("\nallow = [").unwrap().1.split_once(']').unwrap().0;
        let mut theirs: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        let mut ours = ALLOWED.to_vec();
        theirs.sort_unstable();
        ours.sort_unstable();
        assert_eq!(theirs, ours);
    }
}
