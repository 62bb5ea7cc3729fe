//! A refusal as the service words it: RFC 9457 `application/problem+json`, or what a gateway answers in its place.

use serde::Deserialize;

/// An answer of 400 and above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What the body says; all empty when it is not JSON.
    pub said: Said,
    /// The body on one line when it is JSON, else empty.
    pub json: String,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
}

/// The members of a problem that are shown or acted on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The problem in a few words.
    pub title: Option<String>,
    /// What is wrong here.
    pub detail: Option<String>,
    /// The stable code.
    pub code: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: Option<bool>,
    /// What an agent can do.
    pub agent_guidance: Option<String>,
    /// JSON pointer to the field at fault.
    pub pointer: Option<String>,
    /// What API Gateway writes instead of all that.
    #[serde(alias = "Message")]
    pub message: Option<String>,
}

impl Problem {
    /// The problem in a line: code, status and what is wrong.
    pub fn what(&self) -> String {
        let said = &self.said;
        let words = said.detail.as_deref().or(said.title.as_deref()).or(said.message.as_deref());
        let words = words.unwrap_or("the service gave no reason");
        match &said.code {
            Some(code) => format!("{code} ({}): {words}", self.status),
            None => format!("{}: {words}", self.status),
        }
    }

    /// What to do about it, when the service or the status says.
    pub fn guidance(&self) -> Option<String> {
        if let Some(guidance) = &self.said.agent_guidance {
            return Some(guidance.clone());
        }
        match self.status {
            401 | 403 if self.said.code.is_none() => Some(
                "These credentials may not call this API: check which identity signs, its execute-api:Invoke \
                 permission, the URL and the clock of this machine."
                    .into(),
            ),
            404 if self.said.code.is_none() => Some("There is no such path: check the URL of the API.".into()),
            300..=399 => Some("Give the URL that the API itself has: redirects are not followed.".into()),
            _ => None,
        }
    }

    /// Whether the log does not hold, or cannot take, what lets a request run.
    pub fn lacks_evidence(&self) -> bool {
        matches!(self.said.code.as_deref(), Some("audit_unavailable" | "not_sealed"))
    }

    /// Whether it is a final word of the service itself (and not of a gateway before it).
    pub fn settles(&self) -> bool {
        (400..500).contains(&self.status) && self.said.code.is_some() && !self.passes()
    }

    /// Whether the very same call may succeed later.
    pub fn passes(&self) -> bool {
        match self.status {
            429 => true,
            500.. => self.said.retryable != Some(false),
            _ => self.said.retryable == Some(true),
        }
    }
}
