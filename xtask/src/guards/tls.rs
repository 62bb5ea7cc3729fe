//! One TLS stack, rustls on aws-lc: a second one doubles what must be trusted and what is linked.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Complaint;
use super::graph;

/// Each of these is another stack or another crypto provider. (schannel and security-framework stay: rustls
/// reads the system's certificates through them.)
const REFUSED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "boring", "mbedtls"];

pub(super) fn check() -> Result<Vec<Complaint>> {
    // On every platform, and with what tests and build scripts use.
    Ok(complaints(&graph::tree(&["--workspace", "--edges=all", "--target=all"])?))
}

fn complaints(names: &BTreeSet<String>) -> Vec<Complaint> {
    REFUSED
        .iter()
        .filter(|refused| names.contains(**refused))
        .map(|refused| {
            format!("{refused} is in the graph: `cargo tree --workspace -i {refused}` says who brings it; set default-features = false there")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stack_is_noticed() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        assert!(complaints(&names(&["rustls", "aws-lc-rs", "bring", "ring-buffer"])).is_empty());
        let found = complaints(&names(&["rustls", "ring", "native-tls"]));
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("ring is in the graph"));
    }
}
