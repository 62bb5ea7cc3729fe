//! The bodies that the API takes, parsed strictly into types that cannot be wrong.
//!
//! A body is JSON of one exact meaning (`countersign_domain::strict`), at most [`MAX_BODY`] bytes, without unknown
//! fields; a refusal names the field by its JSON pointer and never repeats a value. What the fields mean for a
//! request is not known here.

use countersign_domain::event::{Decision, ExecutionOutcome};
use countersign_domain::strict::{self, Limits, NotCanonical, Reason};
use countersign_domain::time::Seconds;
use countersign_domain::{Action, AgentId, Code, Digest, Time, canonical};
use serde_json::{Map, Value};

use crate::fields::{self, Fields, Text, boolean, integer, list, parsed, text, word};
use crate::headers::Attempt;
use crate::problem::Problem;
use crate::request::{HttpRequest, cut};

/// The largest body in bytes. Arguments have [`Limits::ARGUMENTS`] of it, in their canonical form.
pub const MAX_BODY: usize = 80 * 1024;

/// The longest free text, in characters: justification, answer, reason, comment, detail.
pub const MAX_TEXT: usize = 4_000;

/// The longest `expires_in`: what the longest life of a request allows (80 days).
pub const MAX_EXPIRES_IN: u32 = 80 * 24 * 60 * 60;

/// `POST /v1/requests` and `POST /v1/explain`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateBody {
    /// `action` (1 to 128 of `a-z 0-9 . _ : / -`, a letter or digit first), `target` (1 to 2,048 characters, one
    /// line) and `arguments` (an object).
    pub action: Action,
    /// Why, in the agent's words.
    pub justification: Option<String>,
    /// For whom the agent says it acts: an alias of a person, at most 256 characters. Only adds exclusions.
    pub on_behalf_of: Option<String>,
    /// Through whom it says the task came to it: at most 10 aliases. Only adds exclusions.
    pub delegation_chain: Vec<String>,
    /// Another agent that may consume.
    pub executor: Option<AgentId>,
    /// A shorter time to decide: whole seconds, 1 to [`MAX_EXPIRES_IN`].
    pub expires_in: Option<Seconds>,
    /// Consume at once if policy allows the ask without a review.
    pub consume: bool,
}

/// `POST /v1/requests/{id}/responses`.
#[derive(Debug, Clone, PartialEq)]
pub struct RespondBody {
    /// The answer to the question.
    pub answer: String,
    /// New arguments: a new ask under the same id.
    pub arguments: Option<Map<String, Value>>,
    /// A new justification.
    pub justification: Option<String>,
}

/// `POST /v1/requests/{id}/withdraw`. May be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawBody {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/requests/{id}/consume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumeBody {
    /// The digest of what the caller is about to run.
    pub digest: Digest,
    /// The attempt.
    pub attempt: Attempt,
}

/// `POST /v1/requests/{id}/outcome`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeBody {
    /// How the execution ended.
    pub outcome: ExecutionOutcome,
    /// More about it.
    pub detail: Option<String>,
}

/// `POST /v1/review/requests/{id}/decisions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideBody {
    /// What the person says.
    pub decision: Decision,
    /// The digest of what the person saw.
    pub digest: Digest,
    /// The comment, reason or question.
    pub comment: Option<String>,
}

/// `POST /v1/review/requests/{id}/revoke`. May be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeBody {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/review/requests/{id}/erase`. May be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseBody {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/review/agents/{id}/freeze` and `/unfreeze`. May be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeBody {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/review/log/recover`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverBody {
    /// Why. Both people send the same.
    pub reason: String,
}

/// `POST /v1/review/log/exports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportBody {
    /// The first leaf that was taken.
    pub start: u32,
    /// The size of the log at the end of the range.
    pub end: u32,
    /// Events from this time on were wanted.
    pub from: Time,
    /// Events before this time were wanted.
    pub to: Time,
    /// Only those for this criterion were wanted.
    pub control: Option<String>,
    /// Hash of the list of files.
    pub manifest: Digest,
}

const OUTCOMES: &[(&str, ExecutionOutcome)] = &[
    ("succeeded", ExecutionOutcome::Succeeded),
    ("failed", ExecutionOutcome::Failed),
    ("unknown", ExecutionOutcome::Unknown),
];

const DECISIONS: &[(&str, Decision)] =
    &[("approve", Decision::Approve), ("reject", Decision::Reject), ("request_info", Decision::RequestInfo)];

impl CreateBody {
    /// # Errors
    /// `invalid_request`, `arguments_not_canonical` or `payload_too_large`, with the pointer to the field.
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self {
            action: Action {
                action: fields.required("action", action_name)?,
                target: fields.required("target", text(Text::Line, 1..=2048))?,
                arguments: fields.required("arguments", arguments)?,
            },
            justification: fields.optional("justification", prose())?,
            on_behalf_of: fields.optional("on_behalf_of", text(Text::Line, 1..=256))?,
            delegation_chain: fields
                .optional("delegation_chain", list(10, text(Text::Line, 1..=256)))?
                .unwrap_or_default(),
            executor: fields.optional("executor", parsed)?,
            expires_in: fields.optional("expires_in", integer(1..=MAX_EXPIRES_IN))?.map(Seconds),
            consume: fields.optional("consume", boolean)?.unwrap_or(false),
        };
        fields.finish()?;
        Ok(body)
    }
}

impl RespondBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self {
            answer: fields.required("answer", prose())?,
            arguments: fields.optional("arguments", arguments)?,
            justification: fields.optional("justification", prose())?,
        };
        fields.finish()?;
        Ok(body)
    }
}

