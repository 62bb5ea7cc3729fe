//! One request looked at: resume first, then time, then the workflow; its cards when all others had that; then when
//! to look again.
//!
//! Every step may be repeated and may find that another has done it.

use std::sync::Arc;
use std::time::Duration;

use countersign_app::commit::{CommitError, With, execute};
use countersign_app::ports::{Execution, Ledger, Notice, PortError, Table, Tokens, Workflow};
use countersign_app::resume::{Told, is_over, next_look, start, tell};
use countersign_app::stack::Stack;
use countersign_app::store::{Stored, WorkflowMark};
use countersign_chat::slack::Chat;
use countersign_domain::Time;
use countersign_domain::ids::RequestId;
use countersign_domain::request::Command;
use countersign_domain::time::Seconds;
use countersign_policy::Policy;

/// When to look again at a request whose workflow is not told yet.
const NOT_TOLD: Seconds = Seconds(15);

/// How many due things one look records: levels, then an end.
const STEPS: u32 = 10;

/// How often the request may change under one look.
const ROUNDS: u32 = 4;

/// By the stream, a card that is due this soon is waited for, once: the next sweep may be a minute away.
pub const SOON: Seconds = Seconds(3);
/// A try that took longer, in milliseconds, is not made again at once.
const QUICK: u64 = 1_000;

/// How a look ended; the later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything is as the request is, or has a time for its next try.
    Healed,
    /// A service did not do its part, or the record cannot be taken further. It is due again.
    Owing,
    /// The table did not answer, or time ran out: nobody knows. Whoever rang must ring again.
    Failed,
}

/// A request whose cards are left to do.
#[derive(Debug, Clone)]
pub struct Left {
    /// Which.
    pub id: RequestId,
    mark: WorkflowMark,
}

/// What one invocation heals with: policy is asked for once.
pub struct Healer<'a, T, K, W, S: Chat, N, F> {
    /// The stack.
    pub stack: &'a Stack<T, K, W, S, N>,
    now: F,
    policy: Option<Arc<Policy>>,
    /// How long a card's next try is waited for.
    patience: Seconds,
}

