//! The few traits behind which the outside stands. Each has an adapter in `countersign-aws` and an in-memory
//! implementation in [`crate::memory`]; one contract suite runs over both.

use std::future::Future;
use std::time::Duration;

use countersign_domain::ids::{AgentId, Origin, RequestId};
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::{Digest, Status, Time};

use crate::log::{Current, EventKey, Keep, Line, LogCommit, LogHead, Observed, Pending, Stray, Unsealed};
use crate::record::{Record, Recorded};
use crate::store::{
    AgentRecord, CardRecord, Commit, Idempotency, Page, Part, Proposal, Stored, StoredEvent, Token, Whole,
    WorkflowMark,
};

/// Why the outside did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Somebody else wrote first, or a transaction was under way: read again.
    #[error("it changed meanwhile")]
    Conflict,
    /// The idempotency key is taken: read its record.
    #[error("the idempotency key is taken")]
    KeyTaken,
    /// The chat callback was seen before.
    #[error("seen before")]
    SeenBefore,
    /// The agent's record is not as it was read, or has a `void_before` mark, or the log was recovered: read again.
    #[error("the agent's record changed meanwhile")]
    AgentChanged,
    /// It does not answer, or not as it should. The text holds no argument and no secret.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// The truth: requests, agents, and their events.
pub trait Table: Send + Sync {
    /// A request's state, read consistently.
    fn state(&self, id: &RequestId) -> impl Future<Output = Result<Option<Stored>, PortError>> + Send;

    /// All of a request but its events, read consistently.
    fn whole(&self, id: &RequestId) -> impl Future<Output = Result<Option<Whole>, PortError>> + Send;

    /// A subject's events in order, read consistently.
    fn events(&self, subject: &Subject) -> impl Future<Output = Result<Vec<StoredEvent>, PortError>> + Send;

