//! Reviewers and auditors read, and have cards posted again.

use countersign_app::cards::{Again, MOST_AGAIN, again};
use countersign_app::clock::now;
use countersign_app::ports::Table;
use countersign_app::problems::of_port;
use countersign_app::store::Whole;
use countersign_app::view::{RequestView, ReviewView};
use countersign_domain::leaf::Subject;
use countersign_domain::{Code, Refusal, RequestId, Status};
use countersign_http::Problem;
use countersign_http::query::ListQuery;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use serde_json::{Value, json};

use crate::app::App;
use crate::person::Known;

/// How many requests are looked through for a page.
const PAGE: u32 = 50;

/// `GET /v1/review/requests`: what is open or approved, and the person may see.
pub async fn list<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = ListQuery::parse(request, Status::is_live)?;
    let page = app.table.live(None, query.cursor.as_deref(), PAGE).await.map_err(of_port)?;
    let now = now();
    let requests: Vec<_> = page
        .requests
        .iter()
        .filter(|s| query.status.is_none_or(|status| status == s.request.status))
        .filter(|s| s.request.is_visible_to(&known.person.id, &known.person.groups))
        .map(|stored| RequestView::listed(stored, now))
        .collect();
    Ok(HttpResponse::json(200, &json!({"requests": requests, "next": page.next})))
}

/// `GET /v1/review/requests/{id}`.
pub async fn read<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
) -> Result<HttpResponse, Problem> {
    let whole = visible(app, known, id).await?;
    let version = u64::from(whole.stored.version());
    Ok(HttpResponse::json(200, &ReviewView::of(&whole, now())).with_etag(version))
}

/// `GET /v1/review/requests/{id}/events`: the leaves, in order.
pub async fn events<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
) -> Result<HttpResponse, Problem> {
    visible(app, known, id).await?;
    let events = app.table.events(&Subject::Request(id.clone())).await.map_err(of_port)?;
    let events = events.iter().map(|event| serde_json::from_slice::<Value>(&event.bytes));
    let events = events.collect::<Result<Vec<_>, _>>();
    let events = events.map_err(|_| Problem::unavailable("a recorded event could not be read"))?;
    Ok(HttpResponse::json(200, &json!({"events": events})))
}

/// `POST /v1/review/requests/{id}/cards`: one more card in each channel of an open request; relay posts it within a
/// minute.
pub async fn post_again<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
) -> Result<HttpResponse, Problem> {
    let whole = visible(app, known, id).await?;
    let (now, status) = (now(), whole.stored.request.status);
    if !status.is_open() {
        return Err(Refusal::NotActionable(status).into());
    }
    match again(&app.table, &whole, now).await.map_err(of_port)? {
        Again::Reserved => Ok(HttpResponse::json(202, &RequestView::of(&whole, now))),
        Again::Exhausted => Err(Problem::new(
            Code::NotActionable,
            format!("the request's cards were posted again {MOST_AGAIN} times in each channel, which is all"),
        )),
    }
}

async fn visible<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
) -> Result<Whole, Problem> {
    let whole = app.table.whole(id).await.map_err(of_port)?;
    let may = |w: &Whole| w.stored.request.is_visible_to(&known.person.id, &known.person.groups);
    whole.filter(may).ok_or_else(Problem::not_found)
}
