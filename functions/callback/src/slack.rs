//! Slack calls: the signature is checked on the raw bytes first; then the account, then the person, then the rules.
//!
//! Slack wants an answer within 3 s ([`Budget`]). Whoever may not decide, or could not, is told so where only they see it.

use std::sync::Arc;

use countersign_app::cards::card;
use countersign_app::clock::now;
use countersign_app::commit::CommitError;
use countersign_app::ports::{PortError, Table, Tokens, Workflow};
use countersign_app::problems::{of_port, of_randomness};
use countersign_app::slack::{Installation, LazySlack, NoSecret};
use countersign_app::store::{Whole, Words};
use countersign_chat::slack::about::{About, Place};
use countersign_chat::slack::event::Event;
use countersign_chat::slack::identity::{Workspace, identify};
use countersign_chat::slack::interaction::{By, Click, Interaction, Submission};
use countersign_chat::slack::modals::{Next, View, close, next, refuse};
use countersign_chat::slack::signature::{SignatureError, Verified, verify};
use countersign_chat::slack::{Chat, event as events, interaction as interactions};
use countersign_domain::event::{Decision, Evidence};
use countersign_domain::time::Seconds;
use countersign_domain::{Code, Digest, Refusal, RequestId, Time};
use countersign_http::Problem;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_policy::Alias;
use serde_json::Value;

use crate::app::App;
use crate::budget::Budget;
use crate::decide::{Said, Tried, commit, is_repeat, refused, wake, would_refuse};
use crate::person::{Known, policy};

/// A press is remembered longer than Slack's retries and the signature's window.
const REMEMBER: Seconds = Seconds(15 * 60);

/// What a person is told when it is known that nothing was written.
const NOTHING: &str = "Countersign could not do this now. Nothing was decided; please try again.";
/// What a person is told when a write may have been done.
const UNKNOWN: &str = "Countersign did not learn whether your decision was recorded. Look at the card: if it does not show \
    your decision in a minute, decide again.";

/// `POST /slack/events`.
pub async fn event<T, K, W, C>(
    app: &App<T, K, W, C>,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (_, body) = verified(&app.slack, request, Budget::start()).await?;
    match events::parse(body) {
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
    let budget = Budget::start();
    let (slack, body) = verified(&app.slack, request, budget).await?;
    let ours = &slack.workspace;
    match interactions::parse(body).map_err(|error| Problem::invalid(error.to_string()))? {
        Some(Interaction::Click(press)) => click(app, ours, press, budget, now()).await,
        Some(Interaction::Submission(form)) => submission(app, ours, form, budget, now()).await,
        None => Ok(HttpResponse::empty(200)),
    }
}

/// The body, and the installation whose secret signed it. Slack may sign with a new secret already.
async fn verified<'a, C>(
    slack: &LazySlack<C>,
    request: &'a HttpRequest,
    budget: Budget,
) -> Result<(Arc<Installation<C>>, Verified<'a>), Problem> {
    let secret = budget.read(slack.get()).await.unwrap_or(Err(NoSecret));
    let known = secret.map_err(|error| Problem::unavailable(error.to_string()))?;
    let known = known.ok_or_else(Problem::not_found)?;
    let (timestamp, signature) =
        (request.header("x-slack-request-timestamp"), request.header("x-slack-signature"));
    let check = |slack: &Installation<C>| verify(&slack.signing, timestamp, signature, &request.body, now());
    let refuse = |error: SignatureError| Problem::new(Code::Unauthenticated, error.to_string());
    match check(&known) {
        Ok(body) => Ok((known, body)),
        Err(error @ SignatureError::Mismatch) => {
            let another = budget.read(slack.renew(&known)).await.flatten().ok_or_else(|| refuse(error))?;
            let body = check(&another).map_err(refuse)?;
            Ok((another, body))
        }
        Err(error) => Err(refuse(error)),
    }
}

