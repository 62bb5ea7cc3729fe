//! An agent asks: `POST /v1/requests` and `POST /v1/explain`.

use countersign_app::clock::{jitter, nonce, now, request_id};
use countersign_app::commit::{self, CommitError, NewRequest};
use countersign_app::ports::{PortError, Table, Workflow};
use countersign_app::store::{Ask, Idempotency, Stored, Words};
use countersign_app::view::RequestView;
use countersign_domain::agent::{AgentRef, public_name};
use countersign_domain::canonical::jcs;
use countersign_domain::request::{Consume, Create, Request};
use countersign_domain::review::Outcome;
use countersign_domain::time::Seconds;
use countersign_domain::{AgentId, Code, Digest, Status, Time};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Agent, CreateBody, IdempotencyKey, Problem};
use serde_json::{Value, json};

use crate::app::App;
use crate::ask::{claimed, evaluate, recorded};
use countersign_app::problems::{of_commit, of_port, of_randomness};

/// A key is remembered for longer than any request lives: 90 days and a week.
const REMEMBER: Seconds = Seconds(97 * 24 * 3600);

/// How often a new request is tried when others are faster.
const TRIES: u64 = 12;

/// When a waiting agent should look again, in seconds.
const LOOK_AGAIN: u32 = 5;

/// `POST /v1/requests`.
pub async fn create<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = IdempotencyKey::of(request)?;
    let body = CreateBody::parse(request)?;
    let attempt = body.consume.then(|| key.as_attempt()).transpose()?;
    let attempt = attempt.map(|attempt| Digest::of(attempt.as_str().as_bytes()));
    let caller = Caller { agent: &agent.id, attempt: attempt.as_ref() };
    let body_hash = hash(&body);
    let now = now();
    let ask = ask(agent, &body)?;
    let id = request_id(now).map_err(of_randomness)?;

    for attempts in 1..=TRIES {
        let (known, record) =
            tokio::try_join!(app.table.idempotency(&agent.id, key.as_str()), app.table.agent(&agent.id),)
                .map_err(of_port)?;
        if let Some(known) = known {
            return again(app, known, &body_hash, caller, now).await;
        }
        let evaluation =
            evaluate(&app.table, &app.policy, &agent.id, &record, &ask, now).await.map_err(of_port)?;
        let digest = ask.action.digest(&agent.id, &ask.nonce);
        let create = Create {
            id: id.clone(),
            agent: AgentRef { id: agent.id.clone(), name: public_name(&agent.name) },
            action: ask.action.action.clone(),
            digest: digest.clone(),
            executor: body.executor.clone(),
            on_behalf_of: claimed(&app.policy, &ask),
            expires_in: body.expires_in,
            justification: ask.justification.as_ref().map(Words::hash),
            recorded: recorded(&evaluation, &ask),
            evaluation,
            consume: attempt.clone().map(|attempt| Consume {
                by: agent.id.clone(),
                digest,
                attempt,
                void_before: record.agent.void_before,
                // It is made now.
                recovered: None,
            }),
        };
        let idempotency = Idempotency {
            agent: agent.id.clone(),
            key: key.as_str().to_owned(),
            body: body_hash.clone(),
            request: id.clone(),
            forget: now + REMEMBER,
        };
        let new = NewRequest { create, ask: &ask, agent: &record, idempotency };
        match commit::create(&app.table, &app.source, new, now).await {
            Ok(stored) => return Ok(created(app, stored, ask, caller, now).await),
            Err(CommitError::Port(PortError::KeyTaken | PortError::AgentChanged | PortError::Conflict)) => {
                jitter(25 * attempts).await;
            }
            Err(error) => return Err(of_commit(error)),
        }
    }
    Err(Problem::new(Code::StaleVersion, "this agent asks too much at once; nothing was recorded"))
}

/// The answer for a new request, and the fast path to its workflow. If that fails, relay starts it.
async fn created<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    stored: Stored,
    ask: Ask,
    caller: Caller<'_>,
    now: Time,
) -> HttpResponse {
    let id = &stored.request.id;
    tracing::info!(request.id = %id, agent.id = %stored.request.agent, outcome = stored.request.outcome, "an agent asked");
    if let Some(workflow) = app.workflow.as_ref().filter(|_| stored.request.status.is_open())
        && let Err(error) = workflow.start(id, 0).await
    {
        tracing::warn!(request.id = %id, error = %error, "the workflow was not started; relay will");
    }
    answer(stored, Some(ask), caller, now)
}

