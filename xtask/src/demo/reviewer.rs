//! The people's side: a scripted reviewer on the chat page, or the person who runs the demo; and an auditor who
//! reads the recorded facts.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::PATIENCE;
use crate::environments;
use crate::http;
use crate::process::Run;
use crate::repo::Place;
use crate::stack::Stack;
use crate::ui::Line;

/// The channel of profile `data-export`.
pub(super) const CHANNEL: &str = "C0DATA";
/// Who decides there.
pub(super) const PERSON: (&str, &str) = ("alice", "U0ALICE");
/// Who may read every request's facts.
const AUDITOR: &str = "grace";

/// What to do on a card.
#[derive(Clone, Copy, Debug)]
pub(super) enum Press {
    Approve,
    Reject(&'static str),
    Ask(&'static str),
}

impl Press {
    fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Approve => ("approve", None),
            Self::Reject(reason) => ("reject", Some(reason)),
            Self::Ask(question) => ("ask", Some(question)),
        }
    }

    /// What a person is told to do.
    fn told(self) -> String {
        match self {
            Self::Approve => "press Approve".to_owned(),
            Self::Reject(reason) => format!("press Reject, and say why: {reason}"),
            Self::Ask(question) => format!("press the button that asks for more, and ask: {question}"),
        }
    }
}

/// Who decides.
pub(super) struct Reviewer<'a> {
    place: &'a Place,
    stack: &'a Stack,
    auto: bool,
}

impl<'a> Reviewer<'a> {
    pub(super) fn new(place: &'a Place, stack: &'a Stack, auto: bool) -> Self {
        Self { place, stack, auto }
    }

    /// Presses, or asks the person at the terminal to. Returns what is to be told about it.
    pub(super) fn press(&self, id: &str, press: Press, line: &Line<'_>) -> Result<String> {
        let page = format!("{}/?request={id}", self.stack.slack_url);
        if !self.auto {
            return Ok(format!("your turn: open {page}, #data, as {}, and {}", PERSON.0, press.told()));
        }
        let (action, text) = press.words();
        let mut command = Command::new("node");
        command.current_dir(environments::chat()).arg("clicker.mjs");
        command.args(["--page", &self.stack.slack_url, "--channel", CHANNEL, "--request", id]);
        command.args(["--as", PERSON.0, "--do", action]);
        if let Some(text) = text {
            command.args(["--text", text]);
        }
        command.env("CHROMIUM", self.stack.chromium.as_deref().unwrap_or("none".as_ref()));
        let output = self.place.scratch().join("clicker.json");
        let run = Run::new(self.place, "clicker", command).output(output.clone()).within(PATIENCE);
        let done = run.wait(line)?;
        let seen: Value = serde_json::from_slice(&fs::read(&output)?).unwrap_or_default();
        if done.is_good() {
            let via = if seen["via"] == "chromium" {
                "in headless Chromium"
            } else {
                "through the page's HTTP (no browser here)"
            };
            let time =
                seen["click_ms"].as_u64().map(|ms| format!(", answered in {ms} ms")).unwrap_or_default();
            return Ok(format!("{} pressed {action} {via}{time}", PERSON.0));
        }
        done.good().with_context(|| format!("the scripted reviewer could not press {action}: {seen}"))
    }

    /// The recorded facts of a request, as the auditor's `countersign events` shows them.
    pub(super) fn events(&self, id: &str, line: &Line<'_>) -> Result<String> {
        let token = self.token(AUDITOR)?;
        let mut command = Command::new(&self.stack.cli);
        command.args(["events", id, "--token-stdin"]).env("COUNTERSIGN_REVIEW_URL", &self.stack.review_api);
        let run = Run::new(self.place, "events", command).input(format!("{token}\n").into_bytes());
        run.within(PATIENCE).good(line)
    }

    fn token(&self, person: &str) -> Result<String> {
        let answer =
            http::post(&format!("{}/_standin/token", self.stack.oidc_url), &json!({ "sub": person }))?;
        answer["token"].as_str().map(str::to_owned).context("the sign-in provider gave no token")
    }
}
