//! The `countersign` command.

use std::process::ExitCode;

use clap::FromArgMatches as _;
use countersign_cli::args::{Cli, command};

fn main() -> ExitCode {
    let matches = command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    countersign_cli::run(cli)
}
