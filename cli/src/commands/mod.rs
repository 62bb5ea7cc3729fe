//! The commands: each makes a call or a few, and says what came of it. None of them prints.

use jiff::Timestamp;
use serde::Serialize;

use crate::args::{AgentsApi, Command, Review, ReviewersApi};
use crate::client::{Answer, Auth, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::render::{Audience, Paint, card};
use crate::sign::Signer;
use crate::token::Token;
use crate::view::View;

mod audit;
mod consume;
mod decide;
mod events;
mod explain;
mod freeze;
mod list;
mod outcome;
mod request;
mod respond;
mod review;
mod revoke;
mod status;
mod wait;
mod withdraw;

pub use wait::until_settled;

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The service's JSON on one line.
    pub json: String,
    /// The same for a person.
    pub text: String,
    /// How the process ends.
    pub exit: Exit,
}

/// Runs one command; `paint` is for the report's text.
///
/// # Errors
/// Any [`Failure`].
pub async fn run(command: Command, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    match command {
        Command::Request(args) => request::run(args, paint, progress).await,
        Command::List(args) => list::run(args, paint, progress).await,
        Command::Status(args) => status::run(args, paint, progress).await,
        Command::Wait(args) => wait::run(args, paint, progress).await,
        Command::Respond(args) => respond::run(args, paint, progress).await,
        Command::Withdraw(args) => withdraw::run(args, paint, progress).await,
        Command::Consume(args) => consume::run(args, paint, progress).await,
        Command::Outcome(args) => outcome::run(args, paint, progress).await,
        Command::Explain(args) => explain::run(args, paint, progress).await,
        Command::Decide(args) => decide::run(args, paint, progress).await,
        Command::Revoke(args) => revoke::run(args, paint, progress).await,
        Command::Freeze(args) => freeze::run(args, "freeze", progress).await,
        Command::Unfreeze(args) => freeze::run(args, "unfreeze", progress).await,
        Command::Events(args) => events::run(args, paint, progress).await,
        Command::Review(Review::List(args)) => review::list(args, paint, progress).await,
        Command::Review(Review::Show(args)) => review::show(args, paint, progress).await,
        Command::Audit(command) => audit::run(command, paint, progress).await,
    }
}

/// A client of the agents' API: with the bearer token in COUNTERSIGN_TOKEN, else signed with AWS credentials.
async fn agent(api: AgentsApi, progress: Progress) -> Result<Client, Failure> {
    let auth = match std::env::var("COUNTERSIGN_TOKEN") {
        Ok(token) if !token.is_empty() => Auth::Bearer(Token::new(&token, "COUNTERSIGN_TOKEN")?),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Failure::Usage("COUNTERSIGN_TOKEN holds no token: it is not UTF-8".into()));
        }
        _ => Auth::SigV4(Signer::from_environment(&api.url).await?),
    };
    Client::new(api.url, auth, Pace::default(), progress)
}

/// A client of the reviewers' API, with the token on standard input.
fn reviewer(api: ReviewersApi, progress: Progress) -> Result<Client, Failure> {
    let token = Token::read(std::io::stdin().lock())?;
    Client::new(api.review_url, Auth::Bearer(token), Pace::default(), progress)
}

fn body(of: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(of).map_err(|e| Failure::Local(format!("the body cannot be written: {e}")))
}

/// What to do when it is not known whether the service carried out a change of `id`.
fn look_first(audience: Audience, id: &str) -> String {
    let look = match audience {
        Audience::Agent => "status",
        Audience::Reviewer => "review show",
    };
    format!("whether this was recorded is not known: look with countersign {look} {id} before repeating it")
}

/// A request as its agent's report.
fn request_report(answer: Answer, exit: impl FnOnce(&View) -> Exit, paint: Paint) -> Result<Report, Failure> {
    let view: View = answer.read()?;
    let exit = exit(&view);
    if exit == Exit::Error {
        return Err(Failure::NotUnderstood(format!("status {:?} is not known to this version", view.status)));
    }
    let text = card(&view, Audience::Agent, Timestamp::now(), paint);
    Ok(Report { json: answer.json, text, exit })
}

/// A change of a request by a reviewer, as their report.
fn reviewed_report(answer: Answer, paint: Paint) -> Result<Report, Failure> {
    let view: View = answer.read()?;
    let text = card(&view, Audience::Reviewer, Timestamp::now(), paint);
    Ok(Report { json: answer.json, text, exit: Exit::Ok })
}
