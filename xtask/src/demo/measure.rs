//! How fast the loop is, measured from outside: from a click to its answer, and from the decision, as the service
//! dated it, to the moment the waiting agent's command has ended.

use std::thread::scope;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::json;

use super::agent::{Agent, Ask};
use super::reviewer::{CHANNEL, PERSON};
use crate::http;
use crate::ui::Line;

/// Both must be within this, at the 95th percentile.
const LIMIT: Duration = Duration::from_secs(1);
/// Slack takes one message a second in a channel, and so does the stand-in.
const PACE: Duration = Duration::from_millis(1_100);
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured.
pub struct Timings {
    click: Vec<Duration>,
    wake: Vec<Duration>,
}

/// Runs the loop: ask, wait, click, wake.
pub fn measure(agent: &Agent<'_>, runs: usize, line: &Line<'_>) -> Result<Timings> {
    let mut timings = Timings { click: Vec::new(), wake: Vec::new() };
    for run in 0..runs {
        let start = Instant::now();
        let (click, wake) = once(agent, run, line).with_context(|| format!("run {run}"))?;
        timings.click.push(click);
        timings.wake.push(wake);
        std::thread::sleep(PACE.saturating_sub(start.elapsed()));
    }
    Ok(timings)
}

fn once(agent: &Agent<'_>, run: usize, line: &Line<'_>) -> Result<(Duration, Duration)> {
    let target = format!("s3://demo-target/run-{run}/");
    let asked = agent.ask(&Ask { target: &target, justification: "Timed.", expires_in: None }, line)?;
    let slack = &agent.stack.slack_url;
    let ts = card(slack, &asked.id)?;
    let (seen, click) = scope(|threads| {
        let waiting = threads.spawn(|| agent.wait(&asked.id, line));
        let click = json!({ "channel": CHANNEL, "ts": ts, "action_id": "approve", "user": PERSON.1 });
        let clicked = http::post(&format!("{slack}/_standin/click"), &click);
        (waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), clicked)
    });
    let (seen, click) = (seen?, click?);
    let ms = click["ms"].as_f64().with_context(|| format!("the click was not answered: {click}"))?;
    let at = seen.decided_at.as_deref().with_context(|| format!("{} is {}", seen.id, seen.status))?;
    let decided: Timestamp = at.parse().with_context(|| format!("{at:?} is not a time"))?;
    let wake =
        seen.answered.duration_since(SystemTime::from(decided)).context("decided after it was seen")?;
    Ok((Duration::from_secs_f64(ms / 1000.0), wake))
}

/// The timestamp of the request's card, once it is there.
fn card(slack: &str, id: &str) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let found = http::get(&format!("{slack}/_standin/messages?channel={CHANNEL}&contains={id}"))?;
        if let Some(ts) = found["messages"][0]["ts"].as_str() {
            return Ok(ts.to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("no card of {id} after {} s", PATIENCE.as_secs())
}

impl Timings {
    /// Two lines for people.
    pub fn text(&self) -> String {
        let row = |name: &str, times: &[Duration]| {
            let at = |share| percentile(times, share).as_secs_f64() * 1000.0;
            format!(
                "  {name:<44} p50 {:>5.0} ms   p95 {:>5.0} ms   max {:>5.0} ms",
                at(0.5),
                at(0.95),
                at(1.0)
            )
        };
        format!(
            "\nTimings over {} runs:\n{}\n{}",
            self.click.len(),
            row("click -> answer", &self.click),
            row("decision -> GET with Prefer: wait returned", &self.wake)
        )
    }

    /// What is slower than it may be.
    pub fn too_slow(&self) -> Vec<String> {
        let named = [("click -> answer", &self.click), ("decision -> GET", &self.wake)];
        let slow = named.iter().filter(|(_, times)| percentile(times, 0.95) > LIMIT);
        slow.map(|(name, times)| format!("{name}: p95 is {:?}, more than 1 s", percentile(times, 0.95)))
            .collect()
    }
}

/// The smallest time that so large a share of all does not exceed.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few dozen runs"
)]
fn percentile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let times: Vec<Duration> = (1..=20).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(10));
        assert_eq!(percentile(&times, 0.95), Duration::from_millis(19));
        assert_eq!(percentile(&times, 1.0), Duration::from_millis(20));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn slow_is_said() {
        let fast = vec![Duration::from_millis(20); 20];
        let slow = [vec![Duration::from_millis(20); 18], vec![Duration::from_secs(2); 2]].concat();
        assert!(Timings { click: fast.clone(), wake: fast.clone() }.too_slow().is_empty());
        assert_eq!(Timings { click: fast, wake: slow }.too_slow().len(), 1);
    }
}
