//! The command line: what is taken, what is refused, what `--help` promises.

use clap::FromArgMatches as _;
use countersign_cli::args::{Cli, Command, Decision, command};
use countersign_cli::exit::Exit;

const ID: &str = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";

fn parse(line: &str) -> Result<Cli, String> {
    let words = std::iter::once("countersign").chain(line.split_whitespace());
    let matches = command().try_get_matches_from(words).map_err(|e| e.to_string())?;
    Cli::from_arg_matches(&matches).map_err(|e| e.to_string())
}

#[test]
fn the_parser_is_sound() {
    command().debug_assert();
}

#[test]
fn what_is_taken_and_what_is_refused() {
    fn check(line: &str, refused: Option<&str>) {
        match (parse(&line.replace("ID", ID)), refused) {
            (Ok(_), None) => {}
            (Err(message), Some(part)) => assert!(message.contains(part), "{line} gave {message}"),
            (Ok(_), Some(_)) => panic!("{line} was taken"),
            (Err(message), None) => panic!("{line} gave {message}"),
        }
    }
    let agent = "--url http://127.0.0.1:1";
    let review = "--review-url http://127.0.0.1:1 --token-stdin";
    let ask = format!("{agent} --action a --target t --arguments {{}}");
    check(&format!("request {ask}"), None);
    check(&format!("request {ask} --wait --timeout 5m"), None);
    check(&format!("request {ask} --timeout 5m"), Some("--wait"));
    check(&format!("request {ask} --timeout 5 --wait"), Some("a span is a whole number and s, m, h or d"));
    check(&format!("request {ask} --idempotency-key a/b"), Some("1 to 128 of"));
    check(
        &format!(
            "request {ask} --delegation-chain a,b --delegation-chain c --executor agt_abcdefghijklmnopqrstuvwxy2 --expires-in 2h"
        ),
        None,
    );
    check(&format!("request {ask} --executor deploy"), Some("an agent id is agt_ and 26"));
    check(&format!("request {agent} --action a --target t"), Some("--arguments"));
    check(&format!("request {agent} --action a --target t --arguments -"), None);
    check("request --url http://example.com --action a --target t --arguments {}", Some("this machine only"));
    check("request --action a --target t --arguments {}", Some("--url"));
    check(&format!("explain {ask}"), None);
    check(&format!("list {agent} --status pending --cursor c"), None);
    check(&format!("status {agent} ID --json"), None);
    check(&format!("--json status {agent} ID"), None);
    check(&format!("status {agent} req_1"), Some("a request id is req_ and 26"));
    check(&format!("status {agent}"), Some("<REQUEST>"));
    check(&format!("wait {agent} ID --timeout 0s"), None);
    check(&format!("respond {agent} ID --answer yes"), None);
    check(&format!("respond {agent} ID --answer yes --arguments @file --justification j"), None);
    check(&format!("respond {agent} ID"), Some("--answer"));
    check(&format!("withdraw {agent} ID --reason r"), None);
    check(&format!("consume {agent} ID --digest d"), None);
    check(&format!("consume {agent} ID"), Some("--digest"));
    check(&format!("consume {agent} ID --digest d --attempt 0123"), Some("32 lower-case hex digits"));
    check(&format!("outcome {agent} ID --failed --detail d"), None);
    check(&format!("outcome {agent} ID"), Some("--succeeded|--failed|--unknown"));
    check(&format!("outcome {agent} ID --failed --succeeded"), Some("cannot be used with"));
    check(&format!("decide {review} ID approve --digest d"), None);
    check(&format!("decide {review} ID request-info --digest d --comment c"), None);
    check(&format!("decide {review} ID approve"), Some("--digest"));
    check(&format!("decide {review} ID yes --digest d"), Some("approve, reject, request_info"));
    check("decide --review-url http://127.0.0.1:1 ID approve --digest d", Some("--token-stdin"));
    check(
        &format!("decide {review} --token secret ID approve --digest d"),
        Some("unexpected argument '--token'"),
    );
    check(&format!("revoke {review} ID --reason r"), None);
    check(&format!("freeze {review} agt_abcdefghijklmnopqrstuvwxy2 --reason r"), None);
    check(&format!("unfreeze {review} agt_abcdefghijklmnopqrstuvwxy2"), None);
    check(&format!("freeze {review} ID"), Some("an agent id is agt_ and 26"));
    check(&format!("events {review} ID"), None);
    check(&format!("review list {review} --status pending"), None);
    check(&format!("review show {review} ID"), None);
    check("", Some("Usage:"));
    check("approve", Some("unrecognized subcommand"));
}

#[test]
fn lists_and_decisions_are_read_as_meant() {
    let line = "request --url http://[::1]:1 --action a --target t --arguments {} --delegation-chain a,b --delegation-chain c";
    let Ok(Cli { command: Command::Request(request), .. }) = parse(line) else { panic!("{line}") };
    assert_eq!(request.ask.delegation_chain, ["a", "b", "c"]);
    let line = format!("decide --review-url http://[::1]:1 --token-stdin {ID} request-info --digest d");
    let Ok(Cli { command: Command::Decide(decide), .. }) = parse(&line) else { panic!("{line}") };
    assert_eq!((decide.decision, decide.decision.as_str()), (Decision::RequestInfo, "request_info"));
}

#[test]
fn every_help_tells_every_exit_code() {
    fn check(command: &mut clap::Command) {
        let help = command.render_long_help().to_string();
        for exit in Exit::ALL {
            let row = format!("{:>2}  {:<14} {}", exit.code(), exit.word(), exit.meaning());
            assert!(help.contains(&row), "{} --help lacks {row}", command.get_name());
        }
        command.get_subcommands_mut().for_each(check);
    }
    let mut command = command();
    command.build();
    check(&mut command);
}
