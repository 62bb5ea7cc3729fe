//! `revoke`: a reviewer takes an approval back before it is used.

use super::withdraw::Reason;
use super::{Report, body, look_first, reviewed_report, reviewer};
use crate::args::Revoke;
use crate::client::Call;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Audience, Paint};

pub(super) async fn run(args: Revoke, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let body = body(&Reason { reason: args.reason.as_deref() })?;
    let call = Call::post(client.url(&["v1", "review", "requests", args.id.as_str(), "revoke"], &[]), body);
    let answer = client
        .send(&call)
        .await
        .map_err(|f| f.if_in_doubt(|| look_first(Audience::Reviewer, args.id.as_str())))?;
    reviewed_report(answer, paint)
}