/// The answer to a key that was used: the same request as it is now, if the body is the same.
async fn again<T: Table, W, S>(
    app: &App<T, W, S>,
    known: Idempotency,
    body: &Digest,
    caller: Caller<'_>,
    now: Time,
) -> Result<HttpResponse, Problem> {
    if known.body != *body {
        let detail = format!("this Idempotency-Key made {} with another body", known.request);
        return Err(Problem::new(Code::IdempotencyKeyReused, detail));
    }
    let whole = app.table.whole(&known.request).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    Ok(answer(whole.stored, whole.ask, caller, now))
}

/// Who asks, and with which attempt if it asks to consume.
#[derive(Clone, Copy)]
struct Caller<'a> {
    agent: &'a AgentId,
    attempt: Option<&'a Digest>,
}

impl Caller<'_> {
    /// Whether the right to run was given to this very attempt, and no outcome is known yet.
    fn holds(self, request: &Request) -> bool {
        let held = request.consumption.as_ref().filter(|_| request.status == Status::Consumed);
        held.is_some_and(|held| held.by == *self.agent && Some(&held.attempt) == self.attempt)
    }
}

fn answer(stored: Stored, ask: Option<Ask>, caller: Caller<'_>, now: Time) -> HttpResponse {
    let (id, version) = (stored.request.id.clone(), u64::from(stored.version()));
    let open = stored.request.status.is_open();
    let nonce = ask.as_ref().map(|ask| ask.nonce.clone()).filter(|_| caller.holds(&stored.request));
    let whole = countersign_app::store::Whole { stored, ask, texts: Default::default(), cards: Vec::new() };
    let mut view = json!(RequestView::of(&whole, now));
    if let Some((nonce, consume)) = nonce.zip(view.get_mut("consume").and_then(Value::as_object_mut)) {
        consume.insert("nonce".into(), String::from(nonce).into());
    }
    let answer = HttpResponse::json(if open { 202 } else { 201 }, &view).with_etag(version);
    let answer = answer.with_location(format!("/v1/requests/{id}"));
    if open { answer.with_retry_after(LOOK_AGAIN) } else { answer }
}

/// `POST /v1/explain`: what policy would say, asking nobody and recording nothing.
pub async fn explain<T: Table, W: Workflow, S>(
    app: &App<T, W, S>,
    agent: &Agent,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = CreateBody::parse(request)?;
    let ask = ask(agent, &body)?;
    let record = app.table.agent(&agent.id).await.map_err(of_port)?;
    let evaluation =
        evaluate(&app.table, &app.policy, &agent.id, &record, &ask, now()).await.map_err(of_port)?;
    let (code, gates, review_for) = match &evaluation.outcome {
        Outcome::Deny { code } => (Some(*code), Vec::new(), None),
        Outcome::Allow { .. } => (None, Vec::new(), None),
        Outcome::Review { gates, rules } => (None, gates.clone(), Some(rules.review_for)),
    };
    let gates: Vec<Value> = gates
        .iter()
        .map(|g| json!({"profile": g.profile, "quorum": g.quorum, "levels": g.levels.len()}))
        .collect();
    let answer = json!({
        "outcome": evaluation.outcome.as_str(),
        "agent": {"id": agent.id, "name": agent.name},
        "policy_digest": evaluation.policy_digest,
        "determining": evaluation.determining,
        "gates": gates,
        "review_for_seconds": review_for,
        "code": code,
        "agent_guidance": code.map(Code::guidance),
    });
    Ok(HttpResponse::json(200, &answer))
}

fn ask(agent: &Agent, body: &CreateBody) -> Result<Ask, Problem> {
    Ok(Ask {
        action: body.action.clone(),
        nonce: nonce().map_err(of_randomness)?,
        agent_name: agent.name.clone(),
        session: agent.session.clone(),
        sso_session: agent.sso_session.clone(),
        justification: Words::some(body.justification.as_deref()).map_err(of_randomness)?,
        on_behalf_of: body.on_behalf_of.clone(),
        delegation_chain: body.delegation_chain.clone(),
    })
}

/// The same for bodies of the same meaning: a client may write its JSON in another order on a retry.
fn hash(body: &CreateBody) -> Digest {
    Digest::of(&jcs(&json!({
        "action": body.action,
        "justification": body.justification,
        "on_behalf_of": body.on_behalf_of,
        "delegation_chain": body.delegation_chain,
        "executor": body.executor,
        "expires_in": body.expires_in,
        "consume": body.consume,
    })))
}