impl WithdrawBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { reason: only_reason(request)? })
    }
}

impl RevokeBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { reason: only_reason(request)? })
    }
}

impl EraseBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { reason: only_reason(request)? })
    }
}

impl FreezeBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { reason: only_reason(request)? })
    }
}

impl RecoverBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self { reason: fields.required("reason", prose())? };
        fields.finish()?;
        Ok(body)
    }
}

impl ExportBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self {
            start: fields.required("start", integer(0..=u32::MAX))?,
            end: fields.required("end", integer(0..=u32::MAX))?,
            from: fields.required("from", fields::time)?,
            to: fields.required("to", fields::time)?,
            control: fields.optional("control", criterion)?,
            manifest: fields.required("manifest", parsed)?,
        };
        fields.finish()?;
        Ok(body)
    }
}

impl ConsumeBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body =
            Self { digest: fields.required("digest", parsed)?, attempt: fields.required("attempt", parsed)? };
        fields.finish()?;
        Ok(body)
    }
}

impl OutcomeBody {
    /// # Errors
    /// As [`CreateBody::parse`].
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self {
            outcome: fields.required("outcome", word(OUTCOMES))?,
            detail: fields.optional("detail", prose())?,
        };
        fields.finish()?;
        Ok(body)
    }
}

impl DecideBody {
    /// # Errors
    /// As [`CreateBody::parse`]; also for `request_info` without a comment, which is the question.
    pub fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut fields = fields_of(request)?;
        let body = Self {
            decision: fields.required("decision", word(DECISIONS))?,
            digest: fields.required("digest", parsed)?,
            comment: fields.optional("comment", prose())?,
        };
        fields.finish()?;
        if body.decision == Decision::RequestInfo && body.comment.is_none() {
            return Err(Problem::invalid_at("/comment", "write the question to the agent as comment"));
        }
        Ok(body)
    }
}

fn prose() -> impl Fn(Value) -> Result<String, Problem> {
    text(Text::Prose, 1..=MAX_TEXT)
}

fn only_reason(request: &HttpRequest) -> Result<Option<String>, Problem> {
    if request.body.is_empty() {
        return Ok(None);
    }
    let mut fields = fields_of(request)?;
    let reason = fields.optional("reason", prose())?;
    fields.finish()?;
    Ok(reason)
}

/// A criterion of SOC 2's common criteria, e.g. `CC8.1`.
fn criterion(value: Value) -> Result<String, Problem> {
    match value.as_str().map(str::as_bytes) {
        Some([b'C', b'C', b'1'..=b'9', b'.', b'1'..=b'9']) => text(Text::Line, 5..=5)(value),
        _ => Err(Problem::invalid("write a criterion like CC8.1")),
    }
}

fn action_name(value: Value) -> Result<String, Problem> {
    let name = text(Text::Line, 1..=128)(value)?;
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let rest =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b':' | b'/' | b'-');
    if first && name.bytes().all(rest) {
        return Ok(name);
    }
    Err(Problem::invalid("write 1 to 128 of a-z, 0-9, '.', '_', ':', '/' and '-', a letter or digit first"))
}

fn arguments(value: Value) -> Result<Map<String, Value>, Problem> {
    let arguments = Value::Object(fields::object(value)?);
    let max = Limits::ARGUMENTS.max_bytes;
    if canonical::jcs(&arguments).len() > max {
        let detail = format!("more than {max} bytes in canonical form; pass a reference to the data instead");
        return Err(Problem::new(Code::PayloadTooLarge, detail));
    }
    fields::object(arguments)
}

/// The fields of a JSON body.
fn fields_of(request: &HttpRequest) -> Result<Fields, Problem> {
    if request.body.len() > MAX_BODY {
        return Err(Problem::new(Code::PayloadTooLarge, format!("the body has more than {MAX_BODY} bytes")));
    }
    if request.body.is_empty() {
        return Err(Problem::invalid_at("", "the body is empty: send a JSON object"));
    }
    if !is_json(request) {
        return Err(Problem::not_json());
    }
    let limits = Limits { max_bytes: MAX_BODY, max_depth: Limits::ARGUMENTS.max_depth + 1 };
    match strict::parse(&request.body, limits).map_err(not_canonical)? {
        Value::Object(object) => Ok(Fields::of(object)),
        _ => Err(Problem::invalid_at("", "the body is not a JSON object")),
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.header("content-type").unwrap_or_default();
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.trim().replace('"', "").to_ascii_lowercase();
    kind.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameters.as_str(), "" | "charset=utf-8")
        && request.header("content-encoding").is_none_or(|c| c.trim().eq_ignore_ascii_case("identity"))
}

fn not_canonical(error: NotCanonical) -> Problem {
    let in_arguments = error.pointer == "/arguments" || error.pointer.starts_with("/arguments/");
    let code = match error.code() {
        Code::ArgumentsNotCanonical if !in_arguments => Code::InvalidRequest,
        code => code,
    };
    let detail = match error.reason {
        // The body around them is one level more.
        Reason::TooDeep { .. } if in_arguments => {
            Reason::TooDeep { max: Limits::ARGUMENTS.max_depth }.to_string()
        }
        reason => reason.to_string(),
    };
    let place = error.pointer.strip_prefix('/').map_or_else(|| "the body".to_owned(), cut);
    Problem::new(code, format!("{place}: {detail}")).at(error.pointer)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
