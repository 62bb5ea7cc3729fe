//! A person's decision: the same steps whether it came from chat or by API.

use std::time::Duration;

use countersign_app::clock::now;
use countersign_app::commit::{CommitError, With, execute};
use countersign_app::policy::of;
use countersign_app::ports::{PortError, Table, Tokens, Workflow};
use countersign_app::problems::{of_commit, of_port, of_randomness};
use countersign_app::resume::{Told, is_over, tell};
use countersign_app::store::{Stored, Whole, Words};
use countersign_app::view::ReviewView;
use countersign_domain::event::{Decision, RefusedDecision, RevokedBecause};
use countersign_domain::refusal::Code;
use countersign_domain::request::{Command, Decide};
use countersign_domain::review::Relation;
use countersign_domain::{Digest, PersonId, Refusal, RequestId, Time, request};
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{DecideBody, Problem, RevokeBody};
use tokio::time::timeout;

use crate::app::App;
use crate::person::Known;

/// The longest that an answer to a person waits for the workflow.
const WAKE: Duration = Duration::from_secs(2);

/// What a person says of a request, over whichever channel.
pub struct Said<'a> {
    /// The decision.
    pub decision: Decision,
    /// The digest of what the person saw.
    pub digest: Digest,
    /// How many answers of the agent the person saw, where the channel tells.
    pub answers: Option<u32>,
    /// The comment, reason or question.
    pub text: Option<&'a Words>,
    /// Hash of the card that the person saw.
    pub shown: Option<Digest>,
    /// What makes a delivery of the same press the same.
    pub once: Option<(Digest, Time)>,
}

/// The command of what `known` says of the request.
pub fn command(known: &Known, whole: &Whole, said: &Said<'_>) -> Command {
    let relations = whole.ask.as_ref().map(|ask| known.policy.relations(&of(ask)));
    Command::Decide(Box::new(Decide {
        actor: known.actor(),
        groups: known.person.groups.clone(),
        relations: relations.and_then(|mut r| r.remove(&known.person.id)).unwrap_or_default(),
        decision: said.decision,
        digest: said.digest.clone(),
        answers: said.answers,
        text: said.text.map(Words::hash),
        shown: said.shown.clone(),
    }))
}

/// Why `known` could not say this, if so. Nothing is recorded.
pub fn would_refuse(known: &Known, whole: &Whole, said: &Said<'_>, now: Time) -> Option<Refusal> {
    request::decide(Some(&whole.stored.request), command(known, whole, said), now).err()
}

/// Commits the decision. It does not wake the workflow, and records no refusal.
pub async fn commit<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    whole: Whole,
    said: &Said<'_>,
    now: Time,
) -> Result<Stored, CommitError> {
    let with = With {
        words: said.text.into_iter().collect(),
        once: said.once.clone(),
        ask_hash: whole.ask.as_ref().map(|ask| ask.action.ask_hash(&whole.stored.request.agent)),
        ..With::default()
    };
    let command = command(known, &whole, said);
    execute(&app.table, &app.source, whole.stored, command, with, now).await
}

/// Wakes the workflow after a decision. If that fails relay does it; the decision stands in any case.
pub async fn wake<T, K: Tokens, W: Workflow, C>(app: &App<T, K, W, C>, stored: &Stored) {
    let id = &stored.request.id;
    tracing::info!(request.id = %id, agent.id = %stored.request.agent, status = stored.request.status.as_str(), "a person decided");
    if !is_over(stored.request.status) {
        return;
    }
    match timeout(WAKE, tell(&app.tokens, &app.workflow, stored)).await {
        Ok(Ok(Told::Done | Told::NoToken)) => {}
        Ok(Ok(Told::Invalid)) => tracing::error!(request.id = %id, "the task token on record is invalid"),
        Ok(Err(error)) => {
            tracing::warn!(request.id = %id, error = %error, "the workflow was not resumed; relay will")
        }
        Err(_) => tracing::warn!(request.id = %id, "the workflow was not resumed in time; relay will"),
    }
}

/// What was tried: by whom (`None` = nobody we know), and which decision on which digest (`None` = a revocation).
pub struct Tried<'a> {
    /// Who.
    pub known: Option<&'a Known>,
    /// Which decision.
    pub decision: Option<Decision>,
    /// On which digest.
    pub digest: Option<&'a Digest>,
    /// What makes a delivery of the same press the same. It is done with: whoever may decide later presses anew.
    pub once: Option<(Digest, Time)>,
}