impl<'a, T, K, W, S, N, F> Healer<'a, T, K, W, S, N, F>
where
    T: Table + Ledger,
    K: Tokens,
    W: Workflow,
    S: Chat,
    N: Notice,
    F: Fn() -> Time,
{
    /// For one invocation, which waits so long for a card's next try.
    pub fn new(stack: &'a Stack<T, K, W, S, N>, now: F, patience: Seconds) -> Self {
        Self { stack, now, policy: stack.policy.current().ok(), patience }
    }

    /// Brings all that others wait for up to date. What is left are the cards, if they are.
    pub async fn first(&self, id: &RequestId) -> Result<(Outcome, Option<Left>), PortError> {
        let cards = self.stack.cards(self.policy.as_deref());
        for _ in 0..ROUNDS {
            let Some(whole) = self.stack.table.whole(id).await? else { break };
            let now = (self.now)();
            let (stored, outcome) = self.follow(whole.stored.clone(), now).await?;
            let owed = cards.owed(&whole, now);
            if stored.version() != whole.stored.version() || owed.is_some_and(|at| at <= now + self.patience)
            {
                return Ok((outcome, Some(Left { id: id.clone(), mark: stored.workflow })));
            }
            let due = next_due(&stored, owed, now);
            if self.stack.table.set_view(&stored, due, stored.workflow).await? {
                return Ok((outcome, None));
            }
        }
        // It is gone, or whoever changed it rang again.
        Ok((Outcome::Healed, None))
    }

    /// Brings the cards up to date.
    pub async fn cards(&self, left: Left) -> Result<(), PortError> {
        let mut left = Some(left);
        for _ in 0..ROUNDS {
            let Some(now) = left else { break };
            left = if self.set(&now).await? { None } else { self.first(&now.id).await?.1 };
        }
        // After so many rounds, whoever changed it rang again.
        Ok(())
    }

    /// Brings the cards up to date, and says when to look again. `false` = somebody else did meanwhile, who may know less.
    async fn set(&self, left: &Left) -> Result<bool, PortError> {
        let cards = self.stack.cards(self.policy.as_deref());
        let begun = (self.now)();
        let Some(mut converged) = cards.converge(&left.id, begun).await? else { return Ok(true) };
        let mut now = (self.now)();
        // Not when chat hangs: others wait behind this one.
        let quick = now.millis_since(begun) < QUICK;
        if let Some(due) = converged.due.filter(|due| quick && *due > begun && *due <= now + self.patience) {
            tokio::time::sleep(Duration::from_millis(due.millis_since(now))).await;
            now = (self.now)().max(due);
            let Some(then) = cards.converge(&left.id, now).await? else { return Ok(true) };
            converged = then;
        }
        let latest = Stored { workflow: left.mark, ..converged.stored };
        let due = next_due(&latest, converged.due, now);
        self.stack.table.set_view(&latest, due, latest.workflow).await
    }

    async fn follow(&self, mut stored: Stored, now: Time) -> Result<(Stored, Outcome), PortError> {
        let (mut outcome, mut resumed) = (Outcome::Healed, self.resume(&mut stored).await);
        if stored.request.status.is_live() {
            let before = stored.version();
            outcome = self.pass_time(&mut stored, now).await?;
            if stored.version() != before {
                resumed = self.resume(&mut stored).await;
            }
        }
        match start(&self.stack.workflow, &stored, now).await {
            Ok(mark) => stored.workflow = mark,
            Err(error) => {
                tracing::warn!(request.id = %stored.request.id, error = %error, "the workflow was not started");
                outcome = outcome.max(Outcome::Owing);
            }
        }
        Ok((stored, outcome.max(resumed)))
    }

    /// Tells the workflow that people are done, if it waits for that.
    async fn resume(&self, stored: &mut Stored) -> Outcome {
        if stored.workflow.resumed || !is_over(stored.request.status) {
            return Outcome::Healed;
        }
        let id = &stored.request.id;
        let (workflow, n) = (&self.stack.workflow, stored.workflow.n);
        let told = match tell(&self.stack.tokens, workflow, stored).await {
            // Nobody will store a token for a workflow that does not run.
            Ok(Told::NoToken) => workflow.describe(id, n).await.map(|is| is != Execution::Running),
            Ok(Told::Done) => Ok(true),
            Ok(Told::Invalid) => {
                tracing::error!(request.id = %id, "the task token on record is invalid");
                return Outcome::Owing;
            }
            Err(error) => Err(error),
        };
        match told {
            Ok(told) => {
                stored.workflow.resumed = told;
                Outcome::Healed
            }
            Err(error) => {
                tracing::warn!(request.id = %id, error = %error, "the workflow was not resumed");
                Outcome::Owing
            }
        }
    }

    /// Records what time, or a frozen agent, has made of the request.
    async fn pass_time(&self, stored: &mut Stored, now: Time) -> Result<Outcome, PortError> {
        let table = &self.stack.table;
        let (agent, recovered) = tokio::try_join!(table.agent(&stored.request.agent), table.recovered())?;
        let (agent, mut outcome) = (agent.agent, Outcome::Healed);
        if recovered.is_some_and(|mark| stored.request.created <= mark) {
            outcome = self.step(stored, Command::recovery(), now).await?;
        }
        // What is live was asked before the freeze, whatever its mark says: no frozen agent opens anything.
        if let Some(mark) =
            if agent.frozen { agent.void_before.max(Some(now)) } else { agent.voids(stored.request.created) }
        {
            outcome = outcome.max(self.step(stored, Command::void(mark), now).await?);
        }
        for _ in 0..STEPS {
            let version = stored.version();
            outcome = outcome.max(self.step(stored, Command::Tick, now).await?);
            if stored.version() == version {
                break;
            }
        }
        Ok(outcome)
    }

    async fn step(&self, stored: &mut Stored, command: Command, now: Time) -> Result<Outcome, PortError> {
        let stack = self.stack;
        match execute(&stack.table, &stack.source, stored.clone(), command, With::default(), now).await {
            Ok(done) => *stored = done,
            Err(CommitError::Port(error)) => return Err(error),
            // Another was first, or the end came meanwhile.
            Err(CommitError::Refused { state, .. }) => {
                if let Some(state) = state {
                    *stored = *state;
                }
            }
            Err(error) => {
                tracing::error!(request.id = %stored.request.id, error = %error, "a request could not be taken further");
                return Ok(Outcome::Owing);
            }
        }
        Ok(Outcome::Healed)
    }
}

/// When to look again; `None` when nothing is owed any more.
fn next_due(stored: &Stored, cards: Option<Time>, now: Time) -> Option<Time> {
    let workflow = match (is_over(stored.request.status), stored.workflow.resumed) {
        (true, true) => None,
        (true, false) => Some(now + NOT_TOLD),
        (false, _) => Some(next_look(&stored.workflow).unwrap_or(now + NOT_TOLD)),
    };
    [stored.request.next_deadline(), cards, workflow].into_iter().flatten().min()
}
