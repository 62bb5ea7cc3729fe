//! `status`: a request as it stands.

use super::{Report, agent, request_report};
use crate::args::Status;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::receipt::ReceiptFile;
use crate::render::Paint;
use crate::view::View;

pub(super) async fn run(args: Status, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let file = args.receipt.map(ReceiptFile::create).transpose()?;
    let client = agent(args.api, progress).await?;
    let call = Call::get(client.url(&["v1", "requests", args.id.as_str()], &[]));
    let answer = client.send(&call).await?;
    if let Some(file) = file {
        file.keep(answer.read::<View>()?.receipt.as_deref(), progress);
    }
    request_report(answer, |view| Exit::of_status(&view.status), paint)
}
