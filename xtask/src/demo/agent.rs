//! The agent's side: the real `countersign` command, with the credentials of a role of its own.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::deploy;
use crate::process::Run;
use crate::repo::Place;
use crate::stack::Stack;
use crate::ui::Line;

/// The role that is the agent.
const ROLE: &str = "sync-agent";
/// Where its data comes from.
pub(super) const SOURCE: &str = "s3://demo-source/users/";

/// An agent with credentials.
pub struct Agent<'a> {
    place: &'a Place,
    /// Where it works.
    pub(super) stack: &'a Stack,
    credentials: BTreeMap<String, String>,
    patience: Option<Duration>,
    count: AtomicU32,
}

/// One action the agent wants to run.
pub(super) struct Ask<'a> {
    pub target: &'a str,
    pub justification: &'a str,
    pub expires_in: Option<&'a str>,
}

/// A request as its agent sees it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub id: String,
    pub status: String,
    pub digest: String,
    /// When it was decided, as the service says it.
    pub decided_at: Option<String>,
    /// When the answer was here.
    pub answered: SystemTime,
}

impl<'a> Agent<'a> {
    /// Makes the role, with the right to ask and to copy between the demo's buckets, and assumes it. No command of
    /// its takes longer than `patience`; a person who decides may take any time.
    pub fn make(
        place: &'a Place,
        stack: &'a Stack,
        patience: Option<Duration>,
        line: &Line<'_>,
    ) -> Result<Self> {
        let rights = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"],
              "Resource": ["arn:aws:s3:::demo-source", "arn:aws:s3:::demo-source/*"] },
            { "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::demo-target/*" },
        ]});
        fs::create_dir_all(place.scratch())?;
        let policy = place.scratch().join("sync-agent.json");
        fs::write(&policy, rights.to_string())?;
        let output = place.scratch().join("sync-agent.credentials");
        let mut command = deploy::script("agent.py");
        command.args(["--url", &stack.engine_url, "--stack", &stack.stack_name, "--json", "--also"]);
        command.arg(policy).arg(ROLE);
        Run::new(place, "agent", command).output(output.clone()).good(line)?;
        let credentials = serde_json::from_slice(&fs::read(&output)?).context("agent.py")?;
        fs::remove_file(output)?;
        Ok(Self { place, stack, credentials, patience, count: AtomicU32::new(0) })
    }

    /// Asks, and does not wait.
    pub(super) fn ask(&self, ask: &Ask<'_>, line: &Line<'_>) -> Result<Seen> {
        let arguments = json!({ "source": SOURCE, "delete": false }).to_string();
        let mut words =
            vec!["request", "--action", "s3.sync", "--target", ask.target, "--arguments", &arguments];
        words.extend(["--justification", ask.justification]);
        if let Some(time) = ask.expires_in {
            words.extend(["--expires-in", time]);
        }
        self.call(&words, line)
    }

    /// Waits until there is something to do.
    pub(super) fn wait(&self, id: &str, line: &Line<'_>) -> Result<Seen> {
        self.call(&["wait", id], line)
    }

    /// Answers a reviewer's question.
    pub(super) fn respond(&self, id: &str, answer: &str, line: &Line<'_>) -> Result<Seen> {
        self.call(&["respond", id, "--answer", answer], line)
    }

    /// Consumes the approval, copies, reports the outcome. Returns what the copy said.
    pub(super) fn carry_out(&self, approved: &Seen, target: &str, line: &Line<'_>) -> Result<String> {
        self.run(self.cli(&["consume", &approved.id, "--digest", &approved.digest]), line)?;
        let mut copy = deploy::script("demo.py");
        copy.args(["--url", &self.stack.engine_url, "sync", SOURCE, target]).envs(&self.credentials);
        let copied = self.run(copy, line)?;
        let detail = copied.trim().to_owned();
        self.run(self.cli(&["outcome", &approved.id, "--succeeded", "--detail", &detail]), line)?;
        Ok(detail)
    }

    fn cli(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.stack.cli);
        command.arg("--json").args(words).envs(&self.credentials);
        command.env("COUNTERSIGN_URL", &self.stack.agents_api).env("AWS_REGION", &self.stack.region);
        command.env_remove("COUNTERSIGN_TOKEN").env_remove("AWS_PROFILE");
        command
    }

    /// A call that answers with the request. Its exit code tells the status and is no failure here.
    fn call(&self, words: &[&str], line: &Line<'_>) -> Result<Seen> {
        let text = self.run(self.cli(words), line)?;
        let answered = SystemTime::now();
        let view: Value = serde_json::from_str(&text).with_context(|| format!("countersign {}", words[0]))?;
        let member = |name: &str| view[name].as_str().map(str::to_owned);
        Ok(Seen {
            id: member("id").context("the answer has no id")?,
            status: member("status").context("the answer has no status")?,
            digest: member("digest").unwrap_or_default(),
            decided_at: view["decision"]["at"].as_str().map(str::to_owned),
            answered,
        })
    }

    /// Runs a command, and returns what it wrote to standard output.
    fn run(&self, command: Command, line: &Line<'_>) -> Result<String> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let output = self.place.scratch().join(format!("agent-{number}.out"));
        let name = format!("agent-{number}");
        let run = Run::new(self.place, &name, command).output(output.clone()).within(self.patience);
        let done = run.wait(line)?;
        // countersign: 0 is good, 10 and more tell a status, what is between is a failure.
        let text = match done.code() {
            Some(0 | 10..) => fs::read_to_string(&output)?,
            _ => match done.good() {
                Err(error) => return Err(error),
                Ok(_) => bail!("{name} ended without a code"),
            },
        };
        fs::remove_file(output)?;
        Ok(text)
    }
}
