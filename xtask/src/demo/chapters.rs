//! What happens in the demo, in order. Each chapter is one request with its whole life.

use std::thread::scope;

use anyhow::Result;

use super::Stage;
use super::agent::{Ask, Seen};
use super::reviewer::Press;
use crate::ui::Line;

/// One chapter's request, how it ended and how it must.
pub(super) struct Told {
    pub title: &'static str,
    pub id: String,
    pub status: String,
    pub expected: &'static str,
}

/// How long the request that nobody decides is open.
const FORGOTTEN_AFTER: &str = "15s";

/// The fourth request, asked first.
pub(super) fn forgotten(stage: &Stage<'_>) -> Result<Seen> {
    let ask = Ask {
        target: "s3://demo-target/forgotten/",
        justification: "Nobody will look at this one.",
        expires_in: Some(FORGOTTEN_AFTER),
    };
    stage.board.phase("4. a request for nobody", |line| stage.agent.ask(&ask, line))
}

/// The fourth request, at its end.
pub(super) fn expires(stage: &Stage<'_>, forgotten: &Seen) -> Result<Told> {
    let ended = stage.board.phase("4. it expires", |line| stage.agent.wait(&forgotten.id, line))?;
    Ok(told("4. nobody decides", ended, "expired"))
}

/// The three requests that a person decides.
pub(super) fn decided(stage: &Stage<'_>) -> Result<Vec<Told>> {
    let approved = stage.board.phase("1. approved", |line| {
        let target = "s3://demo-target/users/";
        let asked = ask(stage, target, "The report needs the users beside it.", line)?;
        let seen = decide(stage, &asked, Press::Approve, line)?;
        let status = carry_out(stage, &seen, target, line)?;
        Ok(told("1. approved and carried out", Seen { status, ..seen }, "succeeded"))
    })?;
    let rejected = stage.board.phase("2. rejected", |line| {
        let asked = ask(stage, "s3://demo-target/everything/", "It might be useful some day.", line)?;
        let seen = decide(stage, &asked, Press::Reject("no reason is given why this is needed"), line)?;
        Ok(told("2. rejected", seen, "rejected"))
    })?;
    let asked_for_more = stage.board.phase("3. asked for more", |line| {
        let target = "s3://demo-target/backup/";
        let asked = ask(stage, target, "A second copy, before the migration.", line)?;
        let question =
            decide(stage, &asked, Press::Ask("which migration, and until when is it kept?"), line)?;
        if question.status != "needs_info" {
            return Ok(told("3. asked for more", question, "succeeded"));
        }
        stage.agent.respond(&asked.id, "The move to the new schema; kept for 30 days.", line)?;
        let seen = decide(stage, &asked, Press::Approve, line)?;
        let status = carry_out(stage, &seen, target, line)?;
        Ok(told("3. asked for more, answered, approved", Seen { status, ..seen }, "succeeded"))
    })?;
    Ok(vec![approved, rejected, asked_for_more])
}

fn told(title: &'static str, seen: Seen, expected: &'static str) -> Told {
    Told { title, id: seen.id, status: seen.status, expected }
}

fn ask(stage: &Stage<'_>, target: &str, justification: &str, line: &Line<'_>) -> Result<Seen> {
    stage.agent.ask(&Ask { target, justification, expires_in: None }, line)
}

/// The agent waits while the reviewer presses; what the agent then sees.
fn decide(stage: &Stage<'_>, asked: &Seen, press: Press, line: &Line<'_>) -> Result<Seen> {
    scope(|threads| {
        let waiting = threads.spawn(|| stage.agent.wait(&asked.id, line));
        let pressed = stage.reviewer.press(&asked.id, press, line);
        if let Ok(text) = &pressed {
            stage.board.print(&format!("       {text}"));
        }
        let seen = waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        pressed?;
        stage.board.print(&format!("       the agent sees: {}", seen.status));
        Ok(seen)
    })
}

/// Runs what was approved; the status after it.
fn carry_out(stage: &Stage<'_>, seen: &Seen, target: &str, line: &Line<'_>) -> Result<String> {
    if seen.status != "approved" {
        return Ok(seen.status.clone());
    }
    let copied = stage.agent.carry_out(seen, target, line)?;
    stage.board.print(&format!("       the agent {copied}"));
    Ok(stage.agent.wait(&seen.id, line)?.status)
}
