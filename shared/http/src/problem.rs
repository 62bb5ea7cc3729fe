//! Every "no" as an RFC 9457 problem: one table from codes to statuses, and how a [`Refusal`] becomes one.
//!
//! Three layers meet here. The decider's [`Refusal`] says what rule was broken; its [`Code`] is what a program acts
//! on and never changes; the problem is how HTTP carries both. A problem is about what was *not* recorded: a denial
//! by policy is a recorded request with a status, not a problem. The detail is for people, names the place and the
//! mend, and holds no argument value and no secret, so it may be logged.

use countersign_domain::{Code, Refusal};
use serde::Serialize;

use crate::response::HttpResponse;

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    code: Code,
    status: u16,
    detail: String,
    pointer: Option<String>,
    retry_after: Option<u32>,
    challenge: Option<String>,
    allow: Option<String>,
}

/// The body of the answer, in the order that it is written.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: Code,
    retryable: bool,
    agent_guidance: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

/// The table: the status and the title of each code, and after how many seconds to try again.
fn row(code: Code) -> (u16, &'static str, Option<u32>) {
    match code {
        Code::InvalidRequest => (400, "Invalid request", None),
        Code::ArgumentsNotCanonical => (400, "Arguments have no exact canonical form", None),
        Code::Unauthenticated => (401, "Not authenticated", None),
        Code::Forbidden => (403, "Not allowed", None),
        Code::SelfApprovalDenied => (403, "No deciding on one's own ask", None),
        Code::NotEligible => (403, "Not a reviewer of this request", None),
        Code::AssuranceRequired => (403, "A fresh sign-in is needed", None),
        Code::FullViewRequired => (403, "The whole of the arguments must be opened first", None),
        Code::PolicyDenied => (403, "Denied by policy", None),
        Code::AgentUnknown => (403, "The agent is not registered", None),
        Code::AgentFrozen => (403, "The agent is frozen", None),
        Code::NoEligibleReviewer => (403, "Nobody independent could approve", None),
        Code::NotFound => (404, "Not found", None),
        Code::AlreadyDecided => (409, "Decided already", None),
        Code::StaleVersion => (409, "The request changed meanwhile", Some(1)),
        Code::DigestMismatch => (409, "The digest is not the current one", None),
        Code::PolicyChanged => (409, "Policy changed", None),
        Code::NotActionable => (409, "The status does not allow this", None),
        Code::AlreadyConsumed => (409, "Consumed already", None),
        Code::IdempotencyKeyReused => (409, "The Idempotency-Key belongs to another body", None),
        // Not 425: that is about replayed early data of TLS, and a client library may repeat it at once by itself.
        // The state of the request is in the way, as with the others of this block; Retry-After says for how long.
        Code::NotSealed => (409, "Not in the log yet", Some(1)),
        Code::Expired => (410, "The time is over", None),
        Code::PayloadTooLarge => (413, "Too large", None),
        Code::RateLimited => (429, "Too many asks", Some(30)),
        Code::AuditUnavailable => (503, "The archive is not available", Some(5)),
        Code::Unavailable => (503, "Not available", Some(5)),
    }
}

impl Problem {
    /// The problem of a code. `detail` says to a person what happened here, and how to mend it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, _, retry_after) = row(code);
        let detail = detail.into();
        Self { code, status, detail, pointer: None, retry_after, challenge: None, allow: None }
    }

    /// `invalid_request`.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// `invalid_request` about the field of the body at `pointer`.
    pub fn invalid_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(detail).at(pointer)
    }

    /// `not_found` for a request: it does not exist, or the caller may not know that it does.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such request for these credentials")
    }

    /// `forbidden`.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// `unavailable`: nothing was released; the detail says where it is not known whether something was recorded.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail)
    }

    /// The same about the field of the body at `pointer` (RFC 6901).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The same with `Retry-After` in seconds instead of the code's own.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same with `WWW-Authenticate`.
    #[must_use]
    pub(crate) fn with_challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    /// 405 with `Allow`.
    pub(crate) fn method_not_allowed(method: &str, allow: String) -> Self {
        let detail = format!("{method} is not possible here: use {allow}");
        Self { status: 405, allow: Some(allow), ..Self::invalid(detail) }
    }

    /// 415: the body is not declared as JSON.
    pub(crate) fn not_json() -> Self {
        let detail = "send the body as Content-Type: application/json, in UTF-8 and not compressed";
        Self { status: 415, ..Self::invalid(detail) }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What happened, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The field of the body at fault, as a JSON pointer.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// After how many seconds to try again.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(refusal.code(), refusal.to_string());
        problem.pointer = refusal.pointer().map(str::to_owned);
        if let Refusal::AssuranceRequired { max_age } = &refusal {
            // RFC 9470: a client that knows it signs the person in again and repeats the call.
            let ask = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{}\"", max_age.0);
            return problem.with_challenge(ask);
        }
        problem
    }
}

