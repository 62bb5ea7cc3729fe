//! The parts of a token: read without trust, then verified by a key, then checked for us and for now.
//!
//! Each step is a type of its own, so that claims cannot be used before the signature was checked.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Time;
use countersign_domain::time::Seconds;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{TokenError, VerifiedToken};

/// How far the issuer's clock may be ahead of ours. An expired token gets no grace.
const SKEW: Seconds = Seconds(60);

/// How many words of `amr` are kept, and how long one may be. Those of RFC 8176 have up to four letters.
const MOST_METHODS: usize = 8;
const LONGEST_METHOD: usize = 16;

/// A token that anybody could have written.
pub(super) struct Unverified<'a> {
    message: &'a str,
    signature: &'a str,
    key_id: String,
    claims: Claims,
}

/// The claims of a token that the issuer signed; perhaps not for us, perhaps long ago.
pub(super) struct Signed(Claims);

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Option<String>,
    aud: Option<Words>,
    client_id: Option<String>,
    exp: Option<Instant>,
    nbf: Option<Instant>,
    iat: Option<Instant>,
    auth_time: Option<Instant>,
    scope: Option<Words>,
    scp: Option<Words>,
    token_use: Option<String>,
    act: Option<Value>,
    cnf: Option<Value>,
    amr: Option<Words>,
    acr: Option<String>,
}

/// One text, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

/// A NumericDate (RFC 7519): seconds since the epoch, perhaps with a fraction.
struct Instant(Time);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // Beyond the year 9999 it is no date but an attempt to overflow somebody.
        if !(0.0..253_402_300_800.0).contains(&seconds) {
            return Err(serde::de::Error::custom("no date"));
        }
        Ok(Self(Time::from_millis((seconds * 1000.0) as i64)))
    }
}

impl Words {
    fn as_slice(&self) -> &[String] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words,
        }
    }
}

impl<'a> Unverified<'a> {
    /// The parts of a compact JWS that says it is an RS256 access token.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let three = || TokenError::Malformed("it is not of three parts");
        let (message, signature) = token.rsplit_once('.').ok_or_else(three)?;
        let (header, claims) =
            message.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or_else(three)?;
        let header: Header = part(header).ok_or(TokenError::Malformed("its header cannot be read"))?;
        if header.alg != "RS256" {
            return Err(TokenError::Algorithm);
        }
        if !is_access_token(header.typ.as_deref()) || header.crit.is_some() {
            return Err(TokenError::NotAnAccessToken);
        }
        Ok(Self {
            message,
            signature,
            key_id: header.kid.ok_or(TokenError::Malformed("it names no key (kid)"))?,
            claims: part(claims).ok_or(TokenError::Malformed("its claims cannot be read"))?,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(super) fn verify(self, key: &DecodingKey) -> Result<Signed, TokenError> {
        match crypto::verify(self.signature, self.message.as_bytes(), key, Algorithm::RS256) {
            Ok(true) => Ok(Signed(self.claims)),
            _ => Err(TokenError::Signature),
        }
    }
}

impl Signed {
    /// What the token proves to `audience` at `now`.
    pub(super) fn check(self, audience: &str, now: Time) -> Result<VerifiedToken, TokenError> {
        let claims = self.0;
        let exp = claims.exp.ok_or(TokenError::Malformed("it has no end (exp)"))?;
        if exp.0 <= now {
            return Err(TokenError::Expired);
        }
        let begun = [&claims.nbf, &claims.iat, &claims.auth_time];
        if begun.into_iter().flatten().any(|instant| instant.0 > now + SKEW) {
            return Err(TokenError::NotYet);
        }
        let is_ours = match &claims.aud {
            Some(aud) => aud.as_slice().iter().any(|a| a == audience),
            None => claims.client_id.as_deref() == Some(audience),
        };
        if !is_ours {
            return Err(TokenError::Audience);
        }
        // Amazon Cognito: its ID tokens have our client as `aud`, too.
        if claims.token_use.is_some_and(|used| used != "access") {
            return Err(TokenError::NotAnAccessToken);
        }
        if claims.act.is_some() {
            return Err(TokenError::Delegated);
        }
        if claims.cnf.is_some() {
            return Err(TokenError::Bound);
        }
        let named =
            |sub: &String| (1..=256).contains(&sub.chars().count()) && !sub.chars().any(char::is_control);
        Ok(VerifiedToken {
            issuer: claims.iss,
            subject: claims.sub.filter(named).ok_or(TokenError::Malformed("its subject (sub) is no name"))?,
            auth_time: claims.auth_time.map(|instant| instant.0),
            scopes: scopes(&[claims.scope, claims.scp]),
            amr: methods(claims.amr),
            acr: claims.acr,
        })
    }
}

/// They are recorded for years: what is no short word is no method, and nobody signs in by more than a few.
fn methods(amr: Option<Words>) -> BTreeSet<String> {
    let is_word = |word: &&String| {
        (1..=LONGEST_METHOD).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
    };
    amr.iter().flat_map(Words::as_slice).filter(is_word).take(MOST_METHODS).cloned().collect()
}

fn part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// `JWT` and, from RFC 9068, `at+jwt`. Some issuers write none.
fn is_access_token(typ: Option<&str>) -> bool {
    let typ = typ.unwrap_or("JWT").to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}

fn scopes(claims: &[Option<Words>]) -> BTreeSet<String> {
    let texts = claims.iter().flatten().flat_map(Words::as_slice);
    texts.flat_map(|text| text.split_ascii_whitespace()).map(str::to_owned).collect()
}
