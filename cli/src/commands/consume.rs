//! `consume`: uses an approval, once, for one execution.
//!
//! The attempt lives in this process only: the same process may fetch a lost answer again, and nobody else can.

use jiff::Timestamp;
use serde::Serialize;

use super::{Report, agent, body};
use crate::args::Consume;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::random;
use crate::receipt::ReceiptFile;
use crate::render::{Paint, consumed};
use crate::view::Consumed;

#[derive(Serialize)]
struct Body<'a> {
    digest: &'a str,
    attempt: &'a str,
}

pub(super) async fn run(args: Consume, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let own = match &args.attempt {
        Some(_) => None,
        None => Some(random::hex128()?),
    };
    let attempt = args.attempt.as_ref().map(|a| a.reveal()).or(own.as_deref()).unwrap_or_default();
    let file = args.receipt.map(ReceiptFile::create).transpose()?;
    let client = agent(args.api, progress).await?;
    let body = body(&Body { digest: &args.digest, attempt })?;
    let call =
        Call::post(client.url(&["v1", "requests", args.id.as_str(), "consume"], &[]), body).repeatable();
    let advice = || advice(args.id.as_str(), args.attempt.is_some());
    let answer = client.send(&call).await.map_err(|f| f.if_in_doubt(advice))?;
    let right: Consumed = answer.read().map_err(|f| f.if_in_doubt(advice))?;
    check(&right, args.id.as_str(), &args.digest)?;
    if let Some(file) = file {
        file.keep(right.receipt.as_deref(), progress);
    }
    let text = consumed(&right, Timestamp::now(), paint);
    Ok(Report { json: answer.json, text, exit: Exit::Ok })
}

/// The right must be for exactly what was asked, or nothing may run.
fn check(right: &Consumed, id: &str, digest: &str) -> Result<(), Failure> {
    if right.status == "consumed" && right.id == id && right.digest == digest {
        return Ok(());
    }
    Err(Failure::NotUnderstood(format!(
        "it is {} for {} and {}, not consumed for {id} and {digest}: do not run the action",
        right.status, right.id, right.digest
    )))
}

fn advice(id: &str, given: bool) -> String {
    if given {
        return "whether it was consumed is not known: call again with the same --attempt, and run only after that"
            .into();
    }
    format!(
        "whether it was consumed is not known, and the attempt ends with this process: do not run the action; \
         look with countersign status {id}, and if it is consumed, report countersign outcome {id} --unknown"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_for_anything_else_is_none() {
        fn check_right(status: &str, id: &str, digest: &str, ok: bool) {
            let right = Consumed {
                id: id.into(),
                status: status.into(),
                digest: digest.into(),
                nonce: None,
                consumed_at: None,
                approved: None,
                receipt: None,
            };
            assert_eq!(check(&right, "req_1", "sha256:1").is_ok(), ok, "{status} {id} {digest}");
        }
        check_right("consumed", "req_1", "sha256:1", true);
        check_right("approved", "req_1", "sha256:1", false);
        check_right("consumed", "req_2", "sha256:1", false);
        check_right("consumed", "req_1", "sha256:2", false);
    }
}
