//! Admins freeze agents and let them ask again.

use std::collections::BTreeSet;

use countersign_app::clock::now;
use countersign_app::commit::execute_agent;
use countersign_app::ports::Table;
use countersign_app::problems::{of_commit, of_randomness};
use countersign_app::store::Words;
use countersign_domain::agent::Command;
use countersign_domain::event::Actor;
use countersign_domain::{AgentId, Digest, GroupName};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{FreezeBody, Problem};
use serde_json::json;

use crate::app::App;
use crate::person::Known;

/// `POST /v1/review/agents/{id}/freeze`. What the agent asked before is ended by relay, and cannot be consumed from
/// this moment on.
pub async fn freeze<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &AgentId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    execute(app, known, id, request, |by, groups, reason| Command::Freeze { by, groups, reason }).await
}

/// `POST /v1/review/agents/{id}/unfreeze`. What was void stays void.
pub async fn unfreeze<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &AgentId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    execute(app, known, id, request, |by, groups, reason| Command::Unfreeze { by, groups, reason }).await
}

async fn execute<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &AgentId,
    request: &HttpRequest,
    command: impl FnOnce(Actor, BTreeSet<GroupName>, Option<Digest>) -> Command,
) -> Result<HttpResponse, Problem> {
    let reason = Words::some(FreezeBody::parse(request)?.reason.as_deref()).map_err(of_randomness)?;
    let command = command(known.actor(), known.person.groups.clone(), reason.as_ref().map(Words::hash));
    let record =
        execute_agent(&app.table, &app.source, id, command, reason.as_ref(), now).await.map_err(of_commit)?;
    tracing::warn!(agent.id = %id, frozen = record.agent.frozen, "a person froze or unfroze an agent");
    let answer = json!({
        "id": id,
        "name": record.name,
        "frozen": record.agent.frozen,
        "void_before": record.agent.void_before,
    });
    Ok(HttpResponse::json(200, &answer))
}
