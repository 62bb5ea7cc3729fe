//! The log itself: admins have one that cannot go on followed by another, two of them; auditors have recorded what they
//! took.

use std::time::Duration;

use countersign_app::clock::now;
use countersign_app::ports::{Recorder, SealError, Table};
use countersign_app::problems::{of_port, of_randomness};
use countersign_app::record::{Record, Wanted};
use countersign_app::store::{Proposal, Words};
use countersign_domain::event::Fact;
use countersign_domain::log::admin;
use countersign_domain::review::{ADMINS, AUDITORS, is_in};
use countersign_domain::{Code, Digest};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{ExportBody, Problem, RecoverBody};
use serde_json::json;

use crate::app::App;
use crate::person::Known;

/// How long the log may take: less than this function has.
const WITHIN: Duration = Duration::from_secs(8);

/// `POST /v1/review/log/recover`. The first of two people is told to wait for the second.
pub async fn recover<T: Table, K, W, C, R: Recorder>(
    app: &App<T, K, W, C>,
    recorder: &R,
    known: &Known,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let reason = RecoverBody::parse(request)?.reason;
    let (by, now) = (known.actor(), now());
    admin(&by, &known.person.groups, now)?;
    let what = Digest::of(json!(["log.recover", reason]).to_string().as_bytes());
    let word = Proposal { by: by.clone(), at: now };
    let first = app.table.propose(&what, &word).await.map_err(of_port)?;
    if first.by.person == by.person {
        tracing::warn!(person.id = %by.person, "a person wants the log recovered");
        return Ok(HttpResponse::json(202, &json!({"by": by.person, "until": first.until()})));
    }
    // Today's groups, of both.
    let still = known.policy.person(&first.by.person).is_some_and(|person| is_in(&person.groups, ADMINS));
    if !still {
        return Err(Problem::forbidden(
            "who said so first is no admin any more; wait until their word is over",
        ));
    }
    tracing::warn!(person.id = %by.person, first = %first.by.person, "two people have the log recovered");
    let reason = Words::new(reason).map_err(of_randomness)?;
    let wanted = Wanted { by: [first.by, by], reason, asked: first.at };
    recorded(recorder, Record::Recovered(wanted)).await
}

/// `POST /v1/review/log/exports`.
pub async fn export<R: Recorder>(
    recorder: &R,
    known: &Known,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let ExportBody { start, end, from, to, control, manifest } = ExportBody::parse(request)?;
    if !is_in(&known.person.groups, AUDITORS) {
        return Err(Problem::forbidden("only people in the group auditors have exports recorded"));
    }
    if start >= end || from >= to {
        return Err(Problem::invalid("start must be before end, and from before to"));
    }
    let (start, end) = (start.into(), end.into());
    let fact = Fact::LogExported { actor: known.actor(), start, end, from, to, control, manifest };
    let record =
        Record::of(&fact).ok_or_else(|| Problem::unavailable("the export could not be written down"))?;
    recorded(recorder, record).await
}

async fn recorded<R: Recorder>(recorder: &R, record: Record) -> Result<HttpResponse, Problem> {
    match recorder.record(&record, WITHIN).await {
        Ok(recorded) => Ok(HttpResponse::json(200, &recorded)),
        Err(error) => {
            tracing::error!(error = %error, "a service does not answer");
            let detail = match error {
                SealError::Halted => "the log is halted: see \"The log is halted\" in docs/operations.md",
                SealError::Unavailable(_) => {
                    "the log does not answer; whether this was recorded is not known"
                }
            };
            Err(Problem::new(Code::AuditUnavailable, detail))
        }
    }
}
