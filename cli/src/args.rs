//! The command line: commands, options and their help. Nothing is read or sent here.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::duration::Span;
use crate::endpoint::Endpoint;
use crate::exit;
use crate::id::{AgentId, RequestId};
use crate::input::{Attempt, Key, Source};

pub mod audit;

/// Ask for, decide on and account for privileged actions of AI agents
///
/// Agents ask, wait, consume and report (--url; signed with AWS credentials, or the bearer token in COUNTERSIGN_TOKEN).
/// Reviewers look, decide, revoke and freeze (--review-url; a fresh token on standard input).
/// Auditors export evidence and check it alone (audit).
#[derive(Debug, Parser)]
#[command(name = "countersign", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Print the service's JSON answer on standard output, exactly as it came, on one line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask to run one exact action
    Request(Request),
    /// List the agent's own requests
    List(List),
    /// Look at a request
    Status(Status),
    /// Wait until a request is decided, or its agent must answer
    Wait(Wait),
    /// Answer a reviewer's question; new arguments are a new ask under the same id
    Respond(Respond),
    /// Withdraw a request
    Withdraw(Withdraw),
    /// Use an approval, once, just before the action runs
    Consume(Consume),
    /// Report how the action went
    Outcome(Outcome),
    /// Ask what policy would say, without asking anybody
    Explain(Explain),
    /// Decide on a request (reviewer)
    Decide(Decide),
    /// Take back an approval that is not used yet (reviewer)
    Revoke(Revoke),
    /// Freeze an agent: its asks are denied and what it was given ends (admin)
    Freeze(Freeze),
    /// Unfreeze an agent; what ended stays ended (admin)
    Unfreeze(Freeze),
    /// Show the recorded facts of a request (reviewer)
    Events(OneReviewed),
    /// Look at requests as a reviewer
    #[command(subcommand)]
    Review(Review),
    /// Export evidence from the log, and check it alone
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Looking as a reviewer.
#[derive(Debug, Subcommand)]
pub enum Review {
    /// List requests
    List(ReviewList),
    /// Show a request with its arguments and votes
    Show(OneReviewed),
}

/// Where agents call.
#[derive(Debug, Args)]
pub struct AgentsApi {
    /// The agents' API
    #[arg(long, env = "COUNTERSIGN_URL", hide_env_values = true, value_name = "URL")]
    pub url: Endpoint,
}

/// Where reviewers call, and as whom.
#[derive(Debug, Args)]
pub struct ReviewersApi {
    /// The reviewers' API
    #[arg(long, env = "COUNTERSIGN_REVIEW_URL", hide_env_values = true, value_name = "URL")]
    pub review_url: Endpoint,
    /// Read the reviewer's fresh token from the first line of standard input; there is no other way to give it
    #[arg(long, required = true)]
    pub token_stdin: bool,
}

/// One exact action, and who asks for whom.
#[derive(Debug, Args)]
pub struct Ask {
    /// Name of the action, such as s3.sync
    #[arg(long)]
    pub action: String,
    /// What it acts on
    #[arg(long)]
    pub target: String,
    /// The arguments, a JSON object: the text itself, @FILE, or - for standard input; sent exactly as it stands
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub arguments: Source,
    /// Why, in words for the reviewer
    #[arg(long, value_name = "TEXT")]
    pub justification: Option<String>,
    /// The person the agent acts for; they cannot approve it
    #[arg(long, value_name = "PERSON")]
    pub on_behalf_of: Option<String>,
    /// Through whom the ask came, separated by commas; none of them can approve it
    #[arg(long, value_name = "PERSON,…", value_delimiter = ',')]
    pub delegation_chain: Vec<String>,
    /// The agent that will consume and run it, when it is another
    #[arg(long, value_name = "AGENT")]
    pub executor: Option<AgentId>,
    /// The time for the review, such as 15m or 2h; never longer than policy gives
    #[arg(long, value_name = "SPAN")]
    pub expires_in: Option<Span>,
    /// Consume at once if policy allows it without a review
    #[arg(long)]
    pub consume: bool,
}

