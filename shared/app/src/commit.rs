//! Commands to transactions: decide on the state as read, write the events with all that belongs to them, and start
//! again when somebody else was first.

use countersign_domain::event::Event;
use countersign_domain::ids::AgentId;
use countersign_domain::leaf::{Head, Leaf, LeafError, Place, Subject};
use countersign_domain::request::{Command, Create, IllegalEvent, Request, decide, evolve};
use countersign_domain::time::Seconds;
use countersign_domain::{Digest, Refusal, Status, Time, agent};

use crate::clock::jitter;
use crate::ports::{PortError, Table};
use crate::store::{
    AgentEffect, AgentRecord, Ask, Commit, Idempotency, Removal, Stored, Whole, Words, WorkflowMark,
};

/// How far ahead `due` is set while anything is owed, so that the sweep finds what a lost doorbell left undone.
const LOOK_AGAIN: Seconds = Seconds(10);

/// How often a write is tried when others are faster.
const TRIES: u32 = 10;

/// How often a person's command on an agent is tried: an agent that asks without pause is in the way of each of them
/// for a moment, and must not outlast them.
const AGENT_TRIES: u32 = 30;

/// Why a command had no effect.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommitError {
    /// The decider refuses it. The state is the one it was refused on.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// The state as it is.
        state: Option<Box<Stored>>,
    },
    /// There is no such request.
    #[error("there is no such request")]
    NotFound,
    /// Events that cannot follow: stored data and this code do not agree. Nothing was written.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    /// The outside did not do it.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What goes with a command into its transaction.
#[derive(Debug, Clone, Default)]
pub struct With<'a> {
    /// Free text of the command's events; each goes where its hash stands.
    pub words: Vec<&'a Words>,
    /// The ask in clear of the revision that the command makes.
    pub ask: Option<&'a Ask>,
    /// A chat callback that must be new. It is remembered also where the command changes nothing.
    pub once: Option<(Digest, Time)>,
    /// The ask's hash without nonce, denied for a while if the command rejects it.
    pub ask_hash: Option<Digest>,
    /// What the command's events say is removed.
    pub removal: Option<Removal>,
}

/// A new request with all that belongs to it.
#[derive(Debug)]
pub struct NewRequest<'a> {
    /// The command.
    pub create: Create,
    /// The ask in clear.
    pub ask: &'a Ask,
    /// The agent's record as read.
    pub agent: &'a AgentRecord,
    /// The key that makes it idempotent.
    pub idempotency: Idempotency,
}

/// Creates a request.
///
/// # Errors
/// [`PortError::KeyTaken`] and [`PortError::AgentChanged`] say that the caller must read again.
pub async fn create<T: Table>(
    table: &T,
    source: &str,
    new: NewRequest<'_>,
    now: Time,
) -> Result<Stored, CommitError> {
    let id = new.create.id.clone();
    let refused = |refusal| CommitError::Refused { refusal, state: None };
    let events = decide(None, Command::Create(Box::new(new.create)), now).map_err(refused)?;
    let rno = new.agent.rno + 1;
    let mut request: Option<Request> = None;
    for event in &events {
        request = Some(evolve(request.as_ref(), event, Some(&id))?);
    }
    let request = request.ok_or(CommitError::NotFound)?;
    let leaves = leaves(source, &Subject::Request(id), Some(rno), Head::EMPTY, &events)?;
    let after = Stored {
        head: leaves.last().map_or(Head::EMPTY, Leaf::head),
        due: Some(due(&request, now)),
        workflow: WorkflowMark { resumed: !request.status.is_open(), ..WorkflowMark::default() },
        request,
        rno,
        view: 0,
    };
    table
        .commit(Commit {
            before: None,
            after: &after,
            leaves,
            ask: Some((1, new.ask)),
            texts: Vec::new(),
            idempotency: Some(new.idempotency),
            once: None,
            cool: None,
            removal: None,
            agent: AgentEffect::Opened {
                read: new.agent,
                name: &new.ask.agent_name,
                live: after.request.status.is_live(),
            },
        })
        .await?;
    Ok(after)
}

