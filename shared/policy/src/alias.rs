//! What a person is known as elsewhere. The text of each form stands at [`Alias`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One way in which another system names a person.
///
/// Text that parses is well formed; a value put together elsewhere is only ever compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Alias {
    /// `slack:<team or enterprise id>/<user id>`, e.g. `slack:T0COUNTER/U0ALICE`.
    Slack {
        /// The team's (T…) or enterprise's (E…) id.
        workspace: String,
        /// The user's id (U… or W…).
        user: String,
    },
    /// `teams:<tenant id>/<Entra object id>`, both UUIDs.
    Teams {
        /// The tenant's id.
        tenant: String,
        /// The user's object id.
        user: String,
    },
    /// `oidc:<issuer>#<subject>`, both exactly as the token has them. The issuer is an https URL, or http on loopback.
    Oidc {
        /// `iss`.
        issuer: String,
        /// `sub`.
        subject: String,
    },
    /// `sso:<session name>` of an `AWSReservedSSO_*` role: the user name in IAM Identity Center.
    Sso {
        /// The session name.
        session: String,
    },
    /// `email:<address>`. Names a person, but nobody proves who they are with it.
    Email {
        /// The address.
        address: String,
    },
}

/// Why a text is not an alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not an alias; write {expected}")]
pub struct InvalidAlias {
    /// What was given, cut to a length that can be shown.
    pub value: String,
    /// What may stand there.
    pub expected: &'static str,
}

impl Alias {
    /// The form in which two aliases of one person are equal.
    pub(crate) fn comparable(&self) -> Self {
        match self {
            Alias::Slack { .. } | Alias::Oidc { .. } => self.clone(),
            Alias::Teams { tenant, user } => {
                Alias::Teams { tenant: tenant.to_lowercase(), user: user.to_lowercase() }
            }
            Alias::Sso { session } => Alias::Sso { session: session.to_lowercase() },
            Alias::Email { address } => Alias::Email { address: address.to_lowercase() },
        }
    }
}

impl FromStr for Alias {
    type Err = InvalidAlias;

    fn from_str(text: &str) -> Result<Self, InvalidAlias> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let (alias, expected) = match kind {
            "slack" => {
                (slack(rest), "slack:<team or enterprise id>/<user id>, e.g. slack:T0123ABCD/U0456EFGH")
            }
            "teams" => (teams(rest), "teams:<tenant id>/<Entra object id>, two UUIDs"),
            "oidc" => (
                oidc(rest),
                "oidc:<issuer>#<subject>, the issuer an https URL, e.g. oidc:https://idp.example#alice",
            ),
            "sso" => (sso(rest), "sso:<session name>, 2 to 64 letters, digits and _+=,.@-"),
            "email" => (email(rest), "email:<address>, in ASCII, e.g. email:alice@example.com"),
            _ => (None, "one of slack:… teams:… oidc:… sso:… email:…"),
        };
        alias.ok_or_else(|| InvalidAlias { value: text.chars().take(80).collect(), expected })
    }
}

fn slack(text: &str) -> Option<Alias> {
    let is_id = |id: &str, first: [char; 2]| {
        id.starts_with(first)
            && (2..=32).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let (workspace, user) = text.split_once('/')?;
    (is_id(workspace, ['T', 'E']) && is_id(user, ['U', 'W']))
        .then(|| Alias::Slack { workspace: workspace.to_owned(), user: user.to_owned() })
}

fn teams(text: &str) -> Option<Alias> {
    let is_uuid = |id: &str| {
        id.len() == 36
            && id.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    };
    let (tenant, user) = text.split_once('/')?;
    (is_uuid(tenant) && is_uuid(user))
        .then(|| Alias::Teams { tenant: tenant.to_owned(), user: user.to_owned() })
}

fn oidc(text: &str) -> Option<Alias> {
    // An issuer has no fragment, so the first # ends it.
    let (issuer, subject) = text.split_once('#')?;
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .filter_map(|origin| issuer.strip_prefix(origin))
        .any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    let https =
        issuer.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    let fits = (https || loopback) && visible(issuer) && issuer.len() <= 255 && !issuer.contains('?');
    // OpenID Connect Core §2: a subject is at most 255 ASCII characters.
    let named =
        (1..=255).contains(&subject.len()) && subject.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    (fits && named && subject.trim() == subject)
        .then(|| Alias::Oidc { issuer: issuer.to_owned(), subject: subject.to_owned() })
}

fn sso(text: &str) -> Option<Alias> {
    // The grammar of STS's RoleSessionName.
    let valid = (2..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    valid.then(|| Alias::Sso { session: text.to_owned() })
}

fn email(text: &str) -> Option<Alias> {
    let (local, domain) = text.split_once('@')?;
    let valid = !local.is_empty()
        && text.len() <= 254
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&b))
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    valid.then(|| Alias::Email { address: text.to_owned() })
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alias::Slack { workspace, user } => write!(f, "slack:{workspace}/{user}"),
            Alias::Teams { tenant, user } => write!(f, "teams:{tenant}/{user}"),
            Alias::Oidc { issuer, subject } => write!(f, "oidc:{issuer}#{subject}"),
            Alias::Sso { session } => write!(f, "sso:{session}"),
            Alias::Email { address } => write!(f, "email:{address}"),
        }
    }
}

