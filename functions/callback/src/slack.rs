//! Slack calls: the signature is checked on the raw bytes first; then the account, then the person, then the rules.
//!
//! Slack wants an answer within 3 s. Whoever may not decide is told so where only they see it.

use countersign_app::cards::card;
use countersign_app::clock::now;
use countersign_app::commit::CommitError;
use countersign_app::ports::{Table, Tokens, Workflow};
use countersign_app::problems::{of_port, of_randomness};
use countersign_app::store::{Whole, Words};
use countersign_chat::slack::about::{About, Place};
use countersign_chat::slack::event::Event;
use countersign_chat::slack::identity::identify;
use countersign_chat::slack::interaction::{By, Click, Interaction, Submission};
use countersign_chat::slack::modals::{Next, close, next, refuse};
use countersign_chat::slack::signature::{Verified, verify};
use countersign_chat::slack::{Chat, event as events, interaction as interactions};
use countersign_domain::event::{Decision, Evidence};
use countersign_domain::time::Seconds;
use countersign_domain::{Code, Refusal, RequestId, Time};
use countersign_http::Problem;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_policy::Alias;
use serde_json::Value;

use crate::app::{App, Slack};
use crate::decide::{Said, Tried, is_repeat, record, refused, would_refuse};
use crate::person::{Known, policy};

/// A press is remembered longer than Slack's retries and the signature's window.
const REMEMBER: Seconds = Seconds(15 * 60);

/// What a person is told who cannot be told more.
const NOT_NOW: &str = "Countersign could not record this. Nothing was decided; please try again.";

/// `POST /slack/events`.
pub fn event<T, K, W, C>(app: &App<T, K, W, C>, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let slack = app.slack.as_ref().ok_or_else(Problem::not_found)?;
    match events::parse(verified(slack, request)?) {
        Ok(Some(Event::Challenge(text))) => Ok(HttpResponse::text(200, "text/plain", text)),
        Ok(None) => Ok(HttpResponse::empty(200)),
        Err(error) => Err(Problem::invalid(error.to_string())),
    }
}

/// `POST /slack/interactions`.
pub async fn interaction<T: Table, K: Tokens, W: Workflow, C: Chat>(
    app: &App<T, K, W, C>,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let slack = app.slack.as_ref().ok_or_else(Problem::not_found)?;
    let parsed = interactions::parse(verified(slack, request)?);
    match parsed.map_err(|error| Problem::invalid(error.to_string()))? {
        Some(Interaction::Click(press)) => click(app, slack, press, now()).await,
        Some(Interaction::Submission(form)) => submission(app, slack, form, now()).await,
        None => Ok(HttpResponse::empty(200)),
    }
}

fn verified<'a, C>(slack: &Slack<C>, request: &'a HttpRequest) -> Result<Verified<'a>, Problem> {
    let (timestamp, signature) =
        (request.header("x-slack-request-timestamp"), request.header("x-slack-signature"));
    verify(&slack.signing, timestamp, signature, &request.body, now())
        .map_err(|error| Problem::new(Code::Unauthenticated, error.to_string()))
}

async fn click<T: Table, K: Tokens, W: Workflow, C: Chat>(
    app: &App<T, K, W, C>,
    slack: &Slack<C>,
    press: Click,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let Some((known, whole)) =
        who_and_what(app, slack, press.decision, &press.by, &press.about, &press.place, now).await?
    else {
        return Ok(HttpResponse::empty(200));
    };
    let once = Some((press.once.clone(), now + REMEMBER));
    let said = Said { once, ..said(press.decision, &press.about) };
    let Some(shown) = card(&whole, Some(&known.policy)) else { return Err(Problem::not_found()) };
    match next(&shown, press.decision, &press.place) {
        Next::Decide => {}
        Next::Open(view) => {
            // Nobody is asked for words that will not be taken.
            let words = Words::new("-").map_err(of_randomness)?;
            let would = Said { text: Some(&words), ..said };
            let Some(refusal) = would_refuse(&known, &whole, &would, now) else {
                slack.chat.open_view(&press.trigger_id, &view).await.map_err(|error| {
                    tracing::warn!(error = error.word(), "a view could not be opened");
                    Problem::unavailable("Slack did not open the view; press again")
                })?;
                return Ok(HttpResponse::empty(200));
            };
            let tried = Tried {
                known: Some(&known),
                decision: Some(press.decision),
                digest: Some(&press.about.digest),
            };
            refused(app, tried, whole.stored, &refusal, now).await;
            return Ok(tell(slack, &press.place, &press.by, &press.about.request, &words_of(&refusal)).await);
        }
        Next::TooLong => {
            let words =
                "This request is too long to be approved in chat. Approve it by API, or reject it here.";
            return Ok(tell(slack, &press.place, &press.by, &press.about.request, words).await);
        }
    }
    match record(app, &known, whole, said, now).await {
        Ok(_) => Ok(HttpResponse::empty(200)),
        Err(error) if is_repeat(&error) => Ok(HttpResponse::empty(200)),
        Err(CommitError::Refused { refusal, .. }) => {
            Ok(tell(slack, &press.place, &press.by, &press.about.request, &words_of(&refusal)).await)
        }
        Err(error) => {
            tracing::error!(error = %error, "a decision was not recorded");
            Ok(tell(slack, &press.place, &press.by, &press.about.request, NOT_NOW).await)
        }
    }
}

