//! The issuer's signing keys: found by OpenID discovery, kept for a while, and never longer than is safe.
//!
//! A key that the issuer withdraws is good for an hour at most, or for two when the issuer cannot be reached: tokens
//! live about an hour, so older keys would serve nobody honest. After that nothing is verified until the issuer is
//! back. A token with an unknown key makes us ask at most every 30 s.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Time;
use jsonwebtoken::DecodingKey;
use reqwest::{Client, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Host;

use super::TokenError;

/// How long keys are used without asking again, in milliseconds.
pub(super) const FRESH: u64 = 60 * 60 * 1000;
/// How long keys are used when the issuer does not answer.
pub(super) const USABLE: u64 = 2 * FRESH;
/// The least time between two askings while there are usable keys.
pub(super) const PAUSE: u64 = 30 * 1000;
/// The least time between two askings while there are none.
pub(super) const PAUSE_WITHOUT_KEYS: u64 = 1000;

/// The longest that one document may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;
/// RSA keys below 2,048 bits sign nothing here.
const MIN_MODULUS: usize = 256;

/// Why no verifier can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuer {
    /// The issuer is no URL that keys may be fetched from.
    #[error(
        "the issuer {0:?} is not an https URL without user, query and fragment (http is for loopback only)"
    )]
    Url(String),
    /// There is no audience.
    #[error("the audience is empty")]
    NoAudience,
    /// The system's root certificates or TLS could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
}

/// Why the issuer's keys could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No answer, or none in time.
    #[error("the issuer does not answer")]
    NoAnswer,
    /// Another status than 200; redirects are not followed.
    #[error("the issuer answers with status {0}")]
    Status(u16),
    /// The document is too large.
    #[error("the issuer's document has more than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// The document is not of its form.
    #[error("the issuer's document cannot be read")]
    Malformed,
    /// The discovery document names another issuer.
    #[error("the discovery document is of another issuer")]
    AnotherIssuer,
    /// The key set is not on https (or, for a loopback issuer, on loopback).
    #[error("the issuer's jwks_uri is not https")]
    InsecureKeys,
    /// The last try failed a moment ago.
    #[error("the issuer did not answer a moment ago")]
    TriedJustNow,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    issuer: String,
    discovery: Url,
    client: Client,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    by_id: BTreeMap<String, DecodingKey>,
    fetched: Option<Time>,
    tried: Option<Time>,
    failed: Option<FetchError>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct RsaKey {
    kty: String,
    kid: String,
    n: String,
    e: String,
    r#use: Option<String>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
}

impl Keys {
    pub(super) fn of(issuer: &str) -> Result<Self, InvalidIssuer> {
        let invalid = || InvalidIssuer::Url(issuer.chars().take(200).collect());
        if issuer.contains(['?', '#']) {
            return Err(invalid());
        }
        let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = Url::parse(&discovery).ok().filter(is_safe).ok_or_else(invalid)?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // Asked once an hour: a kept connection would be dead, most of all after a freeze of the process.
            .pool_max_idle_per_host(0)
            .user_agent("countersign")
            .build()
            .map_err(|error| InvalidIssuer::Client(error.to_string()))?;
        Ok(Self { issuer: issuer.to_owned(), discovery, client, cache: Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key of this id. Callers wait for each other, so that one asking serves all.
    pub(super) async fn find(&self, id: &str, now: Time) -> Result<DecodingKey, TokenError> {
        let mut cache = self.cache.lock().await;
        if let Some(key) = cache.by_id.get(id).filter(|_| cache.is_younger_than(FRESH, now)) {
            return Ok(key.clone());
        }
        if cache.may_ask(now) {
            let answer = self.fetch().await;
            if let Err(error) = &answer {
                tracing::warn!(issuer = self.issuer, %error, "the issuer's keys could not be fetched");
            }
            cache.keep(answer, now);
        }
        cache.usable(id, now)
    }

    async fn fetch(&self) -> Result<BTreeMap<String, DecodingKey>, FetchError> {
        let discovery: Discovery = self.document(self.discovery.clone()).await?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::AnotherIssuer);
        }
        let url = Url::parse(&discovery.jwks_uri).map_err(|_| FetchError::Malformed)?;
        if !may_lead_to(&self.discovery, &url) {
            return Err(FetchError::InsecureKeys);
        }
        let set: KeySet = self.document(url).await?;
        Ok(signing_keys(set))
    }

    async fn document<T: DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let mut answer = self.client.get(url).send().await.map_err(|_| FetchError::NoAnswer)?;
        if answer.status().as_u16() != 200 {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| FetchError::NoAnswer)? {
            if body.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| FetchError::Malformed)
    }
}

