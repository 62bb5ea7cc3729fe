//! Every command on every status: statuses.txt.

use countersign_domain::Status;

use crate::history::History;
use crate::notation::{go_on, run};

/// A history to each status, in the order of [`Status::ALL`].
const HISTORIES: [&str; 14] = [
    "ask executor; sent",
    "ask executor; sent; question ann",
    "ask executor; approve ann",
    "ask executor; approve ann; consume",
    "ask executor; approve ann; consume; succeeded",
    "ask executor; approve ann; consume; failed",
    "ask executor; approve ann; consume; unknown",
    "ask executor deny",
    "ask executor; reject ann",
    "ask executor review=30; sent; @30 tick",
    "ask executor; withdraw",
    "ask executor; approve ann; revoke policy",
    "ask executor review=30; @30 tick",
    "ask executor ttl=30; approve ann; @30 tick",
];

fn cell(history: &History, command: &str) -> String {
    let before = history.status();
    let ran = go_on(history.clone(), &format!("@60 {command}"));
    let after = ran.history.status();
    match &ran.last {
        Err(refusal) => {
            assert_eq!(after, before, "{command}");
            refusal.code().as_str().to_owned()
        }
        Ok(events) if events.is_empty() => "0".to_owned(),
        Ok(_) if after == before => "+".to_owned(),
        Ok(_) => format!(">{after}"),
    }
}

#[test]
fn every_command_on_every_status() {
    let histories = HISTORIES.map(|history| run(history).history);
    let reached: Vec<_> = histories.iter().map(History::status).collect();
    assert_eq!(reached, Status::ALL);

    let rows: Vec<_> = include_str!("statuses.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert!(rows.len() > 30);
    for row in rows {
        let (command, cells) = row.split_once("  ").expect("two spaces after the command");
        let expect: Vec<_> = cells.split_whitespace().collect();
        assert_eq!(expect.len(), Status::ALL.len(), "{command}");
        for (history, expect) in histories.iter().zip(expect) {
            let found = cell(history, command);
            let same = match expect.strip_suffix('~') {
                Some(start) => found.starts_with(start),
                None => found == expect,
            };
            assert!(same, "{command} on {}: {found}, not {expect}", history.status());
        }
    }
}
