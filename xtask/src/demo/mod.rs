//! `cargo xtask demo`: the main job on a real example. An agent wants to copy user data to another bucket; a person
//! decides in chat; the agent goes on; the archive holds it. Everything is the real product but the chat platform.

mod agent;
mod chapters;
mod measure;
mod reviewer;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{Run, Services, end_all_on_signal};
use crate::repo::Place;
use crate::stack::Stack;
use crate::ui::{Board, Line};
use crate::{deploy, foreign, tools, up};
pub use agent::Agent;
use chapters::Told;
pub use measure::{Timings, measure};
use reviewer::Reviewer;

/// How to show it.
#[derive(Args, Debug)]
pub struct Options {
    /// A scripted reviewer clicks: in headless Chromium where there is one, else through the page's HTTP
    #[arg(long)]
    auto: bool,
    /// Leave the log's files in this directory, which is empty or not there yet, with its key and a proof
    #[arg(long, value_name = "DIR")]
    log_out: Option<PathBuf>,
}

/// How often the loop is run for its timings.
const RUNS: usize = 24;
/// How long one command of the demo may take where no person is waited for.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What the chapters work with.
struct Stage<'a> {
    place: &'a Place,
    stack: &'a Stack,
    agent: Agent<'a>,
    reviewer: Reviewer<'a>,
    board: &'a Board,
}

/// Sets all up, plays the chapters, shows timelines, archive and timings, and ends all.
pub fn run(options: &Options) -> Result<()> {
    let log_out = options.log_out.as_deref().map(empty_folder).transpose()?;
    end_all_on_signal()?;
    let place = Place::demo();
    let board = Board::new();
    let tools = tools::find()?;
    let services = Services::take(&place)?;
    up::prepare(&place, &tools, &board)?;
    let stack = up::start(&services, &tools, &board)?;
    let agent = board.phase("an agent and two buckets", |line| {
        script(&place, "buckets", &["demo.py", "--url", &stack.engine_url, "buckets"], line)?;
        Agent::make(&place, &stack, options.auto.then_some(PATIENCE), line)
    })?;
    let reviewer = Reviewer::new(&place, &stack, options.auto);
    board.print(&plan(&stack, options.auto));

    let stage = Stage { place: &place, stack: &stack, agent, reviewer, board: &board };
    let forgotten = chapters::forgotten(&stage)?;
    let mut told = chapters::decided(&stage)?;
    let title = format!("{RUNS} runs for the timings");
    let timings = board.phase(&title, |line| measure(&stage.agent, RUNS, line))?;
    told.push(chapters::expires(&stage, &forgotten)?);
    show_timelines(&stage, &told)?;
    show_archive(&stage, &told)?;
    if let Some(folder) = &log_out {
        write_log(&stage, &told, folder)?;
    }
    board.print(&timings.text());

    drop(services);
    board.print("\nall ended; nothing is left running");
    drop(board);
    verdict(&told, &timings)
}

fn plan(stack: &Stack, auto: bool) -> String {
    let who = if auto {
        "a scripted reviewer decides".to_owned()
    } else {
        format!(
            "you decide, on the chat page: {}\n(channel #data, acting as alice, bob or carol)",
            stack.slack_url
        )
    };
    format!(
        "
An agent asks to copy user data from one bucket to another; {who}.

  1. a request is approved; the agent wakes, consumes the approval, and copies
  2. a request is rejected, with a reason
  3. a request is asked for more, answered, approved and carried out
  4. a request that nobody decides expires (asked first, because that takes its time)
"
    )
}

fn show_timelines(stage: &Stage<'_>, told: &[Told]) -> Result<()> {
    let timelines = stage.board.phase("read the recorded facts", |line| {
        told.iter().map(|one| stage.reviewer.events(&one.id, line)).collect::<Result<Vec<_>>>()
    })?;
    for (one, timeline) in told.iter().zip(timelines) {
        stage.board.print(&format!("\n{}: {} ({})\n{}", one.title, one.status, one.id, indented(&timeline)));
    }
    Ok(())
}

