//! Commands that are waited for: output into a log, the end certain.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{living, may_start, table};
use crate::repo::{Place, shown};
use crate::ui::Line;

/// How often a command that has a limit is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A command that will run in a process group of its own.
pub struct Run<'a> {
    place: &'a Place,
    name: &'a str,
    command: Command,
    input: Vec<u8>,
    output: Option<PathBuf>,
    limit: Option<Duration>,
}

/// How a command ended, and all it printed.
pub struct Done {
    name: String,
    log: PathBuf,
    status: std::process::ExitStatus,
    /// What it wrote to standard output and error.
    pub text: String,
}

impl<'a> Run<'a> {
    /// A command whose output goes to the place's log of this name.
    pub fn new(place: &'a Place, name: &'a str, command: Command) -> Self {
        Self { place, name, command, input: Vec::new(), output: None, limit: None }
    }

    /// Gives it something to read; what is secret goes this way, never into the command line.
    pub fn input(self, input: Vec<u8>) -> Self {
        Self { input, ..self }
    }

    /// Sends its standard output to a file; only standard error goes to the log.
    pub fn output(self, file: PathBuf) -> Self {
        Self { output: Some(file), ..self }
    }

    /// Ends it when it takes longer than this, which is then an error.
    pub fn within(self, limit: impl Into<Option<Duration>>) -> Self {
        Self { limit: limit.into(), ..self }
    }

    /// Runs it and waits; the line follows its log.
    pub fn wait(mut self, line: &Line<'_>) -> Result<Done> {
        let log = self.place.log(self.name);
        let create =
            |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        let err = create(&log)?;
        let out = match &self.output {
            Some(file) => create(file)?,
            None => err.try_clone()?,
        };
        self.command.stdin(Stdio::piped()).stdout(out).stderr(err).process_group(0);
        self.command.env(table::MARK, self.place.dir());
        line.follow(&log);
        let mut child = {
            let mut living = may_start()?;
            let program = self.command.get_program().to_string_lossy().into_owned();
            let child = self.command.spawn().with_context(|| format!("cannot start {program}"))?;
            living.running.push(child.id());
            child
        };
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&self.input); // one that ends without reading says why itself
        }
        let status = wait(&mut child, self.limit);
        living().running.retain(|pid| *pid != child.id());
        let Some(status) = status? else {
            let limit = self.limit.unwrap_or_default().as_secs();
            bail!("{} took longer than {limit} s. {}", self.name, log_ends(&log));
        };
        let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
        Ok(Done { name: self.name.to_owned(), log, status, text })
    }

    /// Runs it and waits; what it printed, or an error when it did not end with 0.
    pub fn good(self, line: &Line<'_>) -> Result<String> {
        self.wait(line)?.good()
    }
}

impl Done {
    /// Whether it ended with 0.
    pub fn is_good(&self) -> bool {
        self.status.success()
    }

    /// The exit code, when no signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it printed, or an error that shows the end of its log.
    pub fn good(self) -> Result<String> {
        if self.is_good() {
            return Ok(self.text);
        }
        bail!("{} failed ({}). {}", self.name, self.status, log_ends(&self.log));
    }
}

/// Waits for its end; `None` when it had to be ended, with its group.
fn wait(child: &mut Child, limit: Option<Duration>) -> io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else {
        return child.wait().map(Some);
    };
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK);
    }
    // Not `groups::end`, which waits until the table shows it no more: a child that nobody waited for stays there.
    let _ = killpg(Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)), Signal::SIGKILL);
    child.wait().map(|_| None)
}

fn log_ends(log: &Path) -> String {
    format!("{} ends with:\n{}", shown(log), tail(log, 40))
}

/// The last lines of a log.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].iter().map(|line| format!("    {line}\n")).collect()
}
