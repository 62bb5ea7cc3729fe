//! An admin has what is kept of a request beside its events removed.

use countersign_app::clock::now;
use countersign_app::commit;
use countersign_app::ports::Table;
use countersign_app::problems::{of_commit, of_port, of_randomness};
use countersign_app::store::Words;
use countersign_domain::RequestId;
use countersign_domain::request::Command;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{EraseBody, Problem};

use crate::app::App;
use crate::decide::show;
use crate::person::Known;

/// `POST /v1/review/requests/{id}/erase`. Relay brings the cards up to date.
pub async fn erase<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = EraseBody::parse(request)?;
    let now = now();
    let whole = app.table.whole(id).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let reason = Words::some(body.reason.as_deref()).map_err(of_randomness)?;
    let command = Command::Erase {
        by: known.actor(),
        groups: known.person.groups.clone(),
        reason: reason.as_ref().map(Words::hash),
    };
    let done = commit::erase(&app.table, &app.source, whole, command, reason.as_ref(), now).await;
    done.map_err(of_commit)?;
    tracing::warn!(request.id = %id, person.id = %known.person.id, "a request was erased");
    show(app, id, now).await
}
