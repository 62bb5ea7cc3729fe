//! The command line of `countersign audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ReviewersApi;
use crate::endpoint::Endpoint;
use crate::id::RequestId;
use crate::instant::Instant;

/// Export evidence from the log, and check it alone
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Say which log is trusted: the only keys that anything is verified with
    #[command(subcommand)]
    Trust(Trust),
    /// Make an evidence pack of the log's events between two times
    Export(Export),
    /// Check a pack, without a network and without credentials
    Verify(Verify),
    /// Draw requests that ran from a pack, and write a page and a proof of each
    Sample(Sample),
    /// Print the proof (C2SP tlog-proof) that one event is in the log
    Prove(Prove),
    /// Show the life of a request as the log tells it
    Show(Show),
    /// Erase a request's arguments and free text; its events and proofs stay (admin)
    Erase(Erase),
    /// Ask to go on with a new log where the old one is halted; it takes two admins within an hour
    Recover(Recover),
}

/// What is trusted.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Keep a log's verifier key, or a trust policy with witnesses
    Add(TrustAdd),
    /// List what is kept
    List,
}

/// `audit trust add`
#[derive(Debug, Args)]
pub struct TrustAdd {
    /// A file with a trust policy (C2SP tlog-policy) or a verifier key, or the verifier key itself
    #[arg(value_name = "FILE|VKEY")]
    pub what: String,
    /// Put it in the place of another that is kept for the same log
    #[arg(long)]
    pub replace: bool,
}

/// Whom to trust.
#[derive(Debug, Args)]
pub struct Trusting {
    /// The trust policy to use instead of those that are kept; never one that came with the pack
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// `audit export`
#[derive(Debug, Args)]
pub struct Export {
    /// From this time on: a date (its beginning in UTC) or an RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub from: Instant,
    /// Until before this time
    #[arg(long, value_name = "TIME")]
    pub to: Instant,
    /// Only events that are evidence for this control, such as CC8.1
    #[arg(long)]
    pub control: Option<String>,
    /// Only events of this request; may be repeated
    #[arg(long = "request", value_name = "REQUEST")]
    pub requests: Vec<RequestId>,
    /// A checkpoint noted earlier, from which it must be possible to prove that the log only grew; may be repeated
    #[arg(long = "pin", value_name = "FILE")]
    pub pins: Vec<PathBuf>,
    /// Where to write the pack: a directory that is not there yet, or is empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Read the log's files from this directory instead of the bucket
    #[arg(long, value_name = "DIR", conflicts_with_all = ["bucket", "origin"])]
    pub log: Option<PathBuf>,
    /// The archive bucket (output ArchiveBucketName)
    #[arg(long, env = "COUNTERSIGN_LOG_BUCKET", required_unless_present = "log")]
    pub bucket: Option<String>,
    /// The log's name (output LogOrigin)
    #[arg(long, env = "COUNTERSIGN_LOG_ORIGIN", required_unless_present = "log")]
    pub origin: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub trusting: Trusting,
    /// Do not record the export in the log: nobody signs the pack's list of files then
    #[arg(long)]
    pub unrecorded: bool,
    /// The reviewers' API, which records the export
    #[arg(
        long,
        env = "COUNTERSIGN_REVIEW_URL",
        hide_env_values = true,
        value_name = "URL",
        required_unless_present = "unrecorded"
    )]
    pub review_url: Option<Endpoint>,
    /// Read the auditor's fresh token from the first line of standard input; there is no other way to give it
    #[arg(long, required_unless_present = "unrecorded", conflicts_with = "unrecorded")]
    pub token_stdin: bool,
}

/// `audit verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The pack
    #[arg(value_name = "PACK")]
    pub pack: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub trusting: Trusting,
    /// A checkpoint that was kept from earlier: the log must continue it
    #[arg(long, value_name = "FILE")]
    pub pin: Option<PathBuf>,
}

/// `audit sample`
#[derive(Debug, Args)]
pub struct Sample {
    /// The pack
    #[arg(value_name = "PACK")]
    pub pack: PathBuf,
    /// How many requests to draw
    #[arg(short, long, default_value_t = 25, value_name = "NUMBER")]
    pub n: usize,
    /// The auditor's own words, of which the draw follows
    #[arg(long, value_name = "TEXT")]
    pub seed: String,
    /// Where to write the pages, instead of PACK/samples
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub trusting: Trusting,
}

/// Where entries are, and whom to trust about them.
#[derive(Debug, Args)]
pub struct Entries {
    /// A pack, or a directory with the log's files
    #[arg(long = "in", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub trusting: Trusting,
}

/// `audit prove`
#[derive(Debug, Args)]
pub struct Prove {
    /// The event, such as req_….7
    #[arg(value_name = "EVENT")]
    pub event: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub entries: Entries,
    /// Write the proof to this new file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `audit show`
#[derive(Debug, Args)]
pub struct Show {
    /// The request
    #[arg(value_name = "REQUEST")]
    pub id: RequestId,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub entries: Entries,
}

/// `audit erase`
#[derive(Debug, Args)]
pub struct Erase {
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

/// `audit recover`
#[derive(Debug, Args)]
pub struct Recover {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment would become the help of the command")]
    pub api: ReviewersApi,
    /// Why; the second admin gives the same words
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}
