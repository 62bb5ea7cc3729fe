//! `withdraw`: the agent takes its ask back.

use serde::Serialize;

use super::{Report, agent, body, look_first, request_report};
use crate::args::Withdraw;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint};

/// A body that holds a reason at most.
#[derive(Serialize)]
pub(super) struct Reason<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

pub(super) async fn run(args: Withdraw, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = agent(args.api, progress).await?;
    let body = body(&Reason { reason: args.reason.as_deref() })?;
    // The same again changes nothing.
    let call =
        Call::post(client.url(&["v1", "requests", args.id.as_str(), "withdraw"], &[]), body).repeatable();
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Agent, args.id.as_str())))?;
    request_report(answer, |_| Exit::Ok, paint)
}
