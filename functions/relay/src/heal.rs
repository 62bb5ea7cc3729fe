//! One request looked at: resume first, then time, then the workflow, then the cards; then when to look again.
//!
//! Every step may be repeated and may find that another has done it.

use countersign_app::cards::Cards;
use countersign_app::clock::now;
use countersign_app::commit::{CommitError, With, execute};
use countersign_app::ports::{Execution, PortError, Table, Workflow};
use countersign_app::resume::{Told, is_over, next_look, start, tell};
use countersign_app::store::Stored;
use countersign_domain::Time;
use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::request::Command;
use countersign_domain::time::Seconds;

use crate::app::App;

/// When to look again at a request whose workflow is not told yet.
const NOT_TOLD: Seconds = Seconds(15);

/// How many due things one look records: levels, then an end.
const STEPS: u32 = 10;

/// How often the request may change under one look.
const ROUNDS: u32 = 4;

/// Brings everything that follows from the request up to date.
pub async fn heal(app: &App, id: &RequestId) -> Result<(), PortError> {
    for _ in 0..ROUNDS {
        let Some(stored) = app.table.state(id).await? else { return Ok(()) };
        if look(app, stored).await? {
            return Ok(());
        }
    }
    // Whoever changed it rang again.
    Ok(())
}

/// One look. `false` = the request changed under it.
async fn look(app: &App, stored: Stored) -> Result<bool, PortError> {
    let now = now();
    let id = stored.request.id.clone();
    let mut stored = resume(app, stored).await?;
    if stored.request.status.is_live() {
        stored = pass_time(app, stored, now).await?;
        stored = resume(app, stored).await?;
    }
    match start(&app.workflow, &stored, now).await {
        Ok(mark) => stored.workflow = mark,
        Err(error) => tracing::warn!(request.id = %id, error = %error, "the workflow was not started"),
    }

    let policy = app.policy.current().ok();
    let chat = app.slack.get().await;
    let cards = Cards {
        table: &app.table,
        chat: chat.as_deref(),
        notice: &app.notice,
        policy: policy.as_deref(),
        source: &app.source,
    };
    let Some(converged) = cards.converge(&id, now).await? else { return Ok(true) };
    let latest = Stored { workflow: stored.workflow, ..converged.stored };
    let due = next_due(&latest, converged.due, now);
    app.table.set_view(&id, latest.version(), due, latest.workflow).await
}

/// Tells the workflow that people are done, if it waits for that.
async fn resume(app: &App, mut stored: Stored) -> Result<Stored, PortError> {
    if stored.workflow.resumed || !is_over(stored.request.status) {
        return Ok(stored);
    }
    let id = &stored.request.id;
    let told = match tell(&app.tokens, &app.workflow, &stored).await {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(request.id = %id, error = %error, "the workflow was not resumed");
            return Ok(stored);
        }
    };
    stored.workflow.resumed = match told {
        Told::Done => true,
        // Nobody will store a token for a workflow that does not run.
        Told::NoToken => app.workflow.describe(id, stored.workflow.n).await? != Execution::Running,
        Told::Invalid => {
            tracing::error!(request.id = %id, "the task token on record is invalid");
            false
        }
    };
    Ok(stored)
}

/// Records what time, or a frozen agent, has made of the request.
async fn pass_time(app: &App, mut stored: Stored, now: Time) -> Result<Stored, PortError> {
    let agent = app.table.agent(&stored.request.agent).await?.agent;
    if let Some(mark) = agent.voids(stored.request.created) {
        stored = step(app, stored, Command::void(mark), now).await?;
    }
    for _ in 0..STEPS {
        let version = stored.version();
        stored = step(app, stored, Command::Tick, now).await?;
        if stored.version() == version {
            break;
        }
    }
    Ok(stored)
}

async fn step(app: &App, stored: Stored, command: Command, now: Time) -> Result<Stored, PortError> {
    match execute(&app.table, &app.source, stored.clone(), command, With::default(), now).await {
        Ok(stored) => Ok(stored),
        Err(CommitError::Port(error)) => Err(error),
        // Another was first, or the end came meanwhile.
        Err(CommitError::Refused { state, .. }) => Ok(state.map_or(stored, |state| *state)),
        Err(error) => {
            tracing::error!(request.id = %stored.request.id, error = %error, "a request could not be taken further");
            Ok(stored)
        }
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

/// Ends what a frozen agent asked before its mark.
pub async fn void(app: &App, agent: &AgentId) -> Result<(), PortError> {
    if app.table.agent(agent).await?.agent.void_before.is_none() {
        return Ok(());
    }
    let mut cursor = None;
    loop {
        let page = app.table.live(Some(agent), cursor.as_deref(), 50).await?;
        for stored in page.requests {
            heal(app, &stored.request.id).await?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}