    /// Writes all of it or nothing. On conflict nothing is written.
    fn commit(&self, commit: Commit<'_>) -> impl Future<Output = Result<(), PortError>> + Send;

    /// An agent's record, read consistently; the default for one that never asked.
    fn agent(&self, id: &AgentId) -> impl Future<Output = Result<AgentRecord, PortError>> + Send;

    /// Writes an agent's own events and its record, on condition that its own events end as read. Whatever the agent
    /// asked meanwhile stays, and the version is raised: an ask on the record before cannot follow.
    fn commit_agent(
        &self,
        id: &AgentId,
        read: &AgentRecord,
        after: &AgentRecord,
        leaves: Vec<Leaf>,
        texts: Vec<(u32, &crate::store::Words)>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The record of an idempotency key, read consistently.
    fn idempotency(
        &self,
        agent: &AgentId,
        key: &str,
    ) -> impl Future<Output = Result<Option<Idempotency>, PortError>> + Send;

    /// Whether the ask (by its hash without nonce) was rejected and is still cooling down at `now`.
    fn cooling(&self, ask: &Digest, now: Time) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Remembers a chat callback that nothing is committed with. [`PortError::SeenBefore`] = it is known already.
    fn remember(&self, once: &Digest, forget: Time) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Whether this chat callback was remembered, by itself or with a commit, read consistently.
    fn seen(&self, once: &Digest) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// When the log was last recovered, read consistently: requests made up to then are void.
    fn recovered(&self) -> impl Future<Output = Result<Option<Time>, PortError>> + Send;

    /// Keeps who first spoke for something that takes two people, in place of a word that is [`Proposal::stale`]. Gives
    /// the word that holds: this one or an earlier one.
    fn propose(
        &self,
        what: &Digest,
        proposal: &Proposal,
    ) -> impl Future<Output = Result<Proposal, PortError>> + Send;

    /// Sets `due` and the workflow's mark, on condition that the version is as read and that nobody set them since.
    /// `false` = it moved on, nothing was written.
    fn set_view(
        &self,
        read: &Stored,
        due: Option<Time>,
        workflow: WorkflowMark,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Requests whose `due`, which is kept in whole seconds and rounded up, is at or before `until`: longest overdue
    /// first, at most `limit` a part. What became due after the cursor while parts were read may be among the later
    /// ones. A cursor that is not of this listing begins anew.
    fn due(
        &self,
        until: Time,
        cursor: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Part<RequestId>, PortError>> + Send;

    /// Open and approved requests: of one agent newest first, or of all agents one after the other. A page may hold
    /// fewer than `limit`, and the last one none. A cursor that is not of this listing begins anew.
    fn live(
        &self,
        agent: Option<&AgentId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Page, PortError>> + Send;

    /// All requests of an agent, newest first; only those of `status` where one is given. Pages and cursors are as
    /// those of [`Table::live`].
    fn of_agent(
        &self,
        agent: &AgentId,
        status: Option<Status>,
        cursor: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Page, PortError>> + Send;

    /// Claims a card for a try until `until`, as [`CardRecord::claimed`] says: reserves it when it is new, else raises
    /// its version on condition that it is as read. `None` = somebody else has it.
    fn claim_card(
        &self,
        id: &RequestId,
        read: &CardRecord,
        now: Time,
        until: Time,
    ) -> impl Future<Output = Result<Option<CardRecord>, PortError>> + Send;

    /// Writes what became of a claimed card, on condition that the claim is still the last. `false` = it is not.
    fn release_card(
        &self,
        id: &RequestId,
        card: &CardRecord,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// The same table as the log sees it.
pub trait Ledger: Send + Sync {
    /// Which of the logs whose first has this name is written, read consistently.
    fn line(&self, base: &Origin) -> impl Future<Output = Result<Line, PortError>> + Send;

    /// The log's head, read consistently; `None` = it has not begun.
    fn log_head(&self, origin: &Origin) -> impl Future<Output = Result<Option<LogHead>, PortError>> + Send;

    /// Of the first `limit` events after the cursor that are not in the log, by subject and number, whose they are, as an
    /// index knows them: some may be missing, and some be in the log.
    fn pending(
        &self,
        cursor: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Pending, PortError>> + Send;

    /// Takes a stray off the listing of what is pending; gives its bytes. `None` = somebody did.
    fn unlist(&self, stray: &Stray) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;

    /// The subject's events that are not in the log, and the one before them, read consistently.
    fn unsealed(&self, subject: &Subject) -> impl Future<Output = Result<Unsealed, PortError>> + Send;

    /// The bytes of these events, at most [`crate::log::TRANSACTION`], in the order given, read consistently.
    fn leaves(&self, keys: &[EventKey]) -> impl Future<Output = Result<Vec<Vec<u8>>, PortError>> + Send;

    /// Writes all of it or nothing. [`PortError::Conflict`]: the line, the head, or an event, is not as read.
    fn commit_log(&self, commit: LogCommit<'_>) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Says that all of this head is published. Nothing happens where the head has moved on.
    fn published(
        &self,
        origin: &Origin,
        head: &LogHead,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Task tokens, in a table of their own under a key that few may use.
pub trait Tokens: Send + Sync {
    /// Stores the token if it is newer (by execution, then retry) than what is there. `false` = it is not.
    fn put(
        &self,
        id: &RequestId,
        token: &Token,
        forget: Time,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// The newest token, read consistently.
    fn get(&self, id: &RequestId) -> impl Future<Output = Result<Option<Token>, PortError>> + Send;
}

/// What the workflow service says of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It runs.
    Running,
    /// It ended, one way or other.
    Ended,
    /// It never was.
    Missing,
}

/// What came of resuming a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// It goes on.
    Resumed,
    /// The task is over already.
    Closed,
    /// The token is not one of the service's.
    InvalidToken,
}

/// The workflow service.
pub trait Workflow: Send + Sync {
    /// Starts the request's execution number `n`. One that exists already is as good.
    fn start(&self, id: &RequestId, n: u32) -> impl Future<Output = Result<(), PortError>> + Send;

    /// What became of the request's execution number `n`.
    fn describe(&self, id: &RequestId, n: u32) -> impl Future<Output = Result<Execution, PortError>> + Send;

    /// Tells the waiting task how the request stands.
    fn resume(
        &self,
        id: &RequestId,
        token: &Token,
        status: Status,
    ) -> impl Future<Output = Result<Resumed, PortError>> + Send;
}

/// Where notices go that nobody can answer.
pub trait Notice: Send + Sync {
    /// Publishes a plain text.
    fn publish(&self, subject: &str, text: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// The bytes that a signer takes at most.
pub const SIGNED_AT_MOST: usize = 4096;

/// The log's signing key: pure Ed25519, so one message has one signature.
pub trait Signer: Send + Sync {
    /// Signs a message of 1 to [`SIGNED_AT_MOST`] bytes.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<[u8; 64], PortError>> + Send;

    /// The key that the signatures verify with.
    fn public_key(&self) -> impl Future<Output = Result<[u8; 32], PortError>> + Send;
}

/// That all of a request so far is in the log and published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// How many events it had, at the least.
    pub events: u32,
    /// The receipt of the decision that lets it run, as the text of a C2SP tlog-proof; `None` = there is no such decision,
    /// or the log does not hold it as the table has it.
    pub receipt: Option<String>,
}

/// Why it is not known that a request is sealed. What the log holds by then is not known either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Something is not as the log made it, as after a restore of the table: a person has to look.
    #[error("the log is halted")]
    Halted,
    /// The archive, or who writes it, does not answer in time or not as it should. The text holds no argument and no
    /// secret.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// Who puts events into the log.
pub trait Sealer: Send + Sync {
    /// Has every event that the request has now put into the log and published, unless that takes longer.
    fn seal(&self, id: &RequestId, within: Duration) -> impl Future<Output = Result<Seal, SealError>> + Send;
}

/// Who has the log say something of itself.
pub trait Recorder: Send + Sync {
    /// Has it recorded and published, unless that takes longer.
    fn record(
        &self,
        record: &Record,
        within: Duration,
    ) -> impl Future<Output = Result<Recorded, SealError>> + Send;
}

/// The archive: objects that are written once. An object that was hidden or written over by somebody else is read as
/// it was first written.
pub trait Archive: Send + Sync {
    /// Writes the object if it is absent; otherwise gives its first version.
    fn put_if_absent(
        &self,
        key: &str,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;

    /// An object's first version, even where it was hidden.
    fn oldest(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, PortError>> + Send;

    /// The newest version of an object that is written again and again.
    fn current(&self, key: &str) -> impl Future<Output = Result<Option<Current>, PortError>> + Send;

    /// Writes a new version if the newest is as read; `read` is its tag, `None` = there is none. `false` = it is not.
    /// Old versions are kept for weeks.
    fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        read: Option<&str>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Writes a copy for reading, which can be made again, into a place where nothing is locked.
    fn derive(&self, key: &str, bytes: Vec<u8>) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// What a witness remembers of the logs that it cosigns: one item for each.
pub trait Observations: Send + Sync {
    /// The newest checkpoint that was cosigned, read consistently; `None` = none was.
    fn observed(&self, origin: &str) -> impl Future<Output = Result<Option<Observed>, PortError>> + Send;

    /// Remembers a checkpoint, on condition that the one before is as read. `false` = it is not, nothing was written.
    fn observe(
        &self,
        origin: &str,
        read: Option<&Observed>,
        now: &Observed,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