/// Records a refusal that an auditor wants to know of. The person is refused in any case.
pub async fn refused<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    tried: Tried<'_>,
    state: Stored,
    refusal: &Refusal,
    now: Time,
) {
    let code = refusal.code();
    let id = state.request.id.clone();
    let person = tried.known.map(|known| &known.person.id);
    tracing::warn!(request.id = %id, person.id = person.map(PersonId::as_str), code = code.as_str(), "a decision was refused");
    if code == Code::InvalidRequest {
        return;
    }
    let relations = match refusal {
        Refusal::SelfApproval(relations) => relations.clone(),
        _ => std::collections::BTreeSet::<Relation>::new(),
    };
    let command = Command::RecordRefusedDecision(RefusedDecision {
        person: person.cloned(),
        evidence: tried.known.map(|known| known.evidence.clone()),
        decision: tried.decision,
        digest: tried.digest.cloned(),
        code,
        relations,
    });
    let with = With { once: tried.once, ..With::default() };
    let recorded = execute(&app.table, &app.source, state, command, with, now).await;
    if let Some(error) = recorded.err().filter(|error| !is_repeat(error)) {
        tracing::warn!(request.id = %id, error = %error, "a refusal was not recorded");
    }
}

/// `POST /v1/review/requests/{id}/decisions`.
pub async fn by_api<T: Table, K: Tokens, W: Workflow, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = DecideBody::parse(request)?;
    let now = now();
    let whole = app.table.whole(id).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    // Whether the person is bound to the agent is told from the ask; without it nobody decides.
    if whole.ask.is_none() {
        return Err(Problem::new(Code::NotActionable, "the request's arguments were erased"));
    }
    let text = Words::some(body.comment.as_deref()).map_err(of_randomness)?;
    let said = Said {
        decision: body.decision,
        digest: body.digest,
        answers: None,
        text: text.as_ref(),
        shown: None,
        once: None,
    };
    let done = commit(app, known, whole, &said, now).await;
    if let Err(CommitError::Refused { refusal, state: Some(state) }) = &done {
        let tried = Tried {
            known: Some(known),
            decision: Some(said.decision),
            digest: Some(&said.digest),
            once: None,
        };
        refused(app, tried, (**state).clone(), refusal, now).await;
    }
    wake(app, &done.map_err(of_commit)?).await;
    show(app, id, now).await
}

/// `POST /v1/review/requests/{id}/revoke`.
pub async fn revoke<T: Table, K: Tokens, W: Workflow, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    id: &RequestId,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let body = RevokeBody::parse(request)?;
    let now = now();
    let stored = app.table.state(id).await.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let reason = Words::some(body.reason.as_deref()).map_err(of_randomness)?;
    let command = Command::Revoke {
        because: RevokedBecause::Person(known.actor()),
        groups: known.person.groups.clone(),
        reason: reason.as_ref().map(Words::hash),
    };
    let with = With { words: reason.iter().collect(), ..With::default() };
    let done = execute(&app.table, &app.source, stored, command, with, now).await;
    if let Err(CommitError::Refused { refusal, state: Some(state) }) = &done {
        let tried = Tried { known: Some(known), decision: None, digest: None, once: None };
        refused(app, tried, (**state).clone(), refusal, now).await;
    }
    done.map_err(of_commit)?;
    show(app, id, now).await
}

/// The request after what was recorded just now.
pub async fn show<T: Table, K, W, C>(
    app: &App<T, K, W, C>,
    id: &RequestId,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let whole = app.table.whole(id).await.map_err(|error| {
        tracing::error!(request.id = %id, error = %error, "a service does not answer");
        Problem::unavailable(
            "it is recorded, but the request could not be read again: read it for its result",
        )
    })?;
    let whole = whole.ok_or_else(Problem::not_found)?;
    let version = u64::from(whole.stored.version());
    Ok(HttpResponse::json(200, &ReviewView::of(&whole, now)).with_etag(version))
}

/// Whether a commit did nothing because the same press was delivered before.
pub fn is_repeat(error: &CommitError) -> bool {
    matches!(error, CommitError::Port(PortError::SeenBefore))
}
