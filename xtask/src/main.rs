//! Builds, runs and checks the project: `cargo xtask <command>`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line front end")]

mod bench;
mod build;
mod demo;
mod deploy;
mod environments;
mod foreign;
mod guards;
mod http;
mod package;
mod policy;
mod process;
mod proxy;
mod repo;
mod services;
mod stack;
mod test;
mod tools;
mod ui;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs and checks the project
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole product on this machine, without an AWS account
    Up(up::Options),
    /// See the main job on a real example, from nothing
    Demo(demo::Options),
    /// End what `up` started
    Down,
    /// Run every test
    Test(test::Options),
    /// Format, clippy and guards only
    Check,
    /// Measure the stack that is up
    Bench(bench::Options),
    /// Build the functions for Lambda
    Package(package::Options),
    /// Forward calls and inject faults; `up` starts two of these
    Proxy(proxy::Options),
}

fn main() -> ExitCode {
    let result = run(Cli::parse().command);
    process::wait_if_interrupted();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Not through `main`'s return: a backtrace of this program helps nobody who reads what failed.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(options) => up::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Package(options) => package::run(&options),
        Command::Down => {
            up::down();
            Ok(())
        }
        Command::Test(options) => test::run(&options),
        Command::Check => test::run(&test::Options::check()),
        Command::Proxy(options) => proxy::run(&options),
    }
}
