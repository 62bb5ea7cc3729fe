//! A function links the clients of its role's permissions and no other: what the code can do matches what the
//! role may do.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Complaint;
use super::graph;

/// Function → services its role may call.
const ROLES: &[(&str, &[&str])] = &[
    ("intake", &["dynamodb", "sfn", "lambda"]),
    ("notifier", &["dynamodb", "sfn", "sns", "secretsmanager"]),
    ("callback", &["dynamodb", "sfn", "secretsmanager", "lambda"]),
    ("relay", &["dynamodb", "sfn", "sns", "secretsmanager"]),
    ("archiver", &["dynamodb", "s3", "kms"]),
    ("witness", &["dynamodb", "kms"]),
];

const CLIENT: &str = "aws-sdk-";
/// Linked by aws-config itself, for sign-in on a developer's machine: not clients of ours.
const SIGN_IN: &[&str] = &["sso", "ssooidc", "sts", "signin"];

pub(super) fn check() -> Result<Vec<Complaint>> {
    let mut all = Vec::new();
    for (function, services) in ROLES {
        all.extend(complaints(function, services, &graph::normal_tree(function)?));
    }
    Ok(all)
}

fn complaints(function: &str, services: &[&str], names: &BTreeSet<String>) -> Vec<Complaint> {
    let linked = names.iter().filter_map(|name| name.strip_prefix(CLIENT));
    linked
        .filter(|client| !services.contains(client) && !SIGN_IN.contains(client))
        .map(|client| {
            format!(
                "{function} links {CLIENT}{client}, but its role may not call it: take the feature of \
                 countersign-aws away in functions/{function}/Cargo.toml"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_a_permission_is_noticed() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let services = &["dynamodb", "s3"];
        let good =
            names(&["archiver", "aws-sdk-dynamodb", "aws-sdk-s3", "aws-config", "aws-sigv4", "aws-sdk-sts"]);
        assert!(complaints("archiver", services, &good).is_empty());
        let found = complaints("archiver", services, &names(&["aws-sdk-dynamodb", "aws-sdk-sfn"]));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("archiver links aws-sdk-sfn"));
    }
}
