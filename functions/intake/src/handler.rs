//! From an event to an answer: who is calling, what for, and which step does it.

use countersign_app::clock::now;
use countersign_app::ports::{Sealer, Table, Workflow};
use countersign_app::problems::health;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::token::bearer;
use countersign_http::{Agent, AgentRoute, Problem, lambda, openapi};
use serde_json::Value;

use crate::app::{App, Auth, Serves};
use crate::{create, execution, read, respond};

/// Answers one event of the agents' API.
pub async fn handle<T: Table, W: Workflow, S: Sealer>(app: &App<T, W, S>, event: Value) -> Value {
    lambda::answer(event, |request| dispatch(app, request)).await
}

async fn dispatch<T: Table, W: Workflow, S: Sealer>(
    app: &App<T, W, S>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let route = AgentRoute::of(&request)?;
    match route {
        AgentRoute::Health => return health(&app.policy),
        AgentRoute::OpenApi => return Ok(openapi::agents()),
        _ => {}
    }
    let agent = authenticate(&app.auth, &request).await?;
    match (app.serves, route) {
        (Serves::Writes, AgentRoute::Create) => create::create(app, &agent, &request).await,
        (Serves::Writes, AgentRoute::Explain) => create::explain(app, &agent, &request).await,
        (Serves::Writes, AgentRoute::Respond(id)) => respond::respond(app, &agent, &id, &request).await,
        (Serves::Writes, AgentRoute::Withdraw(id)) => respond::withdraw(app, &agent, &id, &request).await,
        (Serves::Writes, AgentRoute::Consume(id)) => execution::consume(app, &agent, &id, &request).await,
        (Serves::Writes, AgentRoute::Outcome(id)) => execution::outcome(app, &agent, &id, &request).await,
        (Serves::Reads, AgentRoute::Read(id)) => read::read(app, &agent, &id, &request).await,
        (Serves::Reads, AgentRoute::List) => read::list(app, &agent, &request).await,
        _ => Err(Problem::not_found()),
    }
}

async fn authenticate(auth: &Auth, request: &HttpRequest) -> Result<Agent, Problem> {
    match auth {
        Auth::Iam => Agent::from_iam(request),
        Auth::Token(verifier) => {
            Ok(Agent::from_token(&verifier.verify(bearer(request)?, None, now()).await?))
        }
    }
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "consume_tests.rs"]
mod consume_tests;
