//! `decide`: a reviewer's decision about one digest.

use serde::Serialize;

use super::{Report, body, look_first, reviewed_report, reviewer};
use crate::args::Decide;
use crate::client::Call;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint};

#[derive(Serialize)]
struct Body<'a> {
    decision: &'static str,
    digest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

pub(super) async fn run(args: Decide, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let body = body(&Body {
        decision: args.decision.as_str(),
        digest: &args.digest,
        comment: args.comment.as_deref(),
    })?;
    let call =
        Call::post(client.url(&["v1", "review", "requests", args.id.as_str(), "decisions"], &[]), body);
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Reviewer, args.id.as_str())))?;
    reviewed_report(answer, paint)
}
