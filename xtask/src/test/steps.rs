//! The steps of `cargo xtask test`, in the order in which each lane takes them.

use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;

use anyhow::{Context as _, Result, bail};
use clap::builder::PossibleValuesParser;

use super::report::Verdict;
use super::tally::{self, Tally};
use super::{Context, Options, step};
use crate::process::{Done, Run};
use crate::stack::Stack;
use crate::ui::Line;
use crate::{build, environments, foreign, guards, repo, up};

/// Who runs a step: one lane holds cargo's lock, one runs beside it, one comes when both have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Cargo,
    Other,
    Last,
}

/// One line of the table.
pub(super) struct Step {
    pub name: &'static str,
    pub lane: Lane,
    /// Steps that must have gone well before.
    pub needs: &'static [&'static str],
    /// Only with `--full`.
    pub full: bool,
    pub run: fn(&Context, &Line<'_>) -> Result<Verdict>,
}

const fn every(
    name: &'static str,
    lane: Lane,
    needs: &'static [&'static str],
    run: fn(&Context, &Line<'_>) -> Result<Verdict>,
) -> Step {
    Step { name, lane, needs, full: false, run }
}

/// All steps. What takes long in one lane is beside what takes long in the other.
pub(super) const STEPS: &[Step] = &[
    every("format", Lane::Cargo, &[], format),
    every("build", Lane::Cargo, &[], build_all),
    every("unit tests", Lane::Cargo, &["build"], unit_tests),
    every("clippy", Lane::Cargo, &[], clippy),
    every("python packages", Lane::Other, &[], python_packages),
    every("node packages", Lane::Other, &[], node_packages),
    every("foreign packages", Lane::Other, &[], foreign_packages),
    every("guards", Lane::Other, &[], always_guards),
    every("template tests", Lane::Other, &["python packages"], template_tests),
    every("engine tests", Lane::Other, &["python packages"], engine_tests),
    every("query tests", Lane::Other, &["python packages"], query_tests),
    every("built guards", Lane::Other, &["build"], built_guards),
    every("foreign tests", Lane::Other, &["build", "python packages", "foreign packages"], written_log),
    // Alone: what a person at a browser sees has time limits that a compiler beside it would break.
    every("chat tests", Lane::Last, &["node packages"], chat_tests),
    every("up", Lane::Last, &["build", "python packages", "node packages"], bring_up),
    every("end to end", Lane::Last, &["up"], end_to_end),
    every("foreign verifiers", Lane::Last, &["end to end", "foreign packages"], stacks_log),
    Step { full: true, ..every("cargo deny", Lane::Last, &[], cargo_deny) },
    Step { full: true, ..every("full", Lane::Last, &["up"], full) },
];

/// How many end-to-end tests run at once: most of the time each waits for the stack.
const END_TO_END_THREADS: &str = "--test-threads=6";
/// Their binary.
const END_TO_END: &str = "e2e";
/// Writes a log with our library, for the verifiers of others.
const WRITTEN_LOG: &str = "log";
/// The suite that every implementation of the ports must pass.
const CONTRACT: &str = "contract";

/// Names for the command line.
pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

/// The steps these options ask for, with all they need.
pub(super) fn chosen(options: &Options) -> Vec<&'static str> {
    let wanted = |step: &&Step| {
        if !options.only.is_empty() {
            options.only.iter().any(|name| name == step.name)
        } else if options.filter.is_some() {
            ["unit tests", "end to end"].contains(&step.name)
        } else {
            options.full || !step.full
        }
    };
    let mut chosen: Vec<&'static str> = STEPS.iter().filter(wanted).map(|step| step.name).collect();
    let mut at = 0;
    while at < chosen.len() {
        let needs = step(chosen[at]).map(|step| step.needs).unwrap_or_default();
        chosen.extend(needs.iter().filter(|need| !chosen.contains(need)).copied().collect::<Vec<_>>());
        at += 1;
    }
    chosen
}

/// One check that went well, or the error that `work` gives.
fn good(work: Result<()>) -> Result<Verdict> {
    work.map(|()| Verdict { tally: Tally::one(true), trouble: None })
}