impl TryFrom<String> for Alias {
    type Error = InvalidAlias;

    fn try_from(text: String) -> Result<Self, InvalidAlias> {
        text.parse()
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> String {
        alias.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_the_form_of_its_kind_and_is_written_as_it_was_read() {
        fn check(text: &str, valid: bool) {
            let alias = text.parse::<Alias>();
            assert_eq!(alias.is_ok(), valid, "{text}");
            if let Ok(alias) = alias {
                assert_eq!(alias.to_string(), text);
            }
        }
        check("slack:T0COUNTER/U0ALICE", true);
        check("slack:E0GRID/W0ALICE", true);
        check("slack:T0COUNTER", false);
        check("slack:U0ALICE/T0COUNTER", false);
        check("slack:T0COUNTER/u0alice", false);
        check("slack:T0COUNTER/U0ALICE/X", false);
        check("slack:T/U0", false);
        check("teams:0f8fad5b-d9cb-469f-a165-70867728950e/7c9E6679-7425-40de-944b-e07fc1f90ae7", true);
        check("teams:0f8fad5b-d9cb-469f-a165-70867728950e/alice", false);
        check("teams:0f8fad5bxd9cb-469f-a165-70867728950e/7c9e6679-7425-40de-944b-e07fc1f90ae7", false);
        check("oidc:https://idp.example/realms/x#alice#2", true);
        check("oidc:http://127.0.0.1:4011#alice", true);
        check("oidc:http://localhost/oidc#alice", true);
        check("oidc:http://127.0.0.1.evil.example#alice", false);
        check("oidc:http://idp.example#alice", false);
        check("oidc:https://#alice", false);
        check("oidc:https://idp.example", false);
        check("oidc:https://idp.example#", false);
        check("oidc:https://idp.example#alice ", false);
        check("oidc:https://idp.example?x=1#alice", false);
        check("oidc:@OIDC@#alice", false);
        check("sso:alice", true);
        check("sso:Alice@example.com", true);
        check("sso:a", false);
        check("sso:al ice", false);
        check("sso:alice/x", false);
        check("email:Alice+ops@mail.example.com", true);
        check("email:alice", false);
        check("email:alice@", false);
        check("email:alice@localhost", false);
        check("email:alice@example..com", false);
        check("email:alice@b@example.com", false);
        check("email:a lice@example.com", false);
        check("email:älice@example.com", false);
        check("alice", false);
        check("phone:123", false);
        check("", false);
    }

    #[test]
    fn aliases_compare_as_their_systems_do() {
        fn check(a: &str, b: &str, equal: bool) {
            let comparable = |text: &str| text.parse::<Alias>().expect(text).comparable();
            assert_eq!(comparable(a) == comparable(b), equal, "{a} {b}");
        }
        check("email:Alice@Example.com", "email:alice@example.COM", true);
        check("sso:Alice", "sso:alice", true);
        check("sso:alice@example.com", "email:alice@example.com", false);
        check("oidc:https://idp.example#alice", "oidc:https://idp.example#Alice", false);
        check("oidc:https://idp.example#alice", "oidc:https://idp.example/#alice", false);
        check(
            "teams:0F8FAD5B-d9cb-469f-a165-70867728950e/7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "teams:0f8fad5b-d9cb-469f-a165-70867728950e/7C9E6679-7425-40de-944b-e07fc1f90ae7",
            true,
        );
    }
}
