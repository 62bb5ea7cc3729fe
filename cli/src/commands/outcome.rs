//! `outcome`: how the action went.

use serde::Serialize;

use super::{Report, agent, body, look_first, request_report};
use crate::args::{Ended, Outcome};
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint};

#[derive(Serialize)]
struct Body<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

pub(super) async fn run(args: Outcome, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = agent(args.api, progress).await?;
    let body = body(&Body { outcome: word(&args.ended), detail: args.detail.as_deref() })?;
    // The same again changes nothing.
    let call =
        Call::post(client.url(&["v1", "requests", args.id.as_str(), "outcome"], &[]), body).repeatable();
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Agent, args.id.as_str())))?;
    request_report(answer, |_| Exit::Ok, paint)
}

/// Exactly one is set, as the command line demands; without any, unknown is the safe word.
fn word(ended: &Ended) -> &'static str {
    match (ended.succeeded, ended.failed) {
        (true, _) => "succeeded",
        (false, true) => "failed",
        (false, false) => "unknown",
    }
}
