//! From an event to an answer: which API, who is calling, and which step does it.

use countersign_app::ports::{Recorder, Table, Tokens, Workflow};
use countersign_app::problems::health;
use countersign_chat::slack::Chat;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Problem, ReviewRoute, lambda, openapi};
use serde_json::Value;

use crate::app::App;
use crate::person::{reader, signed_in};
use crate::{agents, decide, erase, log, review, slack};

/// Answers one event of the reviewers' API or of a chat platform. `recorder` has the log say something of itself.
pub async fn handle<T, K, W, C, R>(app: &App<T, K, W, C>, recorder: &R, event: Value) -> Value
where
    T: Table,
    K: Tokens,
    W: Workflow,
    C: Chat,
    R: Recorder,
{
    lambda::answer(event, |request| dispatch(app, recorder, request)).await
}

async fn dispatch<T, K, W, C, R>(
    app: &App<T, K, W, C>,
    recorder: &R,
    request: HttpRequest,
) -> Result<HttpResponse, Problem>
where
    T: Table,
    K: Tokens,
    W: Workflow,
    C: Chat,
    R: Recorder,
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
        ReviewRoute::Erase(id) => erase::erase(app, &signed_in(app, &request).await?, &id, &request).await,
        ReviewRoute::Cards(id) => review::post_again(app, &signed_in(app, &request).await?, &id).await,
        ReviewRoute::Freeze(id) => agents::freeze(app, &signed_in(app, &request).await?, &id, &request).await,
        ReviewRoute::Unfreeze(id) => {
            agents::unfreeze(app, &signed_in(app, &request).await?, &id, &request).await
        }
        ReviewRoute::Recover => log::recover(app, recorder, &signed_in(app, &request).await?, &request).await,
        ReviewRoute::Export => log::export(recorder, &signed_in(app, &request).await?, &request).await,
    }
}

#[cfg(test)]
#[path = "handler_tests.rs"]
pub(crate) mod tests;
