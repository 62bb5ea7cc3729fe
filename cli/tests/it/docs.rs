//! docs/cli.md is the reference: it names every command, every option and every exit code, and none that is not.

use countersign_cli::args::command;
use countersign_cli::exit::Exit;

fn reference() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    std::fs::read_to_string(path).unwrap()
}

/// The commands that do something, by their whole name, with the options that `--help` shows.
fn leaves(command: &clap::Command, prefix: &str, found: &mut Vec<(String, Vec<String>)>) {
    let name = format!("{prefix}{}", command.get_name());
    if command.has_subcommands() {
        let prefix = format!("{name} ");
        command.get_subcommands().for_each(|sub| leaves(sub, &prefix, found));
        return;
    }
    let options = command.get_arguments().filter_map(|a| a.get_long()).map(|l| format!("--{l}")).collect();
    found.push((name, options));
}

#[test]
fn every_command_has_its_section_with_every_option() {
    let text = reference();
    let mut found = Vec::new();
    leaves(&command(), "", &mut found);
    assert_eq!(found.len(), 25);
    for (name, options) in &found {
        let heading = format!("### `{name}`\n");
        let section = text.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
        let section = section.split("\n### ").next().unwrap().split("\n## ").next().unwrap();
        for option in options.iter().filter(|o| !COMMON.contains(&o.as_str())) {
            assert!(section.contains(&format!("`{option}")), "section {name} lacks {option}");
        }
    }
    let headings: Vec<&str> = text.lines().filter(|l| l.starts_with("### `")).collect();
    assert_eq!(headings.len(), found.len(), "{headings:?}");
    for option in COMMON {
        assert!(text.contains(&format!("`{option}")), "{option} is told nowhere");
    }
}

/// Told once, for all commands.
const COMMON: [&str; 6] = ["--json", "--url", "--review-url", "--token-stdin", "--help", "--version"];

#[test]
fn the_table_of_exit_codes_is_the_commands_own() {
    let rows: Vec<String> = Exit::ALL
        .iter()
        .map(|exit| format!("| {} | `{}` | {} |", exit.code(), exit.word(), exit.meaning()))
        .collect();
    let text = reference();
    let section = text.split("## Exit codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: Vec<&str> =
        section.lines().filter(|l| l.starts_with("| ") && l.as_bytes()[2].is_ascii_digit()).collect();
    assert_eq!(told, rows);
}