/// Executes a command on the state as read, and again on a newer one while others are faster.
///
/// # Errors
/// See [`CommitError`]. [`PortError::AgentChanged`] says that the agent was frozen meanwhile.
pub async fn execute<T: Table>(
    table: &T,
    source: &str,
    mut before: Stored,
    command: Command,
    with: With<'_>,
    now: Time,
) -> Result<Stored, CommitError> {
    let id = before.request.id.clone();
    for attempt in 1.. {
        match once(table, source, &before, command.clone(), &with, now).await {
            Err(CommitError::Port(PortError::Conflict)) if attempt < TRIES => {
                jitter(20 * u64::from(attempt)).await
            }
            // What is refused because it was done, by this very press delivered before, is no refusal.
            Err(CommitError::Refused { .. }) if seen(table, &with).await? => {
                return Err(PortError::SeenBefore.into());
            }
            done => return done,
        }
        before = table.state(&id).await?.ok_or(CommitError::NotFound)?;
    }
    Err(PortError::Conflict.into())
}

async fn seen<T: Table>(table: &T, with: &With<'_>) -> Result<bool, PortError> {
    match &with.once {
        Some((once, _)) => table.seen(once).await,
        None => Ok(false),
    }
}

async fn once<T: Table>(
    table: &T,
    source: &str,
    before: &Stored,
    command: Command,
    with: &With<'_>,
    now: Time,
) -> Result<Stored, CommitError> {
    let refused = |refusal| CommitError::Refused { refusal, state: Some(Box::new(before.clone())) };
    let events = decide(Some(&before.request), command, now).map_err(refused)?;
    if events.is_empty() {
        if let Some((once, forget)) = &with.once {
            table.remember(once, *forget).await?;
        }
        return Ok(before.clone());
    }
    let mut request = before.request.clone();
    for event in &events {
        request = evolve(Some(&request), event, None)?;
    }
    let subject = Subject::Request(request.id.clone());
    let leaves = leaves(source, &subject, Some(before.rno), before.head, &events)?;
    let cool = cooling(&request, before, with, now);
    let agent = effect(&before.request, &request);
    // What comes to an erased request later, as how its execution ended, is kept as its hash alone.
    let words: &[&Words] = if before.request.erased.is_some() { &[] } else { &with.words };
    let texts = events
        .iter()
        .zip(&leaves)
        .filter_map(|(event, leaf)| {
            let hash = event.fact.text()?;
            Some((leaf.seq, *words.iter().find(|w| w.hash() == *hash)?))
        })
        .collect();
    let after = Stored {
        head: leaves.last().map_or(before.head, Leaf::head),
        due: Some(due(&request, now)),
        workflow: before.workflow,
        rno: before.rno,
        request,
        view: 0,
    };
    table
        .commit(Commit {
            before: Some(before),
            after: &after,
            leaves,
            ask: with.ask.map(|ask| (after.request.revision, ask)),
            texts,
            idempotency: None,
            once: with.once.clone(),
            cool,
            removal: with.removal.clone(),
            agent,
        })
        .await?;
    Ok(after)
}

/// Erases what is kept of a request beside its events, and what the events say stays: `command` says who does. Erasing
/// again changes nothing.
///
/// # Errors
/// See [`CommitError`].
pub async fn erase<T: Table>(
    table: &T,
    source: &str,
    mut whole: Whole,
    command: Command,
    reason: Option<&Words>,
    now: Time,
) -> Result<Stored, CommitError> {
    let id = whole.stored.request.id.clone();
    for attempt in 1..=TRIES {
        let request = &whole.stored.request;
        let removal = Removal {
            revisions: request.revision,
            texts: whole.texts.keys().copied().collect(),
            cool: whole
                .ask
                .as_ref()
                .filter(|_| request.status == Status::Rejected)
                .map(|ask| ask.action.ask_hash(&request.agent)),
        };
        let words = reason.into_iter().collect();
        let with = With { words, removal: Some(removal), ..With::default() };
        match once(table, source, &whole.stored, command.clone(), &with, now).await {
            // Texts may have come meanwhile: all is read again, and not the state alone.
            Err(CommitError::Port(PortError::Conflict)) => jitter(20 * u64::from(attempt)).await,
            done => return done,
        }
        whole = table.whole(&id).await?.ok_or(CommitError::NotFound)?;
    }
    Err(PortError::Conflict.into())
}

