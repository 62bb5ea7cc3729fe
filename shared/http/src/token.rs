//! Proves who holds a bearer token: we verify JWTs ourselves and never take claims from the event, because whoever
//! may invoke the function could write them.
//!
//! RS256 alone, with keys from the issuer's own published set; every other algorithm is refused before a key is
//! looked up, and keys, URLs or certificates inside the token are never used. What a person or an agent may do is
//! not known here.

use std::collections::BTreeSet;

use countersign_domain::{Code, Time};

use crate::problem::Problem;
use crate::request::{Authorizer, HttpRequest};

mod claims;
mod keys;
#[cfg(test)]
mod tests;

pub use keys::{FetchError, InvalidIssuer};

/// The scope that a reviewer's token needs to decide, revoke and freeze.
pub const DECIDE_SCOPE: &str = "countersign.decide";

/// The longest token taken, in bytes: more than API Gateway's limit for all headers.
const MAX_TOKEN: usize = 10 * 1024;

/// Whose tokens a [`Verifier`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Agents'. A token that could decide ([`DECIDE_SCOPE`]) is refused: no credential of an agent decides.
    Agent,
    /// Reviewers' and auditors'.
    Reviewer,
}

/// What a verified token says. Only [`Verifier::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// `iss`, equal to the issuer configured.
    pub issuer: String,
    /// `sub`: 1 to 256 characters, none of them a control character.
    pub subject: String,
    /// `auth_time`: when the person signed in, where the token says so.
    pub auth_time: Option<Time>,
    /// The words of `scope` and `scp`.
    pub scopes: BTreeSet<String>,
    /// `amr`: how the person signed in.
    pub amr: BTreeSet<String>,
    /// `acr`: how strong that was.
    pub acr: Option<String>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three base64url parts of JSON, or a claim of the wrong kind.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is not RS256.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// `typ`, `token_use` or `crit` say that it is something else than an access token we understand.
    #[error("this is not an access token")]
    NotAnAccessToken,
    /// `iss` is another's.
    #[error("the token is from another issuer")]
    Issuer,
    /// The issuer publishes no such key, or none that may sign.
    #[error("the token's key is not one of the issuer's")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// Neither `aud` nor, where there is none, `client_id` is ours.
    #[error("the token is for another audience")]
    Audience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf`, `iat` or `auth_time` is in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// It has an actor (`act`): somebody acts for the subject.
    #[error("the token was delegated; use one of your own")]
    Delegated,
    /// It is bound to a key (`cnf`) whose proof we do not take.
    #[error("the token is bound to a key; use a plain bearer token")]
    Bound,
    /// An agent's token could decide.
    #[error("this token could decide ({DECIDE_SCOPE}), so it is no agent's")]
    DecidingAgent,
    /// A scope is missing.
    #[error("the token lacks the scope {0}")]
    Scope(String),
    /// The issuer's keys are not to be had.
    #[error("the token cannot be checked now: {0}")]
    Unavailable(FetchError),
}

/// Checks tokens of one issuer for one audience. Keeps the issuer's keys for an hour; make one per process.
#[derive(Debug)]
pub struct Verifier {
    audience: String,
    kind: TokenKind,
    keys: keys::Keys,
}

impl Verifier {
    /// A verifier; asks nobody anything yet.
    ///
    /// # Errors
    /// When the issuer is not an https URL (http only for 127.0.0.1, \[::1\] and localhost), or the audience is empty.
    pub fn new(issuer: &str, audience: &str, kind: TokenKind) -> Result<Self, InvalidIssuer> {
        if audience.is_empty() {
            return Err(InvalidIssuer::NoAudience);
        }
        Ok(Self { audience: audience.to_owned(), kind, keys: keys::Keys::of(issuer)? })
    }

    /// What the token proves at `now`. `scope` is what it must be good for.
    ///
    /// # Errors
    /// [`TokenError`]; all but [`TokenError::Unavailable`] stay so however often one asks.
    pub async fn verify(
        &self,
        token: &str,
        scope: Option<&str>,
        now: Time,
    ) -> Result<VerifiedToken, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Malformed("it is too long"));
        }
        let unverified = claims::Unverified::parse(token)?;
        // Before a key is fetched, so that rubbish does not make us ask the issuer.
        if unverified.issuer() != self.keys.issuer() {
            return Err(TokenError::Issuer);
        }
        let key = self.keys.find(unverified.key_id(), now).await?;
        let verified = unverified.verify(&key)?.check(&self.audience, now)?;
        if self.kind == TokenKind::Agent && verified.scopes.contains(DECIDE_SCOPE) {
            return Err(TokenError::DecidingAgent);
        }
        match scope.filter(|scope| !verified.scopes.contains(*scope)) {
            Some(missing) => Err(TokenError::Scope(missing.to_owned())),
            None => Ok(verified),
        }
    }
}

/// The call's bearer token.
///
/// # Errors
/// `unauthenticated` without one, with another scheme or more than one header, and for a call that the gateway says
/// was signed: one call has one principal.
pub fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    if !matches!(request.authorizer, Authorizer::Absent | Authorizer::Jwt) {
        return Err(unauthenticated("this API takes bearer tokens, not signed calls", "Bearer"));
    }
    let header = request.header("authorization").unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(valid) {
        return Ok(token);
    }
    Err(unauthenticated("send the access token as Authorization: Bearer <token>", "Bearer"))
}

fn unauthenticated(detail: impl Into<String>, challenge: impl Into<String>) -> Problem {
    Problem::new(Code::Unauthenticated, detail).with_challenge(challenge)
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let detail = error.to_string();
        match error {
            TokenError::Unavailable(_) => Problem::unavailable(detail),
            TokenError::Scope(scope) => Problem::forbidden(detail)
                .with_challenge(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")),
            TokenError::DecidingAgent => Problem::forbidden(detail),
            _ => {
                let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{detail}\"");
                unauthenticated(detail, challenge)
            }
        }
    }
}
