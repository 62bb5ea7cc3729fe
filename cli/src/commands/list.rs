//! `list`: a page of the agent's own requests.

use super::{Report, agent};
use crate::args::{List, PageArgs};
use crate::client::{Answer, Call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Paint, table, visible};
use crate::view::Page;

pub(super) async fn run(args: List, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = agent(args.api, progress).await?;
    let call = Call::get(client.url(&["v1", "requests"], &query(&args.page)));
    page_report(client.send(&call).await?, paint)
}

/// The query of a page.
pub(super) fn query(page: &PageArgs) -> Vec<(&'static str, &str)> {
    let status = page.status.as_deref().map(|s| ("status", s));
    let cursor = page.cursor.as_deref().map(|c| ("cursor", c));
    status.into_iter().chain(cursor).collect()
}

/// A page as a table, and how to go on.
pub(super) fn page_report(answer: Answer, paint: Paint) -> Result<Report, Failure> {
    let page: Page = answer.read()?;
    let mut text = table(&page.requests, paint);
    if text.is_empty() {
        text.push_str("no requests\n");
    }
    if let Some(next) = &page.next {
        text.push_str(&paint.label(&format!("more: the same with --cursor {}\n", visible(next))));
    }
    Ok(Report { json: answer.json, text, exit: Exit::Ok })
}
