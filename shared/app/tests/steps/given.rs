//! Requests in a given state, made by the steps themselves.

use countersign_app::commit::{CommitError, NewRequest, With, create, execute};
use countersign_app::memory::MemoryTable;
use countersign_app::ports::Table;
use countersign_app::sample::{self, SOURCE, at, id};
use countersign_app::store::{Ask, Stored, Whole, Words};
use countersign_domain::event::{Decision, ExecutionOutcome};
use countersign_domain::request::Command;
use countersign_domain::review::Evaluation;
use countersign_domain::{Event, RequestId, Time};

/// The ask of every request here.
pub fn ask() -> Ask {
    sample::ask("s3://reports-public")
}

/// The role `deploy` asks at noon.
pub async fn asked(table: &MemoryTable, n: u32, evaluation: Evaluation) -> Stored {
    try_ask(table, n, evaluation, at(0)).await.unwrap()
}

/// The same, if it may.
pub async fn try_ask(
    table: &MemoryTable,
    n: u32,
    evaluation: Evaluation,
    now: Time,
) -> Result<Stored, CommitError> {
    let agent = table.agent(&sample::agent("deploy")).await.unwrap();
    let ask = ask();
    let command = sample::create(&id(n), "deploy", &ask, evaluation);
    let idempotency = sample::idempotency("deploy", &format!("key-{n}"), &id(n));
    create(table, SOURCE, NewRequest { create: command, ask: &ask, agent: &agent, idempotency }, now).await
}

/// Executes a command on the request as it is now.
pub async fn done(
    table: &MemoryTable,
    id: &RequestId,
    command: Command,
    words: &[&Words],
    now: Time,
) -> Stored {
    let with = With { words: words.to_vec(), ..With::default() };
    let before = state(table, id).await;
    execute(table, SOURCE, before, command, with, now).await.unwrap()
}

/// A reviewer decides on the request as it is now.
pub async fn decided(
    table: &MemoryTable,
    id: &RequestId,
    person: &str,
    decision: Decision,
    text: Option<&str>,
    now: Time,
) -> Stored {
    let text = text.map(sample::words);
    let command = sample::decide(&state(table, id).await.request, person, decision, text.as_ref());
    done(table, id, command, &text.iter().collect::<Vec<_>>(), now).await
}

/// The agent's report of how it ended.
pub fn report(outcome: ExecutionOutcome) -> Command {
    Command::Report { by: sample::agent("deploy"), outcome, detail: None }
}

/// The agent takes it back.
pub fn withdraw(reason: Option<&Words>) -> Command {
    Command::Withdraw { agent: sample::agent("deploy"), reason: reason.map(Words::hash) }
}

/// The request's state, which is there.
pub async fn state(table: &MemoryTable, id: &RequestId) -> Stored {
    table.state(id).await.unwrap().unwrap()
}

/// All of the request, which is there.
pub async fn whole(table: &MemoryTable, id: &RequestId) -> Whole {
    table.whole(id).await.unwrap().unwrap()
}

/// The request's events, oldest first.
pub async fn events(table: &MemoryTable, id: &RequestId) -> Vec<Event> {
    let subject = countersign_domain::leaf::Subject::Request(id.clone());
    let events = table.events(&subject).await.unwrap();
    events.iter().map(|e| countersign_domain::leaf::Leaf::parse(&e.bytes).unwrap().event).collect()
}

/// The types of the request's events, oldest first.
pub async fn kinds(table: &MemoryTable, id: &RequestId) -> Vec<&'static str> {
    events(table, id).await.iter().map(|event| event.fact.kind()).collect()
}