async fn submission<T: Table, K: Tokens, W: Workflow, C: Chat>(
    app: &App<T, K, W, C>,
    slack: &Slack<C>,
    form: Submission,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let Some((known, whole)) =
        who_and_what(app, slack, form.decision, &form.by, &form.about, &form.place, now).await?
    else {
        return Ok(HttpResponse::json(200, &close()));
    };
    let text = Words::some(form.text.as_deref()).map_err(of_randomness)?;
    let once = Some((form.once.clone(), now + REMEMBER));
    let said = Said { text: text.as_ref(), once, ..said(form.decision, &form.about) };
    let answer = match record(app, &known, whole, said, now).await {
        Ok(_) => close(),
        Err(error) if is_repeat(&error) => close(),
        Err(CommitError::Refused { refusal, .. }) => refuse(&words_of(&refusal)),
        Err(error) => {
            tracing::error!(error = %error, "a decision was not recorded");
            refuse(NOT_NOW)
        }
    };
    Ok(HttpResponse::json::<Value>(200, &answer))
}

fn said(decision: Decision, about: &About) -> Said<'static> {
    Said { decision, digest: about.digest.clone(), text: None, shown: about.shown.clone(), once: None }
}

/// The person behind the account, and the request. `None` = not a person that may act; they were told.
async fn who_and_what<T: Table, K, W, C: Chat>(
    app: &App<T, K, W, C>,
    slack: &Slack<C>,
    decision: Decision,
    by: &By,
    about: &About,
    place: &Place,
    now: Time,
) -> Result<Option<(Known, Whole)>, Problem> {
    let policy = policy(app)?;
    let whole = app.table.whole(&about.request);
    let (whole, account) = tokio::join!(whole, slack.chat.users_info(&by.user.id));
    let whole = whole.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let account = account.map_err(|error| {
        tracing::warn!(request.id = %about.request, error = error.word(), "Slack did not say who pressed");
        Problem::unavailable("Slack did not say who pressed; press again")
    })?;
    let identity = identify(&account, &slack.workspace, by);
    let person = identity.as_ref().ok().and_then(|identity| {
        let alias: Alias = identity.alias.parse().ok()?;
        policy.person_by_alias(&alias).cloned()
    });
    let (Some(person), Ok(identity)) = (person, &identity) else {
        let words = match &identity {
            Err(error) => format!("You cannot decide here: {error}. Nothing was decided."),
            Ok(_) => {
                "You cannot decide here: people.toml does not know your Slack account. Nothing was decided."
                    .into()
            }
        };
        let tried = Tried { known: None, decision: Some(decision), digest: Some(&about.digest) };
        refused(app, tried, whole.stored, &Refusal::NotEligible, now).await;
        tell(slack, place, by, &about.request, &words).await;
        return Ok(None);
    };
    let evidence = Evidence::Slack { workspace: identity.workspace.clone() };
    Ok(Some((Known { person, evidence, policy }, whole)))
}

fn words_of(refusal: &Refusal) -> String {
    format!("Your decision was not taken: {refusal}. {}", refusal.code().guidance())
}

/// Tells one person something about a request that nobody else sees. That Slack does not take it changes nothing.
async fn tell<C: Chat>(
    slack: &Slack<C>,
    place: &Place,
    by: &By,
    request: &RequestId,
    words: &str,
) -> HttpResponse {
    let words = format!("{words}\nRequest: {request}");
    if let Err(error) = slack.chat.ephemeral(&place.channel, &by.user.id, &words).await {
        tracing::warn!(error = error.word(), "a person could not be told");
    }
    HttpResponse::empty(200)
}
