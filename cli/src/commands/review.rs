//! `review list` and `review show`: requests as a reviewer sees them.

use super::list::{page_report, query};
use super::{Report, reviewed_report, reviewer};
use crate::args::{OneReviewed, ReviewList};
use crate::client::Call;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::Paint;

pub(super) async fn list(args: ReviewList, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let call = Call::get(client.url(&["v1", "review", "requests"], &query(&args.page)));
    page_report(client.send(&call).await?, paint)
}

pub(super) async fn show(args: OneReviewed, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let call = Call::get(client.url(&["v1", "review", "requests", args.id.as_str()], &[]));
    reviewed_report(client.send(&call).await?, paint)
}