async fn click<T: Table, K: Tokens, W: Workflow, C: Chat>(
    app: &App<T, K, W, C>,
    ours: &Workspace,
    press: Click,
    budget: Budget,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let chat = &app.slack;
    let teller = Teller { chat, place: &press.place, by: &press.by, request: &press.about.request, budget };
    let said = said(press.decision, &press.about, press.once, now);
    let found = who_and_what(app, ours, &teller, &said, now).await;
    let (known, whole) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(HttpResponse::empty(200)),
        Err(problem) => return teller.failed(NOTHING, problem).await,
    };
    let Some(shown) = card(&whole, Some(&known.policy)) else { return Err(Problem::not_found()) };
    match next(&shown, press.decision, &press.about, &press.place) {
        Next::Decide => {}
        Next::Open(view) => {
            // Nobody is asked for words that will not be taken.
            let words = Words::new("-").map_err(of_randomness)?;
            let would = Said { text: Some(&words), ..said };
            if let Some(refusal) = would_refuse(&known, &whole, &would, now) {
                let tried = tried(Some(&known), &would);
                budget.write(refused(app, tried, whole.stored, &refusal, now)).await;
                return Ok(teller.answer(&words_of(&refusal)).await);
            }
            return open(&teller, &press.trigger_id, &view).await;
        }
        Next::TooLong => {
            let words =
                "This request is too long to be approved in chat. Approve it by API, or reject it here.";
            return Ok(teller.answer(words).await);
        }
    }
    match record(app, &known, whole, &said, budget, now).await {
        Outcome::Taken => Ok(HttpResponse::empty(200)),
        Outcome::Refused(words) => Ok(teller.answer(&words).await),
        Outcome::Failed(words) => teller.failed(words, Problem::unavailable(words)).await,
    }
}

async fn open<C: Chat>(teller: &Teller<'_, C>, trigger: &str, view: &View) -> Result<HttpResponse, Problem> {
    let error = match teller.budget.write(teller.chat.open_view(trigger, view)).await {
        Some(Ok(())) => return Ok(HttpResponse::empty(200)),
        Some(Err(error)) => error.word().to_owned(),
        None => "no answer in time".to_owned(),
    };
    tracing::warn!(request.id = %teller.request, error, "a view could not be opened");
    teller.failed(NOTHING, Problem::unavailable("Slack did not open the view; press again")).await
}

async fn submission<T: Table, K: Tokens, W: Workflow, C: Chat>(
    app: &App<T, K, W, C>,
    ours: &Workspace,
    form: Submission,
    budget: Budget,
    now: Time,
) -> Result<HttpResponse, Problem> {
    let chat = &app.slack;
    let teller = Teller { chat, place: &form.place, by: &form.by, request: &form.about.request, budget };
    let text = Words::some(form.text.as_deref()).map_err(of_randomness)?;
    let said = Said { text: text.as_ref(), ..said(form.decision, &form.about, form.once, now) };
    let found = who_and_what(app, ours, &teller, &said, now).await;
    let (known, whole) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(HttpResponse::json(200, &close())),
        Err(_) => return Ok(HttpResponse::json(200, &refuse(NOTHING))),
    };
    let answer = match record(app, &known, whole, &said, budget, now).await {
        Outcome::Taken => close(),
        Outcome::Refused(words) => refuse(&words),
        Outcome::Failed(words) => refuse(words),
    };
    Ok(HttpResponse::json::<Value>(200, &answer))
}

/// What came of a decision.
enum Outcome {
    /// It stands.
    Taken,
    /// It was not taken; why, for the person.
    Refused(String),
    /// It was not recorded, or nobody knows; which of the two, for the person.
    Failed(&'static str),
}

async fn record<T: Table, K: Tokens, W: Workflow, C>(
    app: &App<T, K, W, C>,
    known: &Known,
    whole: Whole,
    said: &Said<'_>,
    budget: Budget,
    now: Time,
) -> Outcome {
    let id = whole.stored.request.id.clone();
    match budget.write(commit(app, known, whole, said, now)).await {
        Some(Ok(stored)) => {
            budget.answer(wake(app, &stored)).await;
            Outcome::Taken
        }
        Some(Err(error)) if is_repeat(&error) => Outcome::Taken,
        Some(Err(CommitError::Refused { refusal, state })) => {
            if let Some(state) = state {
                budget.write(refused(app, tried(Some(known), said), *state, &refusal, now)).await;
            }
            Outcome::Refused(words_of(&refusal))
        }
        Some(Err(error)) => {
            tracing::error!(request.id = %id, error = %error, "a decision was not recorded, as far as is known");
            let unknown = matches!(error, CommitError::Port(PortError::Unavailable(_)));
            Outcome::Failed(if unknown { UNKNOWN } else { NOTHING })
        }
        None => {
            tracing::error!(request.id = %id, "whether a decision was recorded is not known: no answer in time");
            Outcome::Failed(UNKNOWN)
        }
    }
}

fn said(decision: Decision, about: &About, once: Digest, now: Time) -> Said<'static> {
    let (digest, shown) = (about.digest.clone(), about.shown.clone());
    let once = Some((once, now + REMEMBER));
    Said { decision, digest, answers: Some(about.answers), text: None, shown, once }
}

