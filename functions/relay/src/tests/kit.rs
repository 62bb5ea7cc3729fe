//! A stack in memory whose calls take their time, and a chat that answers or does not.

use std::sync::Mutex;
use std::time::Duration;

use countersign_app::commit::{NewRequest, With, create, execute};
use countersign_app::memory::{MemoryNotice, MemoryTable, MemoryTokens, MemoryWorkflow};
use countersign_app::metrics::Swept;
use countersign_app::policy::PolicySource;
use countersign_app::ports::{Table, Tokens};
use countersign_app::sample::{self, SOURCE, at, id};
use countersign_app::stack::Stack;
use countersign_app::store::{Stored, Token};
use countersign_chat::slack::MemoryChat;
use countersign_domain::event::Decision;
use countersign_domain::request::Command;
use countersign_domain::review::Evaluation;
use countersign_domain::{RequestId, Time};
use serde_json::Value;
use tokio::time::Instant;

use crate::handler::{RelayError, handle};

pub type MemoryStack = Stack<MemoryTable, MemoryTokens, MemoryWorkflow, MemoryChat, MemoryNotice>;

/// The stack and its clock, which begins at noon.
pub struct Kit {
    pub stack: MemoryStack,
    pub began: Instant,
    /// What each sweep reported.
    pub swept: Mutex<Vec<Swept>>,
    offset: u32,
}

impl Kit {
    /// With a chat that takes so long; `None` = it never answers.
    pub fn new(takes: Option<Duration>) -> Self {
        let stack = Stack {
            table: MemoryTable::default(),
            tokens: MemoryTokens::default(),
            workflow: MemoryWorkflow::default(),
            policy: PolicySource::new("/nowhere"),
            log: sample::origin(),
            source: SOURCE.into(),
            slack: MemoryChat::waiting(move || match takes {
                Some(takes) => Box::pin(tokio::time::sleep(takes)),
                None => Box::pin(std::future::pending()),
            }),
            notice: MemoryNotice::default(),
        };
        Self { stack, began: Instant::now(), swept: Mutex::default(), offset: 0 }
    }

    /// From now on each call of a port takes 20 ms, and the clock shows `offset` seconds more.
    pub fn live(&mut self, offset: u32) {
        let (stack, latency) = (&self.stack, Duration::from_millis(20));
        for faults in [&stack.table.faults, &stack.tokens.faults, &stack.workflow.faults] {
            faults.set_latency(latency);
        }
        self.offset = offset;
    }

    pub fn now(&self) -> Time {
        let since = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Time::from_millis(at(self.offset).millis() + since)
    }

    pub async fn handle(&self, event: Value) -> Result<Value, RelayError> {
        handle(&self.stack, event, || self.now(), |swept| self.swept.lock().unwrap().push(swept)).await
    }

    /// The request number `n`, made at noon.
    pub async fn asked(&self, n: u32, evaluation: Evaluation) -> RequestId {
        let table = &self.stack.table;
        let (ask, agent) = (sample::ask("s3://b/"), table.agent(&sample::agent("deploy")).await.unwrap());
        let command = sample::create(&id(n), "deploy", &ask, evaluation);
        let idempotency = sample::idempotency("deploy", &format!("key-{n}"), &id(n));
        let new = NewRequest { create: command, ask: &ask, agent: &agent, idempotency };
        create(table, SOURCE, new, at(0)).await.unwrap().request.id
    }

    /// Its workflow runs, and a task of it waits.
    pub async fn waits(&self, id: &RequestId) {
        use countersign_app::ports::Workflow;
        self.stack.workflow.start(id, 0).await.unwrap();
        let token = Token { n: 0, retry: 0, token: id.to_string() };
        self.stack.workflow.wait(&token.token);
        self.stack.tokens.put(id, &token, at(9)).await.unwrap();
    }

    /// A reviewer approves it, and nobody tells the workflow.
    pub async fn approved(&self, id: &RequestId) {
        let stored = self.state(id).await;
        let approve = sample::decide(&stored.request, "alice", Decision::Approve, None);
        self.done(stored, approve).await;
    }

    pub async fn done(&self, stored: Stored, command: Command) {
        let with = With::default();
        execute(&self.stack.table, SOURCE, stored, command, with, at(1)).await.unwrap();
    }

    pub async fn state(&self, id: &RequestId) -> Stored {
        self.stack.table.state(id).await.unwrap().unwrap()
    }
}
