//! Which person holds a token. The token is checked here, whatever the event says about it.

use std::sync::Arc;

use countersign_app::clock::now;
use countersign_domain::event::{Actor, Evidence};
use countersign_http::Problem;
use countersign_http::request::HttpRequest;
use countersign_http::token::{DECIDE_SCOPE, bearer};
use countersign_policy::{Alias, Person, Policy};

use crate::app::App;

/// A person who proved to be one, with policy as it was then.
pub struct Known {
    /// The person.
    pub person: Person,
    /// How we know.
    pub evidence: Evidence,
    /// The policy that knows the person.
    pub policy: Arc<Policy>,
}

impl Known {
    /// As the log names who did something.
    pub fn actor(&self) -> Actor {
        Actor { person: self.person.id.clone(), evidence: self.evidence.clone() }
    }
}

/// Who reads.
pub async fn reader<T, K, W, C>(app: &App<T, K, W, C>, request: &HttpRequest) -> Result<Known, Problem> {
    verified(app, request, None).await
}

/// Who decides: their token must be good for deciding.
pub async fn signed_in<T, K, W, C>(app: &App<T, K, W, C>, request: &HttpRequest) -> Result<Known, Problem> {
    verified(app, request, Some(DECIDE_SCOPE)).await
}

async fn verified<T, K, W, C>(
    app: &App<T, K, W, C>,
    request: &HttpRequest,
    scope: Option<&str>,
) -> Result<Known, Problem> {
    let verifier = app.verifier.as_ref().ok_or_else(Problem::not_found)?;
    let token = verifier.verify(bearer(request)?, scope, now()).await?;
    let policy = policy(app)?;
    let alias = Alias::Oidc { issuer: token.issuer.clone(), subject: token.subject.clone() };
    let person = policy.person_by_alias(&alias).cloned();
    let person = person
        .ok_or_else(|| Problem::forbidden("people.toml knows nobody by this token's issuer and subject"))?;
    let evidence = Evidence::Api { issuer: token.issuer, auth_time: token.auth_time, amr: token.amr };
    Ok(Known { person, evidence, policy })
}

/// Policy as it is now; without one nobody is anybody.
pub fn policy<T, K, W, C>(app: &App<T, K, W, C>) -> Result<Arc<Policy>, Problem> {
    let unreadable =
        |_| Problem::unavailable("the policy directory is unreadable or not whole; nobody can decide");
    app.policy.current().map_err(unreadable)
}
