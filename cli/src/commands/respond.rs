//! `respond`: answers a reviewer's question.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Report, agent, body, look_first, request_report};
use crate::args::Respond;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint};

#[derive(Serialize)]
struct Body<'a> {
    answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
}

pub(super) async fn run(args: Respond, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let body = body(&Body {
        answer: &args.answer,
        arguments: args.arguments.as_ref().map(|source| source.arguments()).transpose()?,
        justification: args.justification.as_deref(),
    })?;
    let client = agent(args.api, progress).await?;
    let call = Call::post(client.url(&["v1", "requests", args.id.as_str(), "responses"], &[]), body);
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Agent, args.id.as_str())))?;
    request_report(answer, |view| Exit::of_status(&view.status), paint)
}