/// The verdict of a test runner.
fn of_tests(done: Done, read: fn(&str) -> Tally) -> Result<Verdict> {
    let tally = read(&done.text);
    if done.is_good() && tally.failed == 0 {
        return Ok(Verdict { tally, trouble: None });
    }
    let trouble = match done.good() {
        Err(error) => format!("{error:#}"),
        Ok(_) => "the runner ended with 0 but counted failures".to_owned(),
    };
    Ok(Verdict { tally, trouble: Some(trouble) })
}

fn of_guards(findings: &guards::Findings) -> Verdict {
    let tally = Tally { passed: findings.passed as u64, failed: findings.failed as u64 };
    let trouble = (!findings.complaints.is_empty()).then(|| findings.complaints.join("\n"));
    Verdict { tally, trouble }
}

fn cargo(context: &Context, name: &str, arguments: &[&str], line: &Line<'_>) -> Result<Done> {
    let mut command = repo::cargo();
    command.args(arguments);
    Run::new(&context.place, name, command).wait(line)
}

fn format(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    good(
        cargo(context, "format", &["fmt", "--all", "--", "--check", "--files-with-diff"], line)?
            .good()
            .map(drop),
    )
}

/// Functions, command line and all tests at once: with one selection of packages each dependency has one set of
/// features, and is compiled once. So the steps below select the workspace too.
fn build_all(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let mut arguments = vec!["build", "--locked", "--workspace", "--tests", "--example", WRITTEN_LOG];
    arguments.extend(build::PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    good(cargo(context, "build", &arguments, line)?.good().map(drop))
}

fn clippy(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let arguments = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    good(cargo(context, "clippy", &arguments, line)?.good().map(drop))
}

/// Every test of the workspace but the end-to-end ones.
fn unit_tests(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let filter = context.filter.as_deref();
    if context.tools.nextest {
        let rest = format!("not binary({END_TO_END})");
        let mut arguments =
            vec!["nextest", "run", "--locked", "--workspace", "--no-fail-fast", "--no-tests=pass"];
        arguments.extend(["--failure-output=final", "-E", &rest]);
        arguments.extend(filter);
        return of_tests(cargo(context, "unit-tests", &arguments, line)?, tally::nextest);
    }
    let metadata = repo::metadata(false)?;
    let targets = metadata["packages"].as_array().into_iter().flatten();
    let targets = targets.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let names =
        targets.filter(|target| target["kind"][0] == "test").filter_map(|target| target["name"].as_str());
    let mut arguments = vec!["test", "--locked", "--workspace", "--no-fail-fast", "--lib", "--bins"];
    arguments.extend(names.filter(|name| *name != END_TO_END).flat_map(|name| ["--test", name]));
    arguments.push("--");
    arguments.extend(filter);
    of_tests(cargo(context, "unit-tests", &arguments, line)?, tally::cargo_test)
}

fn python_packages(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    good(environments::prepare_python(&context.place, &context.tools, line))
}

fn node_packages(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    good(environments::prepare_node(&context.place, line))
}

fn always_guards(_: &Context, _: &Line<'_>) -> Result<Verdict> {
    Ok(of_guards(&guards::check_always()))
}

fn built_guards(_: &Context, _: &Line<'_>) -> Result<Verdict> {
    Ok(of_guards(&guards::check_built()))
}

fn pytest(context: &Context, name: &str, folder: &Path, line: &Line<'_>) -> Result<Verdict> {
    of_tests(Run::new(&context.place, name, pytest_of(folder, ".")).wait(line)?, tally::pytest)
}

fn pytest_of(folder: &Path, what: &str) -> Command {
    let mut command = Command::new(environments::python());
    let cache = format!("cache_dir={}", repo::local().join("pytest").display());
    command.current_dir(folder).args(["-m", "pytest", "-q", "-rs", "--tb=short", "-o", &cache, what]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn engine_tests(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    pytest(context, "engine-tests", &environments::engine(), line)
}

fn template_tests(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    pytest(context, "template-tests", &repo::root().join("tests/infra"), line)
}

fn query_tests(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    pytest(context, "query-tests", &repo::root().join("tests/queries"), line)
}

fn chat_tests(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let mut command = Command::new("npm");
    command.current_dir(environments::chat()).args(["test", "--silent"]);
    if let Some(chromium) = &context.tools.chromium {
        command.env("CHROMIUM", chromium);
    }
    of_tests(Run::new(&context.place, "chat-tests", command).wait(line)?, tally::node)
}

fn bring_up(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let services = context.services.lock().unwrap_or_else(PoisonError::into_inner);
    let services = services.as_ref().context("the stack was ended")?;
    good(up::start(services, &context.tools, line.board()).map(drop))
}

fn end_to_end(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let mut command = repo::cargo();
    // The contract of the adapters is a matter of the running stack, too.
    command.args([
        "test",
        "--locked",
        "--workspace",
        "--no-fail-fast",
        "--test",
        END_TO_END,
        "--test",
        CONTRACT,
    ]);
    command.args(["--", END_TO_END_THREADS]);
    command.args(&context.filter).env("COUNTERSIGN_STACK", context.stack_json());
    of_tests(Run::new(&context.place, "end-to-end", command).wait(line)?, tally::cargo_test)
}

fn foreign_packages(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    good(foreign::prepare(&context.place, &context.tools, line))
}

/// A log that the library wrote, and that somebody touched, before the verifiers of others.
fn written_log(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let log = foreign::write(&context.place, line)?;
    foreign_tests(context, "test_written.py", ("FOREIGN_WRITTEN", &log), line)
}

/// The log that the end-to-end tests left in the running stack, before the verifiers of others.
fn stacks_log(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let log = foreign::fetch(&context.place, &Stack::read(&context.place)?, line)?;
    foreign_tests(context, "test_stack.py", ("FOREIGN_FETCHED", &log), line)
}

fn foreign_tests(context: &Context, file: &str, log: (&str, &Path), line: &Line<'_>) -> Result<Verdict> {
    let mut command = pytest_of(&foreign::folder(), file);
    foreign::tell(&mut command, &context.tools);
    command.env(log.0, log.1);
    of_tests(Run::new(&context.place, file, command).wait(line)?, tally::pytest)
}

fn cargo_deny(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let done =
        cargo(context, "cargo-deny", &["deny", "--locked", "check", "bans", "licenses", "sources"], line)?;
    if done.text.contains("no such command") {
        bail!("cargo-deny is not here: `cargo install --locked cargo-deny` installs it");
    }
    good(done.good().map(drop))
}

/// Each program directly in tests/full, by name.
fn full(context: &Context, line: &Line<'_>) -> Result<Verdict> {
    let folder = repo::root().join("tests/full");
    let mut programs: Vec<_> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| is_program(path)).collect(),
        Err(_) => Vec::new(),
    };
    programs.sort();
    let mut tally = Tally::default();
    let mut troubles = Vec::new();
    for program in programs {
        let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(&program);
        command.current_dir(repo::root()).env("COUNTERSIGN_STACK", context.stack_json());
        match Run::new(&context.place, &format!("full-{name}"), command).wait(line)?.good() {
            Ok(_) => tally.passed += 1,
            Err(error) => {
                tally.failed += 1;
                troubles.push(format!("{error:#}"));
            }
        }
    }
    Ok(Verdict { tally, trouble: (!troubles.is_empty()).then(|| troubles.join("\n")) })
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(only: &[&str], filter: Option<&str>, full: bool, expect: &[&str]) {
        let only = only.iter().map(|name| (*name).to_owned()).collect();
        let mut chosen = chosen(&Options { full, only, filter: filter.map(str::to_owned) });
        chosen.sort_unstable();
        let mut expect = expect.to_vec();
        expect.sort_unstable();
        assert_eq!(chosen, expect);
    }

    #[test]
    fn a_chosen_step_brings_what_it_needs() {
        check(&["format"], None, false, &["format"]);
        let stack = ["build", "python packages", "node packages", "up", "end to end"];
        check(&["end to end"], None, false, &stack);
        check(&[], Some("consume"), false, &[stack.as_slice(), &["unit tests"]].concat());
    }

    #[test]
    fn only_full_runs_all() {
        let count = |full| chosen(&Options { full, only: Vec::new(), filter: None }).len();
        assert_eq!(count(true), STEPS.len());
        assert_eq!(count(false), STEPS.iter().filter(|step| !step.full).count());
    }

    #[test]
    fn needs_are_steps_that_come_before_in_the_same_lane_or_run_in_another() {
        for (at, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                let position = STEPS.iter().position(|other| other.name == *need).unwrap();
                let other = &STEPS[position];
                assert!(other.lane != step.lane || position < at, "{} waits for {need} for ever", step.name);
                assert!(
                    other.lane != Lane::Last || step.lane == Lane::Last,
                    "{} waits for {need}",
                    step.name
                );
            }
        }
    }
}