fn tried<'a>(known: Option<&'a Known>, said: &'a Said<'_>) -> Tried<'a> {
    Tried { known, decision: Some(said.decision), digest: Some(&said.digest), once: said.once.clone() }
}

/// The person behind the account, and the request. `None` = there is nothing to do: the press was delivered before, or
/// not by a person that may act, and they were told.
async fn who_and_what<T: Table, K, W, C: Chat>(
    app: &App<T, K, W, C>,
    ours: &Workspace,
    teller: &Teller<'_, C>,
    said: &Said<'_>,
    now: Time,
) -> Result<Option<(Known, Whole)>, Problem> {
    let policy = policy(app)?;
    let Teller { chat, by, budget, request, .. } = *teller;
    let seen = async {
        match &said.once {
            Some((once, _)) => app.table.seen(once).await,
            None => Ok(false),
        }
    };
    let all = async { tokio::join!(app.table.whole(request), chat.users_info(&by.user.id), seen) };
    let (whole, account, seen) = budget.read(all).await.ok_or_else(|| {
        tracing::warn!(request.id = %request, "the table or Slack did not answer in time");
        Problem::unavailable("the table or Slack did not answer in time; nothing was decided, press again")
    })?;
    if seen.map_err(of_port)? {
        return Ok(None);
    }
    let whole = whole.map_err(of_port)?.ok_or_else(Problem::not_found)?;
    let account = account.map_err(|error| {
        tracing::warn!(request.id = %request, error = error.word(), "Slack did not say who pressed");
        Problem::unavailable("Slack did not say who pressed; press again")
    })?;
    let identity = identify(&account, ours, by);
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
        budget.write(refused(app, tried(None, said), whole.stored, &Refusal::NotEligible, now)).await;
        teller.tell(&words).await;
        return Ok(None);
    };
    let evidence = Evidence::Slack { workspace: identity.workspace.clone() };
    Ok(Some((Known { person, evidence, policy }, whole)))
}

fn words_of(refusal: &Refusal) -> String {
    format!("Your decision was not taken: {refusal}. {}", refusal.code().guidance())
}

/// Tells whoever acted something about the request that nobody else sees.
struct Teller<'a, C> {
    chat: &'a LazySlack<C>,
    place: &'a Place,
    by: &'a By,
    request: &'a RequestId,
    budget: Budget,
}

impl<C: Chat> Teller<'_, C> {
    /// That Slack does not take it changes nothing.
    async fn tell(&self, words: &str) {
        let words = format!("{words}\nRequest: {}", self.request);
        let told = self.chat.ephemeral(&self.place.channel, &self.by.user.id, &words);
        let error = match self.budget.answer(told).await {
            Some(Ok(())) => return,
            Some(Err(error)) => error.word().to_owned(),
            None => "no answer in time".to_owned(),
        };
        tracing::warn!(request.id = %self.request, error, "a person could not be told");
    }

    /// The answer to a press of which the person is told something.
    async fn answer(&self, words: &str) -> HttpResponse {
        self.tell(words).await;
        HttpResponse::empty(200)
    }

    /// The answer to a press that failed on our side: the person is told, and Slack shows that it failed.
    async fn failed(&self, words: &str, problem: Problem) -> Result<HttpResponse, Problem> {
        self.tell(words).await;
        Err(problem)
    }
}

#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;