fn show_archive(stage: &Stage<'_>, told: &[Told]) -> Result<()> {
    let output = |name: &str| {
        let value = stage.stack.outputs.get(name).map(String::as_str);
        value.with_context(|| format!("the template has no output {name}"))
    };
    let bucket = output("ArchiveBucketName")?;
    let mut arguments = vec!["demo.py", "--url", &stage.stack.engine_url, "archive", bucket];
    arguments.extend([output("DerivedBucketName")?, output("LogOrigin")?]);
    arguments.extend(told.iter().map(|one| one.id.as_str()));
    let text = stage
        .board
        .phase("look into the archive", |line| script(stage.place, "archive", &arguments, line))?;
    stage.board.print(&format!("\nThe log, in {bucket}:\n{}", indented(&text)));
    Ok(())
}

/// Leaves the log's files, its key and the proof of the first decision in the directory.
fn write_log(stage: &Stage<'_>, told: &[Told], folder: &Path) -> Result<()> {
    let decision = told.first().context("there was no request")?;
    let proof = folder.join(format!("{}.tlog-proof", decision.id));
    let run = |name: &str, command: Command, line: &Line<'_>| {
        Run::new(stage.place, name, command).within(PATIENCE).good(line)
    };
    let text = stage.board.phase("write the log", |line| {
        // Sealing may add to the log: the proof is asked for first, so that the log that is copied holds its leaf.
        let sealed = stage.place.scratch().join("decision.tlog-proof");
        let seal = foreign::log_script(stage.stack, "proof", &[OsStr::new(&decision.id), sealed.as_os_str()]);
        run("proof", seal, line)?;
        let text = run("fetch", foreign::log_script(stage.stack, "fetch", &[folder.as_os_str()]), line)?;
        std::fs::copy(&sealed, &proof)?;
        Ok(text)
    })?;
    stage.board.print(&format!(
        "\n{} are in {}, with log.vkey and the proof of a decision,\n{}. tests/foreign/README.md names verifiers that are not ours.",
        text.trim(),
        folder.display(),
        proof.display()
    ));
    Ok(())
}

/// A directory that nothing is in.
fn empty_folder(folder: &Path) -> Result<PathBuf> {
    let taken = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => bail!("--log-out {}: {error}", folder.display()),
    };
    if taken {
        bail!("--log-out {}: the directory is not empty", folder.display());
    }
    // Scripts run in a folder of their own.
    std::path::absolute(folder).with_context(|| format!("--log-out {}", folder.display()))
}

/// Runs a script beside the engine; what it printed.
fn script(place: &Place, name: &str, arguments: &[&str], line: &Line<'_>) -> Result<String> {
    let (script, rest) = arguments.split_first().unwrap_or((&"", &[]));
    let mut command = deploy::script(script);
    command.args(rest);
    Run::new(place, name, command).within(PATIENCE).good(line)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Fails when a chapter did not end as told, or the loop was too slow.
fn verdict(told: &[Told], timings: &Timings) -> Result<()> {
    let mut wrong: Vec<String> = told
        .iter()
        .filter(|one| one.status != one.expected)
        .map(|one| format!("{}: ended as {}, not {}", one.title, one.status, one.expected))
        .collect();
    wrong.extend(timings.too_slow());
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("not as it should be:\n  {}", wrong.join("\n  "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_directory_is_written_to() {
        let folder = std::env::temp_dir().join(format!("countersign-log-out-{}", std::process::id()));
        let check = |expect: &str| {
            let found = empty_folder(&folder).map_or_else(|error| error.to_string(), |_| "good".to_owned());
            assert!(found.ends_with(expect), "{found}");
        };
        check("good");
        std::fs::create_dir(&folder).unwrap();
        check("good");
        std::fs::write(folder.join("mine"), "").unwrap();
        check("the directory is not empty");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "").unwrap();
        assert!(empty_folder(&folder).is_err(), "a file is no directory");
        std::fs::remove_file(&folder).unwrap();
        assert!(empty_folder(Path::new("new")).unwrap().is_absolute());
    }
}
