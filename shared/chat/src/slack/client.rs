//! Slack's Web API over HTTP. Thin: it sends, bounds what it reads, and sorts the answers.
//!
//! It knows nothing of cards beyond [`Message`] and never logs. The token is in no error and no `Debug`.

use std::fmt;
use std::time::Duration;

use countersign_domain::time::Seconds;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use crate::slack::about::{Place, is_slack_id, is_ts};
use crate::slack::blocks::Message;
use crate::slack::chat::{Chat, ChatError};
use crate::slack::modals::View;

/// The time for one call, unless something else is wanted: half of what Slack gives a click.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// How long a connection is kept that nobody uses. A function that was frozen meanwhile would find it dead.
const IDLE: Duration = Duration::from_secs(15);
/// How long to wait when Slack does not say.
const WAIT: Seconds = Seconds(30);

/// The bot's token.
#[derive(Clone)]
pub struct BotToken(String);

/// Why a client cannot be made. Does not repeat a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Not `xoxb-…`.
    #[error("Slack's bot token must start with xoxb- and be printable ASCII without spaces")]
    Token,
    /// Not a base URL that a token may be sent to.
    #[error(
        "the base URL of Slack's API must be https:// (or http:// on the loopback interface) without a query"
    )]
    Base,
    /// The HTTP client cannot start.
    #[error("the HTTP client cannot start: {0}")]
    Http(String),
}

/// A client for one workspace.
#[derive(Debug, Clone)]
pub struct SlackClient {
    http: reqwest::Client,
    base: Url,
    token: BotToken,
    timeout: Duration,
}

impl BotToken {
    /// The token as the app's page shows it.
    ///
    /// # Errors
    /// [`ClientError::Token`].
    pub fn new(token: &str) -> Result<Self, ClientError> {
        let rest = token.strip_prefix("xoxb-").unwrap_or_default();
        match !rest.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Self(token.to_owned())),
            false => Err(ClientError::Token),
        }
    }
}

impl fmt::Debug for BotToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BotToken(hidden)")
    }
}

impl SlackClient {
    /// A client for the API at `base` (e.g. `https://slack.com/api`) that gives each call `timeout`.
    ///
    /// # Errors
    /// [`ClientError`] when the base is not one to send a token to, or TLS cannot be set up.
    pub fn new(base: &str, token: BotToken, timeout: Duration) -> Result<Self, ClientError> {
        let mut base = Url::parse(base).map_err(|_| ClientError::Base)?;
        let loopback = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let safe = base.scheme() == "https" || base.scheme() == "http" && loopback;
        if !safe || base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
            return Err(ClientError::Base);
        }
        base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| ClientError::Http(e.to_string()))?;
        Ok(Self { http, base, token, timeout })
    }

    fn request(&self, method: &str) -> Result<RequestBuilder, ChatError> {
        let url = self.base.join(method).map_err(|_| ChatError::Malformed("the URL of a call"))?;
        Ok(self.http.post(url).bearer_auth(&self.token.0).timeout(self.timeout))
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Value, ChatError> {
        let request = self.request(method)?.header(CONTENT_TYPE, "application/json; charset=utf-8");
        answer(request.body(body.to_string())).await
    }
}

impl Chat for SlackClient {
    async fn post(&self, channel: &str, message: &Message) -> Result<Place, ChatError> {
        let body = json!({
            "channel": channel,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": message.metadata,
            "unfurl_links": false,
            "unfurl_media": false,
            "parse": "none",
        });
        let answer = self.call("chat.postMessage", &body).await?;
        let field = |name: &str, valid: fn(&str) -> bool| {
            answer[name].as_str().filter(|text| valid(text)).map(str::to_owned)
        };
        let channel =
            field("channel", is_slack_id).ok_or(ChatError::Malformed("no `channel` of the message"))?;
        let ts = field("ts", is_ts).ok_or(ChatError::Malformed("no `ts` of the message"))?;
        Ok(Place { channel, ts })
    }

    async fn update(&self, place: &Place, message: &Message) -> Result<(), ChatError> {
        let body = json!({
            "channel": place.channel,
            "ts": place.ts,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": message.metadata,
            "parse": "none",
        });
        self.call("chat.update", &body).await.map(drop)
    }

    async fn ephemeral(&self, channel: &str, user: &str, words: &str) -> Result<(), ChatError> {
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = json!({ "channel": channel, "user": user, "text": words, "parse": "none" });
        self.call("chat.postEphemeral", &body).await.map(drop)
    }

    async fn open_view(&self, trigger_id: &str, view: &View) -> Result<(), ChatError> {
        self.call("views.open", &json!({ "trigger_id": trigger_id, "view": view })).await.map(drop)
    }

    async fn users_info(&self, user: &str) -> Result<Value, ChatError> {
        answer(self.request("users.info")?.form(&[("user", user)])).await
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, ChatError> {
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(ChatError::RateLimited { retry_after: retry_after(&response) });
    }
    if status.is_server_error() {
        return Err(ChatError::Unreachable(format!("it answers {}", status.as_u16())));
    }
    if status != StatusCode::OK {
        return Err(ChatError::Malformed("its status is neither 200, 429 nor 5xx"));
    }
    let wait = retry_after(&response);
    let answer: Value =
        serde_json::from_slice(&read(response).await?).map_err(|_| ChatError::Malformed("it is not JSON"))?;
    match (answer["ok"].as_bool(), answer["error"].as_str().map(word)) {
        (Some(true), _) => Ok(answer),
        (Some(false), Some(code)) if matches!(code.as_str(), "ratelimited" | "rate_limited") => {
            Err(ChatError::RateLimited { retry_after: wait })
        }
        (Some(false), Some(code)) => {
            Err(ChatError::Refused { code, needed: answer["needed"].as_str().map(word) })
        }
        _ => Err(ChatError::Malformed("it lacks `ok` or `error`")),
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, ChatError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(ChatError::Malformed("it is longer than 1 MiB"));
        }
    }
    Ok(body)
}

fn retry_after(response: &Response) -> Seconds {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|text| text.parse().ok()).map_or(WAIT, Seconds)
}

fn unreachable(error: reqwest::Error) -> ChatError {
    let what = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer in time",
        (_, true) => "no connection",
        _ => "the connection broke",
    };
    ChatError::Unreachable(what.to_owned())
}

/// Slack's words are short and plain; whatever else came is not passed on.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-:.,".contains(*c)).take(80).collect()
}
