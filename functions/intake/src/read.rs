//! An agent reads: one request, at once or when it changes, and the list of its own.

use std::time::{Duration, Instant};

use countersign_app::clock::now;
use countersign_app::ports::{Sealer, Table};
use countersign_app::store::Stored;
use countersign_app::view::RequestView;
use countersign_domain::{RequestId, Status};
use countersign_http::headers::prefer_wait;
use countersign_http::query::ListQuery;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Agent, Problem};
use serde_json::json;

use crate::app::App;
use crate::seal::{has_one, receipt};
use countersign_app::problems::of_port;

/// The pauses between two looks: short at first, for an answer that is about to come.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_millis(400);

/// How many requests a page holds.
const PAGE: u32 = 50;

/// `GET /v1/requests/{id}`. With `Prefer: wait=N` the answer comes when the status is no longer `pending`, or, with
/// `If-None-Match`, when the version is another; at the latest after N seconds. Who waited is told at once what there is,
/// and gets no receipt: that may take a moment more, and the next read has it.
pub async fn read<T: Table, W, S: Sealer>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known = request.header("if-none-match").map(str::trim);
    let is_news = |stored: &Stored| match known {
        Some(etag) => etag != format!("\"{}\"", stored.version()),
        None => stored.request.status != Status::Pending,
    };
    let until = Instant::now() + Duration::from_secs(u64::from(prefer_wait(request).0));
    let (mut pause, mut waited) = (FIRST_PAUSE, false);
    let stored = loop {
        let stored = of_party(app, agent, id).await?;
        let left = until.saturating_duration_since(Instant::now());
        if is_news(&stored) || left.is_zero() {
            break stored;
        }
        waited = true;
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 5 / 4).min(LAST_PAUSE);
    };
    if known.is_some() && !is_news(&stored) {
        return Ok(HttpResponse::empty(304).with_etag(u64::from(stored.version())));
    }
    let whole = app.table.whole(id).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let mut view = json!(RequestView::of(&whole, now()));
    if has_one(whole.stored.request.status) {
        view["receipt"] = if waited { None } else { receipt(app, &whole.stored).await }.into();
    }
    Ok(HttpResponse::json(200, &view).with_etag(u64::from(whole.stored.version())))
}

/// `GET /v1/requests`: the agent's own, newest first.
pub async fn list<T: Table, W, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = ListQuery::parse(request, |_| true)?;
    let page =
        app.table.of_agent(&agent.id, query.status, query.cursor.as_deref(), PAGE).await.map_err(of_port)?;
    let now = now();
    let requests: Vec<_> = page.requests.iter().map(|stored| RequestView::listed(stored, now)).collect();
    Ok(HttpResponse::json(200, &json!({"requests": requests, "next": page.next})))
}

/// The request as it is, if it is this agent's or it is its executor. To others it does not exist.
pub async fn of_party<T: Table, W, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    id: &RequestId,
) -> Result<Stored, Problem> {
    let stored = app.table.state(id).await.map_err(of_port)?;
    stored.filter(|stored| stored.request.is_party(&agent.id)).ok_or_else(Problem::not_found)
}