impl Cache {
    fn is_younger_than(&self, age: u64, now: Time) -> bool {
        self.fetched.is_some_and(|at| now.millis_since(at) < age)
    }

    fn may_ask(&self, now: Time) -> bool {
        let pause = if self.is_younger_than(USABLE, now) { PAUSE } else { PAUSE_WITHOUT_KEYS };
        self.tried.is_none_or(|at| now.millis_since(at) >= pause)
    }

    fn keep(&mut self, answer: Result<BTreeMap<String, DecodingKey>, FetchError>, now: Time) {
        self.tried = Some(now);
        self.failed = answer.as_ref().err().copied();
        if let Ok(by_id) = answer {
            self.by_id = by_id;
            self.fetched = Some(now);
        }
    }

    fn usable(&self, id: &str, now: Time) -> Result<DecodingKey, TokenError> {
        let found = self.by_id.get(id).filter(|_| self.is_younger_than(USABLE, now));
        match (found, self.failed) {
            (Some(key), _) => Ok(key.clone()),
            // The key may be a new one: that is not for the caller to mend.
            (None, Some(_)) if self.tried != Some(now) => {
                Err(TokenError::Unavailable(FetchError::TriedJustNow))
            }
            (None, Some(error)) => Err(TokenError::Unavailable(error)),
            (None, None) => Err(TokenError::UnknownKey),
        }
    }
}

/// https anywhere, http on loopback; nothing that hides another place or a secret in the URL.
fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// Whether a discovery document may name this place. One on the internet cannot make us talk to this machine.
fn may_lead_to(discovery: &Url, keys: &Url) -> bool {
    is_safe(keys) && (keys.scheme() == "https" || discovery.scheme() == "http")
}

/// The keys that may verify RS256. An id that two of them share names neither.
fn signing_keys(set: KeySet) -> BTreeMap<String, DecodingKey> {
    let mut by_id: BTreeMap<String, Option<DecodingKey>> = BTreeMap::new();
    for (id, key) in set.keys.into_iter().filter_map(signing_key) {
        by_id.entry(id).and_modify(|known| *known = None).or_insert(Some(key));
    }
    by_id.into_iter().filter_map(|(id, key)| Some((id, key?))).collect()
}

fn signing_key(key: Value) -> Option<(String, DecodingKey)> {
    let key: RsaKey = serde_json::from_value(key).ok()?;
    let signs = key.kty == "RSA"
        && key.r#use.is_none_or(|used| used == "sig")
        && key.alg.is_none_or(|alg| alg == "RS256")
        && key.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let modulus = URL_SAFE_NO_PAD.decode(&key.n).ok()?;
    let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
    let usable = signs && bytes >= MIN_MODULUS;
    let decoded = DecodingKey::from_rsa_components(&key.n, &key.e).ok()?;
    usable.then_some((key.kid, decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_discovery_document_may_lead() {
        fn check(discovery: &str, keys: &str, ok: bool) {
            let found = may_lead_to(&Url::parse(discovery).unwrap(), &Url::parse(keys).unwrap());
            assert_eq!(found, ok, "{discovery} {keys}");
        }
        check("https://idp.example/x", "https://keys.example/", true);
        check("https://idp.example/x", "http://127.0.0.1/keys", false);
        check("https://idp.example/x", "http://keys.example/", false);
        check("https://idp.example/x", "https://u@keys.example/", false);
        check("http://127.0.0.1/x", "http://127.0.0.1:81/keys", true);
        check("http://127.0.0.1/x", "https://keys.example/", true);
        check("http://127.0.0.1/x", "http://keys.example/", false);
    }
}