/// Executes a person's command on an agent, and again on a newer record while other people are faster. What the agent
/// asks meanwhile does not stop it, but may be newer than a freeze's mark and committed before it: then the freeze is
/// done once more, for by then the agent opens nothing more.
///
/// # Errors
/// See [`CommitError`].
pub async fn execute_agent<T: Table>(
    table: &T,
    source: &str,
    id: &AgentId,
    command: agent::Command,
    words: Option<&Words>,
    now: impl Fn() -> Time,
) -> Result<AgentRecord, CommitError> {
    for attempt in 1..=AGENT_TRIES {
        let read = table.agent(id).await?;
        // After the read: what the agent asked until then must not be newer than the mark of a freeze.
        let now = now();
        let refused = |refusal| CommitError::Refused { refusal, state: None };
        let events = agent::decide(&read.agent, command.clone(), now).map_err(refused)?;
        if events.is_empty() {
            return Ok(read);
        }
        let mut after = read.clone();
        for event in &events {
            after.agent = agent::evolve(&after.agent, event)?;
        }
        let leaves =
            leaves(source, &Subject::Agent(id.clone()), None, read.head.unwrap_or(Head::EMPTY), &events)?;
        after.head = leaves.last().map(Leaf::head);
        after.version += 1;
        let texts = words.into_iter().zip(&leaves).map(|(words, leaf)| (leaf.seq, words)).collect();
        match table.commit_agent(id, &read, &after, leaves, texts).await {
            Err(PortError::Conflict | PortError::AgentChanged) => {
                jitter(20 * u64::from(attempt.min(TRIES))).await
            }
            Err(error) => return Err(error.into()),
            Ok(()) if after.agent.frozen && !read.agent.frozen && table.agent(id).await?.rno != read.rno => {}
            Ok(()) => return Ok(after),
        }
    }
    Err(PortError::Conflict.into())
}

/// When somebody must look at the request next: soon, for after a commit everything is owed, or at its deadline.
fn due(request: &Request, now: Time) -> Time {
    let soon = now + LOOK_AGAIN;
    request.next_deadline().map_or(soon, |deadline| deadline.min(soon))
}

fn leaves(
    source: &str,
    subject: &Subject,
    rno: Option<u64>,
    head: Head,
    events: &[Event],
) -> Result<Vec<Leaf>, CommitError> {
    let place = Place { source, subject, rno };
    let mut head = head;
    let mut leaves = Vec::with_capacity(events.len());
    for event in events {
        let leaf = Leaf::make(&place, &head, event).map_err(|error| match error {
            LeafError::TooLong(_) => CommitError::Refused { refusal: Refusal::TooLarge, state: None },
            other => CommitError::Port(PortError::Unavailable(other.to_string())),
        })?;
        head = leaf.head();
        leaves.push(leaf);
    }
    Ok(leaves)
}

fn cooling(after: &Request, before: &Stored, with: &With<'_>, now: Time) -> Option<(Digest, Time)> {
    let rejected = after.status == Status::Rejected && before.request.status != Status::Rejected;
    let span = after.review.as_ref().map(|r| r.rules.cool_down).filter(|s| s.0 > 0 && rejected)?;
    with.ask_hash.clone().map(|hash| (hash, now + span))
}

fn effect<'a>(before: &Request, after: &Request) -> AgentEffect<'a> {
    if !before.status.is_live() || after.status.is_live() {
        return AgentEffect::None;
    }
    match &after.consumption {
        Some(consumption) => {
            let executor = Some(&consumption.by).filter(|by| **by != after.agent);
            AgentEffect::Consumed { unmarked: executor.into_iter().chain([&after.agent]).cloned().collect() }
        }
        None => AgentEffect::Ended { rejected: after.status == Status::Rejected },
    }
}
