//! `audit erase` and `audit recover`: what the service does with its log.

use super::super::withdraw::Reason;
use crate::args::audit::{Erase, Recover};
use crate::client::Call;
use crate::commands::{Report, body, look_first, reviewed_report, reviewer};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint, visible};

pub(super) async fn erase(args: Erase, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let body = body(&Reason { reason: args.reason.as_deref() })?;
    let call = Call::post(client.url(&["v1", "review", "requests", args.id.as_str(), "erase"], &[]), body);
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Reviewer, args.id.as_str())))?;
    reviewed_report(answer, paint)
}

pub(super) async fn recover(args: Recover, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let body = body(&Reason { reason: Some(&args.reason) })?;
    let call = Call::post(client.url(&["v1", "review", "log", "recover"], &[]), body);
    let answer = client.send(&call).await?;
    // Whether a second admin is waited for, or the new log has begun, is in the service's own words.
    let text = format!("{}\n", visible(&answer.json));
    Ok(Report { json: answer.json, text, exit: Exit::Ok })
}
