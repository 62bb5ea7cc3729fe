//! `request`: asks for one exact action, and waits if told to.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Report, agent, body, request_report, until_settled};
use crate::args::{Ask, Request};
use crate::client::{Answer, Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{Attempt, Key};
use crate::progress::Progress;
use crate::random;
use crate::render::Paint;
use crate::view::View;

/// The body of create and explain. `arguments` is written exactly as it was read.
#[derive(Debug, Serialize)]
struct Body<'a> {
    action: &'a str,
    target: &'a str,
    arguments: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    delegation_chain: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    executor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    consume: bool,
}

/// The JSON text of an ask.
///
/// # Errors
/// [`Failure::Usage`] when the arguments cannot be read or are no JSON object.
pub(super) fn ask_body(ask: &Ask) -> Result<String, Failure> {
    body(&Body {
        action: &ask.action,
        target: &ask.target,
        arguments: ask.arguments.arguments()?,
        justification: ask.justification.as_deref(),
        on_behalf_of: ask.on_behalf_of.as_deref(),
        delegation_chain: &ask.delegation_chain,
        executor: ask.executor.as_ref().map(|agent| agent.as_str()),
        expires_in: ask.expires_in.map(|span| span.seconds()),
        consume: ask.consume,
    })
}

pub(super) async fn run(args: Request, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let body = ask_body(&args.ask)?;
    let key = IdempotencyKey::of(args.idempotency_key, args.ask.consume)?;
    let client = agent(args.api, progress).await?;
    if let Some(text) = key.to_tell() {
        progress.tell(&format!("idempotency key: {text}"));
    }
    let call = Call::post(client.url(&["v1", "requests"], &[]), body)
        .header("idempotency-key", key.reveal())
        .repeatable();
    let mut answer = client.send(&call).await.map_err(|f| f.if_in_doubt(|| key.advice()))?;
    if args.wait {
        answer = settled(&client, answer, args.timeout.map(Into::into)).await?;
    }
    let exit = |view: &View| match &view.consume {
        consume if args.ask.consume => {
            let holds = consume.as_ref().is_some_and(|consume| consume.nonce.is_some());
            Exit::of_status_asked_to_consume(&view.status, holds)
        }
        _ => Exit::of_status(&view.status),
    };
    request_report(answer, exit, paint)
}

async fn settled(
    client: &Client,
    created: Answer,
    timeout: Option<std::time::Duration>,
) -> Result<Answer, Failure> {
    let view: View = created.read()?;
    if view.status != "pending" {
        return Ok(created);
    }
    let id = view.id.parse().map_err(|e| Failure::NotUnderstood(format!("{e}, and not {:?}", view.id)))?;
    client.progress().tell(&format!("{id} is pending; waiting for a decision"));
    until_settled(client, &id, timeout).await
}

/// The key of the ask, and whether it may be told. With `--consume` it is the attempt: who knows it can fetch the
/// right to run again, so it never leaves the process.
enum IdempotencyKey {
    Given(String),
    Random(String),
    Secret(String),
}

impl IdempotencyKey {
    fn of(given: Option<Key>, consume: bool) -> Result<Self, Failure> {
        match given {
            Some(key) if consume && key.as_str().parse::<Attempt>().is_err() => Err(Failure::Usage(
                "--idempotency-key with --consume must be 32 lower-case hex digits, made at random for one execution"
                    .into(),
            )),
            Some(key) => Ok(Self::Given(key.as_str().to_owned())),
            None if consume => Ok(Self::Secret(random::hex128()?)),
            None => Ok(Self::Random(random::hex128()?)),
        }
    }

    fn reveal(&self) -> &str {
        match self {
            Self::Given(key) | Self::Random(key) | Self::Secret(key) => key,
        }
    }

    fn to_tell(&self) -> Option<&str> {
        match self {
            Self::Random(key) => Some(key),
            Self::Given(_) | Self::Secret(_) => None,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Given(_) => "whether the request was made is not known: send it again with the same \
                               --idempotency-key to get the same request, not a second one"
                .into(),
            Self::Random(key) => format!(
                "whether the request was made is not known: send it again with --idempotency-key {key} to get the \
                 same request, not a second one"
            ),
            Self::Secret(_) => {
                "whether it was allowed and consumed is not known, and its key ends with this \
                                process: do not run the action; look with countersign list"
                    .into()
            }
        }
    }
}
