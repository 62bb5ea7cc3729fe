//! `wait`: long-polls until there is nothing to wait for.

use std::time::{Duration, Instant};

use super::{Report, agent, request_report};
use crate::args::Wait;
use crate::client::{Answer, Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::id::RequestId;
use crate::progress::Progress;
use crate::render::Paint;
use crate::view::View;

/// The longest the service holds one read.
const LONGEST_HOLD: Duration = Duration::from_secs(25);

pub(super) async fn run(args: Wait, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let client = agent(args.api, progress).await?;
    let answer = until_settled(&client, &args.id, args.timeout.map(Into::into)).await?;
    request_report(answer, |view| Exit::of_status(&view.status), paint)
}

/// Reads the request until it is not pending, or `timeout` is over; gives the last answer. A request that needs
/// information is settled: it waits for its agent.
///
/// # Errors
/// As [`Client::send`], and [`Failure::NotUnderstood`] for an answer without a status.
pub async fn until_settled(
    client: &Client,
    id: &RequestId,
    timeout: Option<Duration>,
) -> Result<Answer, Failure> {
    let began = Instant::now();
    let mut overdue = false;
    loop {
        let left = timeout.map(|t| t.saturating_sub(began.elapsed()));
        let hold = left.unwrap_or(LONGEST_HOLD).min(LONGEST_HOLD).as_secs();
        let asked = Instant::now();
        let answer = client.send(&read(client, id, hold)).await?;
        let view: View = answer.read()?;
        let over = timeout.is_some_and(|t| began.elapsed() >= t);
        if view.status != "pending" || over {
            return Ok(answer);
        }
        if view.overdue && !overdue {
            overdue = true;
            client.progress().tell(&format!("{id} is past its time; its end is about to be recorded"));
        }
        let held = hold > 0 && asked.elapsed() >= Duration::from_secs(hold).mul_f64(0.8);
        if !held {
            pause(client, &answer, timeout.map(|t| t.saturating_sub(began.elapsed()))).await;
        }
    }
}

fn read(client: &Client, id: &RequestId, hold: u64) -> Call {
    let call = Call::get(client.url(&["v1", "requests", id.as_str()], &[]));
    if hold == 0 { call } else { call.header("prefer", format!("wait={hold}")) }
}

/// The service did not hold the read: do not ask again at once.
async fn pause(client: &Client, answer: &Answer, left: Option<Duration>) {
    let asked = Duration::from_secs(answer.retry_after.unwrap_or(0)).min(LONGEST_HOLD);
    let pause = client.pace().look.max(asked);
    tokio::time::sleep(left.map_or(pause, |left| pause.min(left))).await;
}