/// `request`
#[derive(Debug, Args)]
pub struct Request {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub ask: Ask,
    /// Names this ask, so that sending it again makes no second one; with --consume 32 lower-case hex digits.
    /// Random unless given, and then told on standard error (never with --consume)
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<Key>,
    /// Wait as `countersign wait` does
    #[arg(long)]
    pub wait: bool,
    /// The longest to wait, such as 90s or 15m
    #[arg(long, value_name = "SPAN", requires = "wait")]
    pub timeout: Option<Span>,
}

/// `list`
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub page: PageArgs,
}

/// Which requests to list.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// Only those with this status
    #[arg(long)]
    pub status: Option<String>,
    /// Where to go on, as the page before said
    #[arg(long)]
    pub cursor: Option<String>,
}

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// Write the receipt into this new file, when there is one
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// `wait`
#[derive(Debug, Args)]
pub struct Wait {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// The longest to wait, such as 90s or 15m; 0s looks once
    #[arg(long, value_name = "SPAN")]
    pub timeout: Option<Span>,
}

/// `respond`
#[derive(Debug, Args)]
pub struct Respond {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// The answer to the reviewer's question
    #[arg(long, value_name = "TEXT")]
    pub answer: String,
    /// New arguments in place of the old, given as for `request`
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub arguments: Option<Source>,
    /// A new justification
    #[arg(long, value_name = "TEXT")]
    pub justification: Option<String>,
}

/// `withdraw`
#[derive(Debug, Args)]
pub struct Withdraw {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `consume`
#[derive(Debug, Args)]
pub struct Consume {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// The digest of what is about to run, as `request` or `wait` told it
    #[arg(long, value_name = "sha256:…")]
    pub digest: String,
    /// The attempt, 32 lower-case hex digits, of a process that makes its own; random and never told unless given
    #[arg(long, value_name = "HEX")]
    pub attempt: Option<Attempt>,
    /// Write the receipt into this new file: the proof that the decision is in the log
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// `outcome`
#[derive(Debug, Args)]
pub struct Outcome {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub ended: Ended,
    /// More about it, in words
    #[arg(long, value_name = "TEXT")]
    pub detail: Option<String>,
}

/// How the action went: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Ended {
    /// It ran and did what it should
    #[arg(long)]
    pub succeeded: bool,
    /// It ran and failed
    #[arg(long)]
    pub failed: bool,
    /// It may have run: nobody knows
    #[arg(long)]
    pub unknown: bool,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: AgentsApi,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub ask: Ask,
}

/// `decide`
#[derive(Debug, Args)]
pub struct Decide {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// The decision
    #[arg(value_enum)]
    pub decision: Decision,
    /// The digest of what was looked at, as `review show` told it
    #[arg(long, value_name = "sha256:…")]
    pub digest: String,
    /// Why; with request_info, the question
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decision {
    /// It may run, once
    Approve,
    /// It must not run
    Reject,
    /// The agent must say more
    #[value(name = "request_info", alias = "request-info")]
    RequestInfo,
}

impl Decision {
    /// The decision as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Reject => "reject",
            Decision::RequestInfo => "request_info",
        }
    }
}

/// `revoke`
#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `freeze` and `unfreeze`
#[derive(Debug, Args)]
pub struct Freeze {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    /// The agent
    #[arg(value_name = "AGENT")]
    pub id: AgentId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `review list`
#[derive(Debug, Args)]
pub struct ReviewList {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub page: PageArgs,
}

/// `review show` and `events`
#[derive(Debug, Args)]
pub struct OneReviewed {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
}

/// The whole command line, with the exit codes in every `--help`.
pub fn command() -> clap::Command {
    with_exit_codes(Cli::command())
}

fn with_exit_codes(command: clap::Command) -> clap::Command {
    command.after_long_help(exit::help()).mut_subcommands(with_exit_codes)
}
