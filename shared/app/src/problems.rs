//! From what steps report to what the caller is told.

use countersign_domain::{Code, Refusal};
use countersign_http::Problem;
use countersign_http::response::HttpResponse;
use serde_json::json;

use crate::clock::NoRandomness;
use crate::commit::CommitError;
use crate::policy::PolicySource;
use crate::ports::PortError;

/// The problem of a commit that did not come about. What is not the caller's is told as not existing.
pub fn of_commit(error: CommitError) -> Problem {
    match error {
        CommitError::Refused { refusal: Refusal::NotYours, .. } | CommitError::NotFound => {
            Problem::not_found()
        }
        CommitError::Refused { refusal, .. } => refusal.into(),
        CommitError::Port(PortError::Unavailable(_)) => {
            tracing::error!(error = %error, "a service does not answer");
            Problem::unavailable(
                "a part of the service does not answer; whether this was recorded is not known",
            )
        }
        CommitError::Port(error) => of_port(error),
        CommitError::Illegal(error) => {
            tracing::error!(error = %error, "stored events and this code do not agree");
            Problem::unavailable("the request's record could not be read")
        }
    }
}

/// The problem of a port that did not do it, where nothing of weight was to be written.
pub fn of_port(error: PortError) -> Problem {
    match error {
        PortError::Unavailable(_) => {
            tracing::error!(error = %error, "a service does not answer");
            Problem::unavailable("a part of the service does not answer; nothing was recorded")
        }
        _ => Problem::new(Code::StaleVersion, "others write to the same request; nothing was recorded"),
    }
}

/// The problem of a system without randomness.
pub fn of_randomness(error: NoRandomness) -> Problem {
    tracing::error!(error = %error, "the system gives no randomness");
    Problem::unavailable("the service cannot make new ids right now")
}

/// The answer of `GET /healthz`: whether the function could do its work. Says nothing of who may call it.
///
/// # Errors
/// `unavailable` while there is no policy.
pub fn health(policy: &PolicySource) -> Result<HttpResponse, Problem> {
    let unreadable = "the policy directory is unreadable or not whole; see the function's log";
    let policy = policy.current().map_err(|_| Problem::unavailable(unreadable))?;
    Ok(HttpResponse::json(200, &json!({"status": "ok", "policy_digest": policy.digest()})))
}
