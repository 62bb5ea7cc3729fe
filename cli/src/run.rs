//! From a parsed command line to an exit code: the one place that prints an answer.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use crate::args::Cli;
use crate::commands::{self, Report};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::Paint;

/// Runs the command and prints its answer: JSON or text on standard output, failures on standard error.
pub fn run(cli: Cli) -> ExitCode {
    let no_color = std::env::var_os("NO_COLOR");
    let errors = Paint::when(std::io::stderr().is_terminal(), no_color.as_deref());
    let paint = Paint::when(std::io::stdout().is_terminal(), no_color.as_deref());
    let exit = match outcome(cli.command, paint, Progress::Told(errors)) {
        Ok(report) => {
            let text = if cli.json { format!("{}\n", report.json) } else { report.text };
            print(&text, report.exit, errors)
        }
        Err(failure) => {
            eprint!("{}", failure.text(errors));
            match failure.json().filter(|_| cli.json) {
                Some(json) => print(&format!("{json}\n"), failure.exit(), errors),
                None => failure.exit(),
            }
        }
    };
    exit.into()
}

fn outcome(command: crate::args::Command, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Local(format!("the runtime cannot be started: {e}")))?;
    let result = runtime.block_on(commands::run(command, paint, progress));
    // A name look-up that is still under way must not hold up the end.
    runtime.shutdown_background();
    result
}

fn print(text: &str, exit: Exit, paint: Paint) -> Exit {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => exit,
        Err(error) => {
            eprintln!("{} standard output cannot be written: {error}", paint.bad("error:"));
            Exit::Error
        }
    }
}