impl From<Problem> for HttpResponse {
    fn from(problem: Problem) -> Self {
        let body = Body {
            r#type: format!("urn:countersign:problem:{}", problem.code),
            title: row(problem.code).1,
            status: problem.status,
            detail: &problem.detail,
            code: problem.code,
            retryable: problem.code.retryable(),
            agent_guidance: problem.code.guidance(),
            pointer: problem.pointer.as_deref(),
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut answer = HttpResponse::text(problem.status, "application/problem+json", text);
        if let Some(seconds) = problem.retry_after {
            answer = answer.with_retry_after(seconds);
        }
        if let Some(challenge) = problem.challenge {
            answer = answer.with_header("www-authenticate", challenge);
        }
        if let Some(allow) = problem.allow {
            answer = answer.with_header("allow", allow);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_domain::review::Relation;
    use countersign_domain::time::Seconds;
    use countersign_domain::{Status, Time};
    use serde_json::Value;

    use super::*;

    fn shown(problem: Problem) -> String {
        let answer = HttpResponse::from(problem);
        let body: Value = serde_json::from_str(answer.body()).unwrap();
        assert_eq!(body["status"], answer.status());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let headers = ["retry-after", "www-authenticate", "allow"]
            .iter()
            .filter_map(|name| answer.header(name).map(|value| format!("{name}: {value}\n")))
            .collect::<String>();
        format!("{headers}{}\n", answer.body().replace(",\"", ",\n \""))
    }

    #[test]
    fn every_code() {
        let all = Code::ALL.iter().map(|code| shown(Problem::new(*code, "…"))).collect::<Vec<_>>();
        insta::assert_snapshot!(all.join("\n"));
    }

    /// Every refusal once. The match makes sure that a new one is added here.
    fn every_refusal_there_is() -> Vec<Refusal> {
        let time = Time::from_millis(1_795_570_000_120);
        let listed = vec![
            Refusal::NotActionable(Status::Consumed),
            Refusal::AlreadyDecided(Status::Rejected),
            Refusal::AlreadyVoted,
            Refusal::GatesMet,
            Refusal::SelfApproval(BTreeSet::from([Relation::Owner, Relation::OnBehalfOf])),
            Refusal::NotEligible,
            Refusal::DigestMismatch { revision: 2 },
            Refusal::Answered,
            Refusal::Expired(time),
            Refusal::AssuranceRequired { max_age: Seconds(900) },
            Refusal::CommentRequired,
            Refusal::NotYours,
            Refusal::AlreadyConsumed,
            Refusal::Void(time),
            Refusal::Recovered(time),
            Refusal::Exists,
            Refusal::TooLarge,
        ];
        for refusal in &listed {
            match refusal {
                Refusal::NotActionable(_)
                | Refusal::AlreadyDecided(_)
                | Refusal::AlreadyVoted
                | Refusal::GatesMet
                | Refusal::SelfApproval(_)
                | Refusal::NotEligible
                | Refusal::DigestMismatch { .. }
                | Refusal::Answered
                | Refusal::Expired(_)
                | Refusal::AssuranceRequired { .. }
                | Refusal::CommentRequired
                | Refusal::NotYours
                | Refusal::AlreadyConsumed
                | Refusal::Void(_)
                | Refusal::Recovered(_)
                | Refusal::Exists
                | Refusal::TooLarge => {}
            }
        }
        listed
    }

    #[test]
    fn every_refusal() {
        let all = every_refusal_there_is().into_iter().map(|r| shown(r.into())).collect::<Vec<_>>();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        for code in Code::ALL {
            assert_eq!(Problem::new(*code, "").retry_after().is_some(), code.retryable(), "{code}");
        }
        assert_eq!(Problem::new(Code::RateLimited, "").with_retry_after(7).retry_after(), Some(7));
    }
}
