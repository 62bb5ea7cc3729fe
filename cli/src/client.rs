//! One HTTP call: sign or bear, send, read, and repeat where a repetition cannot do the thing twice.
//!
//! It knows neither commands nor what an answer means.

use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::de::DeserializeOwned;
use url::Url;

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::problem::{Problem, Said};
use crate::progress::Progress;
use crate::random;
use crate::sign::{Signer, Unsigned, causes};
use crate::token::Token;

/// The largest answer that is read, in bytes; API Gateway hands on at most 10 MB.
const LARGEST: usize = 16 * 1024 * 1024;

/// Who the calls come from.
#[derive(Debug)]
pub enum Auth {
    /// Signed with AWS credentials.
    SigV4(Signer),
    /// With a bearer token.
    Bearer(Token),
}

/// A call to one resource.
#[derive(Debug, Clone)]
pub struct Call {
    method: &'static str,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    repeatable: bool,
    patience: Duration,
}

impl Call {
    /// Reads `url`; may be repeated.
    pub fn get(url: Url) -> Self {
        let patience = Duration::from_secs(35);
        Self { method: "GET", url, headers: Vec::new(), body: None, repeatable: true, patience }
    }

    /// Posts the JSON text `body`; not repeated unless [`Call::repeatable`].
    pub fn post(url: Url, body: String) -> Self {
        Self { method: "POST", body: Some(body), repeatable: false, ..Self::get(url) }
    }

    /// Says that sending the call twice does what sending it once does.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Adds a header. It is signed.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// The JSON body, on one line, otherwise as it came.
    pub json: String,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// The body as `T`.
    ///
    /// # Errors
    /// [`Failure::NotUnderstood`] when it has another form.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.json).map_err(|e| Failure::NotUnderstood(e.to_string()))
    }
}

/// One API, called as one principal.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    auth: Auth,
    pace: Pace,
    progress: Progress,
}

impl Client {
    /// A client of the API at `endpoint`. Redirects are not followed: a credential goes where it was meant to go.
    ///
    /// # Errors
    /// [`Failure::Local`] when TLS cannot be set up.
    pub fn new(endpoint: Endpoint, auth: Auth, pace: Pace, progress: Progress) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10));
        // A proxy is another machine: what goes to this one in clear must not take the way round.
        let http = if endpoint.is_local() { http.no_proxy() } else { http };
        let http =
            http.build().map_err(|e| Failure::Local(format!("HTTP cannot be set up: {}", causes(&e))))?;
        Ok(Self { http, endpoint, auth, pace, progress })
    }

    /// The URL of a resource of this API.
    pub fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        self.endpoint.resource(segments, query)
    }

    /// The pace of repetitions.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Where progress is told.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Sends the call and reads its answer; repeats a repeatable call while the failure may pass.
    ///
    /// # Errors
    /// The last failure: [`Failure::Problem`] for a status of 300 and above, [`Failure::Unreachable`] when no whole
    /// answer came, [`Failure::Credentials`], [`Failure::NotUnderstood`].
    pub async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let mut tried = 0;
        let mut doubt = false;
        loop {
            tried += 1;
            let failure = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !call.repeatable {
                return Err(failure);
            }
            let last = |failure: Failure| Err(if doubt { failure.after_doubt() } else { failure });
            if !failure.passes() {
                return last(failure);
            }
            let asked = match &failure {
                Failure::Problem(problem) => problem.retry_after,
                _ => None,
            };
            let Some(delay) = self.pace.delay(tried, asked, random::fraction()) else {
                return last(failure);
            };
            doubt |= failure.leaves_doubt();
            self.progress.tell(&format!("{failure}; trying again in {:.1} s", delay.as_secs_f64()));
            tokio::time::sleep(delay).await;
        }
    }

    async fn once(&self, call: &Call) -> Result<Answer, Failure> {
        let request = self.prepare(call).await?;
        let response = self.http.execute(request).await.map_err(|e| self.unreachable(&e))?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.trim().parse().ok());
        let body = self.body(response).await?;
        if (200..300).contains(&status) {
            let json = one_line(&body).ok_or_else(|| not_json(status, &body))?;
            return Ok(Answer { status, json, retry_after });
        }
        let json = one_line(&body).unwrap_or_default();
        let said: Said = serde_json::from_str(&json).unwrap_or_default();
        Err(Failure::Problem(Box::new(Problem { status, said, json, retry_after })))
    }

    async fn prepare(&self, call: &Call) -> Result<reqwest::Request, Failure> {
        let mut headers: Vec<(&str, &str)> = call.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.push(("accept", "application/json, application/problem+json"));
        if call.body.is_some() {
            headers.push((CONTENT_TYPE.as_str(), "application/json"));
        }
        let body = call.body.clone().unwrap_or_default();
        let method = if call.method == "POST" { reqwest::Method::POST } else { reqwest::Method::GET };
        let mut request = self.http.request(method, call.url.clone()).timeout(call.patience);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        match &self.auth {
            Auth::Bearer(token) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
                    .map_err(|_| Failure::Usage("the token cannot stand in a header".into()))?;
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
            Auth::SigV4(signer) => {
                let unsigned = Unsigned {
                    method: call.method,
                    url: &call.url,
                    headers: &headers,
                    body: body.as_bytes(),
                };
                for (name, value) in signer.headers(unsigned, SystemTime::now()).await? {
                    request = request.header(name, value);
                }
            }
        }
        if call.body.is_some() {
            request = request.body(body);
        }
        request.build().map_err(|e| Failure::Local(format!("the call cannot be made: {}", causes(&e))))
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            if body.len() + part.len() > LARGEST {
                return Err(Failure::NotUnderstood(format!("it is longer than {LARGEST} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let (why, sent) = if error.is_connect() {
            (format!("cannot be reached: {}", innermost(error)), false)
        } else if error.is_timeout() {
            ("did not answer in time".to_owned(), true)
        } else {
            (format!("broke off: {}", innermost(error)), true)
        };
        Failure::Unreachable { host: self.endpoint.host(), why, sent }
    }
}

/// The last cause, which is the one that a person can act on; the others repeat the URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn not_json(status: u16, body: &[u8]) -> Failure {
    let start: String = String::from_utf8_lossy(body).chars().take(80).collect();
    Failure::NotUnderstood(format!("status {status}, and the body is no JSON: {start:?}"))
}

/// JSON text on one line: in valid JSON a line break stands only between tokens. `None` for what is not JSON.
fn one_line(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    Some(text.trim().replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_exactly_but_for_line_breaks() {
        fn check(body: &[u8], expect: Option<&str>) {
            assert_eq!(one_line(body).as_deref(), expect);
        }
        check(b"{\"n\":1.10,\"n\":1e400}", Some("{\"n\":1.10,\"n\":1e400}"));
        check(b"{\n  \"a\": \"b\\n\"\r\n}\n", Some("{   \"a\": \"b\\n\"  }"));
        check(b"<html>", None);
        check(b"", None);
        check(b"\"\xff\"", None);
        check(b"{} {}", None);
    }
}
