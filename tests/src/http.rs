//! Calls and answers, signed or plain. Each answer of the product is held against its OpenAPI document.

use std::sync::OnceLock;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use countersign_cli::sign::{Unsigned, signature};
use countersign_http::openapi::conformance::{Document, Seen};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use crate::stack;

/// An answer: status, headers and body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null where it is none.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.body
    }

    /// Checks that it is a problem of this status and code, whole and well-formed.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{text}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{text}");
        assert!(self.body["detail"].is_string() && self.body["agent_guidance"].is_string(), "{text}");
        assert_eq!(self.body["status"], status, "{text}");
        self.body
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Vec<u8>,
}

impl Call {
    /// A call without a body.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A call with a JSON body.
    pub fn post(url: impl Into<String>, body: &Value) -> Self {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Self { method: Method::POST, url: url.into(), headers: Vec::new(), body }
            .with("content-type", "application/json")
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, signed for `service`.
    #[must_use]
    pub fn signed(mut self, credentials: &Credentials, service: &str) -> Self {
        let url: Url = self.url.parse().expect("a URL");
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let unsigned =
            Unsigned { method: self.method.as_str(), url: &url, headers: &headers, body: &self.body };
        let signed =
            signature(credentials, &stack().region, service, unsigned, SystemTime::now()).expect("signed");
        self.headers.extend(signed.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Sends it. A call that does not arrive fails the test.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: no answer; is the stack up? {error:?}"))
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let (network, client) = network();
        let Self { method, url, headers, body } = self;
        let mut request = client.request(method.clone(), &url).body(body);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let answer = network.spawn(async move {
            let answer = request.send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let bytes = answer.bytes().await?.to_vec();
            Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null), bytes })
        });
        let answer = answer.await.expect("the call is not cancelled");
        if let Ok(answer) = &answer {
            conforms(&method, &url, answer);
        }
        answer
    }
}

/// Fails when one of the two APIs answered otherwise than its document says. What the gateway itself answers is not
/// ours; our functions' answers carry a header that its do not.
fn conforms(method: &Method, url: &str, answer: &Answer) {
    static DOCUMENTS: OnceLock<[(Document, &str); 2]> = OnceLock::new();
    let documents = DOCUMENTS.get_or_init(|| {
        [
            (Document::agents(), stack().agents_api.as_str()),
            (Document::reviewers(), stack().review_api.as_str()),
        ]
    });
    let known = documents.iter().find_map(|(document, api)| Some((document, url.strip_prefix(api)?)));
    let Some((document, path)) = known.filter(|_| !answer.header("x-content-type-options").is_empty()) else {
        return;
    };
    let seen = Seen {
        method: method.as_str(),
        path: path.split('?').next().unwrap_or_default(),
        status: answer.status,
        content_type: answer.header("content-type"),
        body: std::str::from_utf8(&answer.bytes).expect("answers are text"),
    };
    let faults = document.answer(&seen);
    assert!(faults.is_empty(), "not as the document says: {faults:#?}\n{seen:#?}");
}

/// One client for all tests, on a runtime of its own: each test has its own, which ends with it.
fn network() -> (&'static Handle, &'static Client) {
    static NETWORK: OnceLock<(Handle, Client)> = OnceLock::new();
    let (handle, client) = NETWORK.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        // A connection for each call: one that the engine has just closed is no failure of a test.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        (handle, client)
    });
    (handle, client)
}
