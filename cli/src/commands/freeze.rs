//! `freeze` and `unfreeze`: stop an agent, and let it ask again.

use super::withdraw::Reason;
use super::{Report, body, reviewer};
use crate::args::Freeze;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;

pub(super) async fn run(args: Freeze, verb: &'static str, progress: Progress) -> Result<Report, Failure> {
    let client = reviewer(args.api, progress)?;
    let body = body(&Reason { reason: args.reason.as_deref() })?;
    let call = Call::post(client.url(&["v1", "review", "agents", args.id.as_str(), verb], &[]), body);
    let again = || format!("whether this was recorded is not known: countersign {verb} may be repeated");
    let answer = client.send(&call).await.map_err(|f| f.if_in_doubt(again))?;
    let done = if verb == "freeze" { "frozen" } else { "unfrozen" };
    Ok(Report { text: format!("{}  {done}\n", args.id), json: answer.json, exit: Exit::Ok })
}
