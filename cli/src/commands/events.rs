//! `events`: the recorded facts of a request, in order.

use super::{Report, reviewer};
use crate::args::OneReviewed;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Paint, timeline};
use crate::view::Events;

pub(super) async fn run(args: OneReviewed, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let call = Call::get(client.url(&["v1", "review", "requests", args.id.as_str(), "events"], &[]));
    let answer = client.send(&call).await?;
    let facts: Events = answer.read()?;
    Ok(Report { json: answer.json, text: timeline(&facts.events, paint), exit: Exit::Ok })
}
