//! `status`: a request as it stands.

use super::{Report, agent, request_report};
use crate::args::OneRequest;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::Paint;

pub(super) async fn run(args: OneRequest, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = agent(args.api, progress).await?;
    let call = Call::get(client.url(&["v1", "requests", args.id.as_str()], &[]));
    request_report(client.send(&call).await?, |view| Exit::of_status(&view.status), paint)
}
