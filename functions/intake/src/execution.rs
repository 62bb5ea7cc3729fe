//! The single use of an approval, and how the execution ended.

use countersign_app::clock::{jitter, now};
use countersign_app::commit::{CommitError, With, execute};
use countersign_app::ports::{PortError, Sealer, Table, Workflow};
use countersign_app::store::{Stored, Words};
use countersign_domain::request::{Command, Consume, decide};
use countersign_domain::{AgentId, Code, Digest, Refusal, RequestId, Time};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Agent, ConsumeBody, OutcomeBody, Problem};
use serde_json::json;

use crate::app::App;
use crate::read::of_party;
use crate::respond::show;
use crate::seal::{Patience, sealed};
use countersign_app::problems::{of_commit, of_port, of_randomness};

/// How often consuming is tried when an agent's record changes under it.
const TRIES: u64 = 5;

/// `POST /v1/requests/{id}/consume`: gives out the right to run once. The same attempt gets the same answer again.
///
/// The decision is in the log before the approval is used, and the use before the right is given out: a table that was
/// restored to before either is behind the log, and then nothing is.
pub async fn consume<T: Table, W: Workflow, S: Sealer>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = ConsumeBody::parse(request)?;
    let patience = Patience::begins();
    for attempts in 1..=TRIES {
        // A stranger's attempt is not recorded: each would add to the request's state.
        let stored = of_party(app, agent, id).await?;
        let void_before = void_before(app, agent, &stored, now()).await?;
        let recovered = app.table.recovered().await.map_err(of_port)?;
        let command = Command::Consume(Consume {
            by: agent.id.clone(),
            digest: body.digest.clone(),
            attempt: Digest::of(body.attempt.as_str().as_bytes()),
            void_before,
            recovered,
        });
        match decide(Some(&stored.request), command.clone(), now()) {
            // A refusal gives nothing out, so it needs no evidence.
            Err(refusal) => return Err(refused(app, agent, stored, refusal).await),
            // This very attempt has used it.
            Ok(events) if events.is_empty() => return released(app, stored, &patience).await,
            Ok(_) => sealed(app, &stored, patience.left_at_first()).await?,
        };
        match execute(&app.table, &app.source, stored, command, With::default(), now()).await {
            Ok(stored) => return released(app, stored, &patience).await,
            // Somebody froze an agent, or recovered the log, in this moment: look again.
            Err(CommitError::Port(PortError::AgentChanged)) => jitter(20 * attempts).await,
            Err(CommitError::Refused { refusal, state: Some(state) }) => {
                return Err(refused(app, agent, *state, refusal).await);
            }
            Err(error) => return Err(of_commit(error)),
        }
    }
    Err(Problem::new(Code::StaleVersion, "the agent's record changes too fast; nothing was released"))
}

/// The later mark of the agent that asked and of the caller. For one who is frozen everything until now is void.
async fn void_before<T: Table, W, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    stored: &Stored,
    now: Time,
) -> Result<Option<Time>, Problem> {
    let mark = async |id: &AgentId| {
        let agent = app.table.agent(id).await.map_err(of_port)?.agent;
        Ok::<_, Problem>(agent.void_before.max(agent.frozen.then_some(now)))
    };
    let owner = mark(&stored.request.agent).await?;
    if stored.request.agent == agent.id {
        return Ok(owner);
    }
    Ok(owner.max(mark(&agent.id).await?))
}

/// Exactly what was approved goes back, so that the caller can run these bytes and no others.
async fn released<T: Table, W, S: Sealer>(
    app: &App<T, W, S>,
    stored: Stored,
    patience: &Patience,
) -> Result<HttpResponse, Problem> {
    let id = &stored.request.id;
    let (receipt, whole) = tokio::join!(sealed(app, &stored, patience.left()), app.table.whole(id));
    let (receipt, whole) = (receipt?, whole.map_err(|error| of_commit(error.into()))?);
    let ask = whole
        .and_then(|w| w.ask)
        .ok_or_else(|| Problem::unavailable("the approved arguments were erased"))?;
    tracing::info!(request.id = %id, agent.id = %stored.request.agent, "an approval was consumed");
    let consumption = stored.request.consumption.as_ref();
    let answer = json!({
        "id": id,
        "status": stored.request.status,
        "digest": stored.request.digest,
        "approved": ask.action,
        "nonce": ask.nonce,
        "consumed_at": consumption.map(|c| c.at),
        "receipt": receipt,
    });
    Ok(HttpResponse::json(200, &answer).with_etag(u64::from(stored.version())))
}

/// Records what an auditor wants to know of a refused attempt, and ends what is void. It changes nothing for the
/// caller, who is refused in any case.
async fn refused<T: Table, W, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    state: Stored,
    refusal: Refusal,
) -> Problem {
    let code = refusal.code();
    tracing::warn!(request.id = %state.request.id, agent.id = %agent.id, code = code.as_str(), "an attempt to consume was refused");
    let mut commands = Vec::new();
    if matches!(code, Code::DigestMismatch | Code::AlreadyConsumed | Code::AgentFrozen) {
        commands.push(Command::RecordRefusedExecution { by: agent.id.clone(), code });
    }
    if let Refusal::Void(void_before) = refusal {
        commands.push(Command::void(void_before));
    }
    if let Refusal::Recovered(_) = refusal {
        commands.push(Command::recovery());
    }
    let mut state = state;
    for command in commands {
        match execute(&app.table, &app.source, state.clone(), command, With::default(), now()).await {
            Ok(next) => state = next,
            Err(error) => {
                tracing::warn!(request.id = %state.request.id, error = %error, "a refusal was not recorded")
            }
        }
    }
    of_commit(CommitError::Refused { refusal, state: None })
}

/// `POST /v1/requests/{id}/outcome`.
pub async fn outcome<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = OutcomeBody::parse(request)?;
    let now = now();
    let stored = of_party(app, agent, id).await?;
    let detail = Words::some(body.detail.as_deref()).map_err(of_randomness)?;
    let command = Command::Report {
        by: agent.id.clone(),
        outcome: body.outcome,
        detail: detail.as_ref().map(Words::hash),
    };
    let with = With { words: detail.iter().collect(), ..With::default() };
    match execute(&app.table, &app.source, stored, command, with, now).await {
        Ok(stored) => show(app, &stored, now).await,
        // It is the caller's to see, so it is told what is wrong instead of that it does not exist.
        Err(CommitError::Refused { refusal: refusal @ Refusal::NotYours, .. }) => Err(refusal.into()),
        Err(error) => Err(of_commit(error)),
    }
}
