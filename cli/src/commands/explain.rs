//! `explain`: what policy would say; asks nobody and records nothing.

use super::request::ask_body;
use super::{Report, agent};
use crate::args::Explain;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Paint, explanation};
use crate::view::Explanation;

pub(super) async fn run(args: Explain, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let body = ask_body(&args.ask)?;
    let client = agent(args.api, progress).await?;
    let answer = client.send(&Call::post(client.url(&["v1", "explain"], &[]), body).repeatable()).await?;
    let said: Explanation = answer.read()?;
    let exit = Exit::of_outcome(&said.outcome);
    if exit == Exit::Error {
        return Err(Failure::NotUnderstood(format!(
            "outcome {:?} is not known to this version",
            said.outcome
        )));
    }
    Ok(Report { json: answer.json, text: explanation(&said, paint), exit })
}
