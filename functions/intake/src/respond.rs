//! An agent answers a question, or takes its request back.

use countersign_app::clock::{nonce, now};
use countersign_app::commit::{With, execute};
use countersign_app::ports::{Table, Workflow};
use countersign_app::store::{Ask, Stored, Words};
use countersign_app::view::RequestView;
use countersign_domain::request::{Command, NewRevision};
use countersign_domain::{RequestId, Time};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Agent, Problem, RespondBody, WithdrawBody};

use crate::app::App;
use crate::ask::{evaluate, recorded};
use countersign_app::problems::{of_commit, of_port, of_randomness};

/// `POST /v1/requests/{id}/responses`. New arguments are a new ask: policy is asked again and votes start anew.
pub async fn respond<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = RespondBody::parse(request)?;
    let now = now();
    let whole = app.table.whole(id).await.map_err(of_port)?;
    let whole = whole.filter(|w| w.stored.request.agent == agent.id).ok_or_else(Problem::not_found)?;
    let answer = Words::new(body.answer).map_err(of_randomness)?;
    let ask = match (body.arguments, whole.ask) {
        (None, _) if body.justification.is_some() => {
            let detail = "a new justification goes with new arguments; say it in the answer";
            return Err(Problem::invalid_at("/justification", detail));
        }
        (None, _) => None,
        (Some(_), None) => return Err(Problem::not_found()),
        (Some(arguments), Some(mut ask)) => {
            ask.action.arguments = arguments;
            ask.nonce = nonce().map_err(of_randomness)?;
            if let Some(words) = Words::some(body.justification.as_deref()).map_err(of_randomness)? {
                ask.justification = Some(words);
            }
            Some(ask)
        }
    };
    let revision = match &ask {
        Some(ask) => Some(Box::new(revision(app, agent, ask, now).await?)),
        None => None,
    };
    let command = Command::Respond { agent: agent.id.clone(), answer: answer.hash(), revision };
    let with = With { words: vec![&answer], ask: ask.as_ref(), ..With::default() };
    let stored =
        execute(&app.table, &app.source, whole.stored, command, with, now).await.map_err(of_commit)?;
    show(app, &stored, now).await
}

async fn revision<T: Table, W, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    ask: &Ask,
    now: Time,
) -> Result<NewRevision, Problem> {
    let record = app.table.agent(&agent.id).await.map_err(of_port)?;
    let evaluation =
        evaluate(&app.table, &app.policy, &agent.id, &record, ask, now).await.map_err(of_port)?;
    Ok(NewRevision {
        digest: ask.action.digest(&agent.id, &ask.nonce),
        justification: ask.justification.as_ref().map(Words::hash),
        recorded: recorded(&evaluation, ask),
        evaluation,
    })
}

/// `POST /v1/requests/{id}/withdraw`.
pub async fn withdraw<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = WithdrawBody::parse(request)?;
    let now = now();
    let stored = app.table.state(id).await.map_err(of_port)?;
    let stored = stored.filter(|s| s.request.agent == agent.id).ok_or_else(Problem::not_found)?;
    let reason = Words::some(body.reason.as_deref()).map_err(of_randomness)?;
    let command = Command::Withdraw { agent: agent.id.clone(), reason: reason.as_ref().map(Words::hash) };
    let with = With { words: reason.iter().collect(), ..With::default() };
    let stored = execute(&app.table, &app.source, stored, command, with, now).await.map_err(of_commit)?;
    show(app, &stored, now).await
}

/// The request as it is after a command.
pub async fn show<T: Table, W, S>(
    app: &App<T, W, S>,
    stored: &Stored,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let whole = app.table.whole(&stored.request.id).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let version = u64::from(whole.stored.version());
    Ok(HttpResponse::json(200, &RequestView::of(&whole, now)).with_etag(version))
}
