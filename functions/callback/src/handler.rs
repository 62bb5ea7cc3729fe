//! From an event to an answer: which API, who is calling, and which step does it.

use countersign_app::ports::{Table, Tokens, Workflow};
use countersign_app::problems::health;
use countersign_chat::slack::Chat;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Problem, ReviewRoute, lambda, openapi};
use serde_json::Value;

use crate::app::App;
use crate::person::{reader, signed_in};
use crate::{agents, decide, review, slack};

/// Answers one event of the reviewers' API or of a chat platform.
pub async fn handle<T, K, W, C>(app: &App<T, K, W, C>, event: Value) -> Value
where
    T: Table,
    K: Tokens,
    W: Workflow,
    C: Chat,
{
    lambda::answer(event, |request| dispatch(app, request)).await
}

async fn dispatch<T, K, W, C>(app: &App<T, K, W, C>, request: HttpRequest) -> Result<HttpResponse, Problem>
where
    T: Table,
    K: Tokens,
    W: Workflow,
    C: Chat,
{
    match ReviewRoute::of(&request)? {
        ReviewRoute::Health => health(&app.policy),
        ReviewRoute::OpenApi => Ok(openapi::reviewers()),
        ReviewRoute::SlackInteractions => slack::interaction(app, &request).await,
        ReviewRoute::SlackEvents => slack::event(app, &request).await,
        ReviewRoute::List => review::list(app, &reader(app, &request).await?, &request).await,
        ReviewRoute::Read(id) => review::read(app, &reader(app, &request).await?, &id).await,
        ReviewRoute::Events(id) => review::events(app, &reader(app, &request).await?, &id).await,
        ReviewRoute::Decide(id) => decide::by_api(app, &signed_in(app, &request).await?, &id, &request).await,
        ReviewRoute::Revoke(id) => decide::revoke(app, &signed_in(app, &request).await?, &id, &request).await,
        ReviewRoute::Cards(id) => review::post_again(app, &signed_in(app, &request).await?, &id).await,
        ReviewRoute::Freeze(id) => agents::freeze(app, &signed_in(app, &request).await?, &id, &request).await,
        ReviewRoute::Unfreeze(id) => {
            agents::unfreeze(app, &signed_in(app, &request).await?, &id, &request).await
        }
    }
}

#[cfg(test)]
#[path = "handler_tests.rs"]
pub(crate) mod tests;
