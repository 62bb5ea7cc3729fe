//! Tables of forged tokens, and the life of the key cache, against a real HTTP server on loopback.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::time::Seconds;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::keys::{FRESH, PAUSE, PAUSE_WITHOUT_KEYS, USABLE};
use super::*;
use crate::response::HttpResponse;

fn key(name: char) -> EncodingKey {
    EncodingKey::from_rsa_der(match name {
        'a' => include_bytes!("../../testdata/rsa-a.der"),
        _ => include_bytes!("../../testdata/rsa-b.der"),
    })
}

/// The public key as an issuer publishes it, under the id `kid`.
fn published(name: char, kid: &str) -> Value {
    let mut jwk =
        serde_json::to_value(Jwk::from_encoding_key(&key(name), Algorithm::RS256).unwrap()).unwrap();
    jwk["kid"] = kid.into();
    jwk["use"] = "sig".into();
    jwk
}

/// What the issuer answers, and how often it was asked.
struct Served {
    status: u16,
    discovery: Value,
    keys: Value,
    padding: usize,
    asked: u32,
}

struct Issuer {
    url: String,
    served: Arc<Mutex<Served>>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::new(Mutex::new(Served {
            status: 200,
            discovery: json!({"issuer": url, "jwks_uri": format!("{url}/keys")}),
            keys: json!({"keys": [published('a', "a")]}),
            padding: 0,
            asked: 0,
        }));
        let shared = served.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, served }
    }

    fn now_serves(&self, change: impl FnOnce(&mut Served)) {
        change(&mut self.served.lock().unwrap());
    }

    fn asked(&self) -> u32 {
        self.served.lock().unwrap().asked
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(&self.url, "countersign", TokenKind::Reviewer).unwrap()
    }

    fn claims(&self) -> Value {
        let now = now().millis() / 1000;
        json!({
            "iss": self.url, "sub": "alice", "aud": "countersign", "scope": "openid countersign.decide",
            "iat": now, "exp": now + 7 * 3600, "auth_time": now - 10, "amr": ["pwd", "otp"], "acr": "2",
        })
    }

    /// A good token with another header or other claims; `null` takes one away.
    fn token(&self, header: Value, claims: Value, signed_by: char) -> String {
        let mut all = (json!({"alg": "RS256", "kid": "a", "typ": "at+jwt"}), self.claims());
        merge(&mut all.0, header);
        merge(&mut all.1, claims);
        compact(&all.0, &all.1, |message| crypto::sign(message, &key(signed_by), Algorithm::RS256).unwrap())
    }
}

fn merge(into: &mut Value, changes: Value) {
    for (name, value) in changes.as_object().unwrap() {
        let object = into.as_object_mut().unwrap();
        object.remove(name);
        if !value.is_null() {
            object.insert(name.clone(), value.clone());
        }
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn compact(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> String) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    format!("{message}.{}", sign(message.as_bytes()))
}

async fn serve(mut stream: TcpStream, served: Arc<Mutex<Served>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let answer = {
        let mut served = served.lock().unwrap();
        served.asked += 1;
        let discovery = head.starts_with(b"GET /.well-known/openid-configuration ");
        let body = if discovery { served.discovery.to_string() } else { served.keys.to_string() };
        let body = body + &" ".repeat(served.padding);
        let (status, length) = (served.status, body.len());
        format!(
            "HTTP/1.1 {status} x\r\nlocation: /elsewhere\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    // The other side hangs up on an answer that is too large.
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn now() -> Time {
    Time::from_millis(1_795_570_000_000)
}

fn later(millis: u64) -> Time {
    Time::from_millis(now().millis() + i64::try_from(millis).unwrap())
}

#[tokio::test]
async fn a_good_token_says_who_and_when() {
    let issuer = Issuer::start().await;
    let token = issuer.token(json!({}), json!({}), 'a');
    let verified = issuer.verifier().verify(&token, Some(DECIDE_SCOPE), now()).await.unwrap();
    assert_eq!(
        verified,
        VerifiedToken {
            issuer: issuer.url.clone(),
            subject: "alice".into(),
            auth_time: Some(now() - Seconds(10)),
            scopes: BTreeSet::from(["openid".into(), "countersign.decide".into()]),
            amr: BTreeSet::from(["pwd".into(), "otp".into()]),
            acr: Some("2".into()),
        }
    );
}

/// They are recorded for years.
#[tokio::test]
async fn few_and_short_words_are_kept_of_how_somebody_signed_in() {
    let issuer = Issuer::start().await;
    let check = async |amr: Value, expect: &[&str]| {
        let token = issuer.token(json!({}), json!({"amr": amr}), 'a');
        let verified = issuer.verifier().verify(&token, None, now()).await.unwrap();
        assert_eq!(verified.amr, expect.iter().map(|word| (*word).to_owned()).collect(), "{amr}");
    };
    check(json!("mfa"), &["mfa"]).await;
    check(json!(["mfa", "", "two words", "x".repeat(17), "é", "otp"]), &["mfa", "otp"]).await;
    check(
        json!((0..20).map(|n| n.to_string()).collect::<Vec<_>>()),
        &["0", "1", "2", "3", "4", "5", "6", "7"],
    )
    .await;
}

#[tokio::test]
async fn headers_and_claims() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let check = async |header: Value, claims: Value, expect: Result<(), TokenError>| {
        let shown = format!("{header} {claims}");
        let token = issuer.token(header, claims, 'a');
        let verified = verifier.verify(&token, Some("countersign.decide"), now()).await;
        assert_eq!(verified.map(|_| ()), expect, "{shown}");
    };
    let check_header = async |header: Value, expect| check(header, json!({}), expect).await;
    let check_claims = async |claims: Value, expect| check(json!({}), claims, expect).await;
    let seconds = now().millis() / 1000;

    check_header(json!({"typ": "JWT"}), Ok(())).await;
    check_header(json!({"typ": "application/AT+JWT"}), Ok(())).await;
    check_header(json!({"typ": null}), Ok(())).await;
    check_header(json!({"typ": "logout+jwt"}), Err(TokenError::NotAnAccessToken)).await;
    check_header(json!({"typ": "dpop+jwt"}), Err(TokenError::NotAnAccessToken)).await;
    check_header(json!({"typ": 1}), Err(TokenError::Malformed("its header cannot be read"))).await;
    check_header(json!({"crit": ["b64"], "b64": false}), Err(TokenError::NotAnAccessToken)).await;
    check_header(json!({"kid": null}), Err(TokenError::Malformed("it names no key (kid)"))).await;
    check_header(json!({"kid": "../a"}), Err(TokenError::UnknownKey)).await;
    check_header(json!({"kid": ""}), Err(TokenError::UnknownKey)).await;
    for alg in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", ""] {
        check_header(json!({"alg": alg}), Err(TokenError::Algorithm)).await;
    }
    check_header(json!({"alg": null}), Err(TokenError::Malformed("its header cannot be read"))).await;

    check_claims(json!({"iss": "https://other.example"}), Err(TokenError::Issuer)).await;
    check_claims(json!({"iss": format!("{}/", issuer.url)}), Err(TokenError::Issuer)).await;
    check_claims(json!({"iss": null}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    check_claims(json!({"iss": [issuer.url]}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    check_claims(json!({"aud": ["x", "countersign"]}), Ok(())).await;
    check_claims(json!({"aud": "countersigned"}), Err(TokenError::Audience)).await;
    check_claims(json!({"aud": []}), Err(TokenError::Audience)).await;
    check_claims(json!({"aud": null}), Err(TokenError::Audience)).await;
    check_claims(json!({"aud": null, "client_id": "countersign"}), Ok(())).await;
    check_claims(json!({"aud": null, "client_id": "x"}), Err(TokenError::Audience)).await;
    check_claims(json!({"aud": "x", "client_id": "countersign"}), Err(TokenError::Audience)).await;
    check_claims(json!({"aud": 7}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    check_claims(json!({"exp": null}), Err(TokenError::Malformed("it has no end (exp)"))).await;
    check_claims(json!({"exp": seconds}), Err(TokenError::Expired)).await;
    check_claims(json!({"exp": seconds + 1}), Ok(())).await;
    check_claims(json!({"exp": seconds as f64 + 0.5}), Ok(())).await;
    check_claims(json!({"exp": 1e300}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    check_claims(json!({"exp": -1}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    check_claims(json!({"exp": "9999999999"}), Err(TokenError::Malformed("its claims cannot be read"))).await;
    for claim in ["nbf", "iat", "auth_time"] {
        check_claims(json!({claim: seconds + 60}), Ok(())).await;
        check_claims(json!({claim: seconds + 61}), Err(TokenError::NotYet)).await;
        check_claims(json!({claim: null}), Ok(())).await;
    }
    check_claims(json!({"scope": "countersign.decided"}), Err(TokenError::Scope(DECIDE_SCOPE.into()))).await;
    check_claims(json!({"scope": null}), Err(TokenError::Scope(DECIDE_SCOPE.into()))).await;
    check_claims(json!({"scope": null, "scp": ["x", "countersign.decide"]}), Ok(())).await;
    check_claims(json!({"scope": null, "scp": "x countersign.decide"}), Ok(())).await;
    check_claims(json!({"token_use": "access"}), Ok(())).await;
    check_claims(json!({"token_use": "id"}), Err(TokenError::NotAnAccessToken)).await;
    check_claims(json!({"act": {"sub": "bot"}}), Err(TokenError::Delegated)).await;
    check_claims(json!({"act": false}), Err(TokenError::Delegated)).await;
    check_claims(json!({"cnf": {"jkt": "x"}}), Err(TokenError::Bound)).await;
    let no_name = TokenError::Malformed("its subject (sub) is no name");
    check_claims(json!({"sub": null}), Err(no_name.clone())).await;
    check_claims(json!({"sub": ""}), Err(no_name.clone())).await;
    check_claims(json!({"sub": "a\nb"}), Err(no_name.clone())).await;
    check_claims(json!({"sub": "x".repeat(257)}), Err(no_name)).await;
}

#[tokio::test]
async fn forged_tokens() {
    let issuer = Issuer::start().await;
    issuer.now_serves(|served| served.keys = json!({"keys": [published('a', "a"), published('b', "b")]}));
    let verifier = issuer.verifier();
    let check = async |what: &str, token: String, expect: TokenError| {
        assert_eq!(verifier.verify(&token, None, now()).await, Err(expect), "{what}");
    };
    let good = issuer.token(json!({}), json!({}), 'a');
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let others =
        encode(&json!({"iss": issuer.url, "sub": "bob", "aud": "countersign", "exp": 4_000_000_000_u32}));
    let malformed = TokenError::Malformed;

    check("another's claims", format!("{header}.{others}.{signature}"), TokenError::Signature).await;
    check("no signature", format!("{message}."), TokenError::Signature).await;
    check("half a signature", format!("{message}.{}", &signature[..100]), TokenError::Signature).await;
    check("padding", format!("{message}.{signature}="), TokenError::Signature).await;
    check("not base64", format!("{message}.{signature}!"), TokenError::Signature).await;
    check("two parts", message.to_owned(), malformed("it is not of three parts")).await;
    check("four parts", format!("{good}.x"), malformed("it is not of three parts")).await;
    check("empty", String::new(), malformed("it is not of three parts")).await;
    check("no header", format!(".{claims}.{signature}"), malformed("its header cannot be read")).await;
    check("no claims", format!("{header}..{signature}"), malformed("its claims cannot be read")).await;
    check("too long", "a".repeat(10 * 1024 + 1), malformed("it is too long")).await;
    check("the other key", issuer.token(json!({}), json!({}), 'b'), TokenError::Signature).await;
    check("the other key's id", issuer.token(json!({"kid": "b"}), json!({}), 'a'), TokenError::Signature)
        .await;

    // What an attacker puts in the token itself is never used.
    let own = published('b', "own");
    let inside =
        json!({"kid": "own", "jwk": own, "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"});
    check("a key inside", issuer.token(inside, json!({}), 'b'), TokenError::UnknownKey).await;

    // The public key taken for a shared secret.
    let public = published('a', "a")["n"].as_str().unwrap().to_owned();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let hmac = |alg: &str| {
        let header = json!({"alg": alg, "kid": "a"});
        compact(&header, &issuer.claims(), |m| crypto::sign(m, &secret, Algorithm::HS256).unwrap())
    };
    check("HS256", hmac("HS256"), TokenError::Algorithm).await;
    check("HS256 as RS256", hmac("RS256"), TokenError::Signature).await;
    let unsigned = compact(&json!({"alg": "none", "kid": "a"}), &issuer.claims(), |_| String::new());
    check("none", unsigned, TokenError::Algorithm).await;

    // Two values of one claim: which one counts would be a matter of taste.
    let twice = format!(r#"{{"sub":"bob",{}"#, &issuer.claims().to_string()[1..]);
    let twice = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
    let signed = crypto::sign(twice.as_bytes(), &key('a'), Algorithm::RS256).unwrap();
    check("a claim twice", format!("{twice}.{signed}"), malformed("its claims cannot be read")).await;
}

#[tokio::test]
async fn keys_that_may_not_verify() {
    async fn check(keys: Value, ok: bool) {
        let issuer = Issuer::start().await;
        issuer.now_serves(|served| served.keys = json!({"keys": keys.clone()}));
        let token = issuer.token(json!({}), json!({}), 'a');
        let verified = issuer.verifier().verify(&token, None, now()).await.map(|_| ());
        assert_eq!(verified, if ok { Ok(()) } else { Err(TokenError::UnknownKey) }, "{keys}");
    }
    let with = |changes: Value| {
        let mut jwk = published('a', "a");
        merge(&mut jwk, changes);
        jwk
    };
    check(json!([with(json!({}))]), true).await;
    check(json!([with(json!({"use": null, "alg": null}))]), true).await;
    check(json!([with(json!({"key_ops": ["verify"]}))]), true).await;
    check(json!([with(json!({"use": "enc"}))]), false).await;
    check(json!([with(json!({"alg": "RS512"}))]), false).await;
    check(json!([with(json!({"alg": "PS256"}))]), false).await;
    check(json!([with(json!({"key_ops": ["encrypt"]}))]), false).await;
    check(json!([with(json!({"kty": "oct", "k": "c2VjcmV0"}))]), false).await;
    check(json!([with(json!({"kid": null}))]), false).await;
    check(json!([with(json!({"n": URL_SAFE_NO_PAD.encode([255; 128])}))]), false).await;
    check(json!([with(json!({"n": "!"}))]), false).await;
    check(json!([]), false).await;
    // Strange neighbours do no harm; a second key under the same id makes both useless.
    check(json!([1, {"kty": "EC", "kid": "a", "crv": "P-256", "x": "x", "y": "y"}, with(json!({}))]), true)
        .await;
    check(json!([with(json!({})), published('b', "a")]), false).await;
}

#[tokio::test]
async fn keys_are_kept_and_asked_for_again() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let (a, b) = (issuer.token(json!({}), json!({}), 'a'), issuer.token(json!({"kid": "b"}), json!({}), 'b'));
    let check = async |token: &str, at: u64, expect: Result<(), TokenError>, asked: u32| {
        let verified = verifier.verify(token, None, later(at)).await.map(|_| ());
        assert_eq!((verified, issuer.asked()), (expect, asked), "after {at} ms");
    };
    // Each asking is two documents.
    check(&a, 0, Ok(()), 2).await;
    check(&a, 1, Ok(()), 2).await;
    check(&b, PAUSE - 1, Err(TokenError::UnknownKey), 2).await;
    issuer.now_serves(|served| served.keys = json!({"keys": [published('b', "b")]}));
    check(&b, PAUSE, Ok(()), 4).await;
    check(&a, PAUSE + 1, Err(TokenError::UnknownKey), 4).await;
    check(&a, 2 * PAUSE, Err(TokenError::UnknownKey), 6).await;
    // A withdrawn key is used until the hour is over, and no longer.
    issuer.now_serves(|served| served.keys = json!({"keys": []}));
    check(&b, 2 * PAUSE + FRESH - 1, Ok(()), 6).await;
    check(&b, 2 * PAUSE + FRESH, Err(TokenError::UnknownKey), 8).await;
}

#[tokio::test]
async fn an_issuer_that_is_down() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let (a, b) = (issuer.token(json!({}), json!({}), 'a'), issuer.token(json!({"kid": "b"}), json!({}), 'b'));
    let check = async |token: &str, at: u64, expect: Result<(), FetchError>, asked: u32| {
        let verified = verifier.verify(token, None, later(at)).await.map(|_| ());
        assert_eq!(
            (verified, issuer.asked()),
            (expect.map_err(TokenError::Unavailable), asked),
            "after {at} ms"
        );
    };
    let down = FetchError::Status(500);
    issuer.now_serves(|served| served.status = 500);
    check(&a, 0, Err(down), 1).await;
    check(&a, PAUSE_WITHOUT_KEYS - 1, Err(FetchError::TriedJustNow), 1).await;
    issuer.now_serves(|served| served.status = 200);
    check(&a, PAUSE_WITHOUT_KEYS, Ok(()), 3).await;
    let fetched = PAUSE_WITHOUT_KEYS;

    issuer.now_serves(|served| served.status = 500);
    check(&b, fetched + PAUSE, Err(down), 4).await;
    check(&b, fetched + PAUSE + 1, Err(FetchError::TriedJustNow), 4).await;
    check(&a, fetched + FRESH - 1, Ok(()), 4).await;
    check(&a, fetched + FRESH, Ok(()), 5).await;
    check(&a, fetched + FRESH + 1, Ok(()), 5).await;
    check(&a, fetched + USABLE - 1, Ok(()), 6).await;
    check(&a, fetched + USABLE - 1 + PAUSE_WITHOUT_KEYS, Err(down), 7).await;
    issuer.now_serves(|served| served.status = 200);
    check(&a, fetched + USABLE - 1 + 2 * PAUSE_WITHOUT_KEYS, Ok(()), 9).await;
}

#[tokio::test]
async fn documents_that_are_not_taken() {
    async fn check(change: impl FnOnce(&mut Served), expect: FetchError) {
        let issuer = Issuer::start().await;
        issuer.now_serves(change);
        let token = issuer.token(json!({}), json!({}), 'a');
        let verified = issuer.verifier().verify(&token, None, now()).await;
        assert_eq!(verified, Err(TokenError::Unavailable(expect)));
    }
    check(|served| served.status = 302, FetchError::Status(302)).await;
    check(|served| served.status = 201, FetchError::Status(201)).await;
    check(|served| served.discovery = json!([]), FetchError::Malformed).await;
    check(|served| served.keys = json!({}), FetchError::Malformed).await;
    check(|served| served.padding = 256 * 1024, FetchError::TooLarge).await;
    check(|served| served.discovery["issuer"] = "https://other.example".into(), FetchError::AnotherIssuer)
        .await;
    check(|served| served.discovery["jwks_uri"] = "http://other.example/".into(), FetchError::InsecureKeys)
        .await;
    check(|served| served.discovery["jwks_uri"] = "file:///etc/passwd".into(), FetchError::InsecureKeys)
        .await;
    check(|served| served.discovery["jwks_uri"] = "http://u:p@127.0.0.1/".into(), FetchError::InsecureKeys)
        .await;
    check(|served| served.discovery["jwks_uri"] = "keys".into(), FetchError::Malformed).await;
    // Nobody listens on the discard port.
    check(|served| served.discovery["jwks_uri"] = "http://127.0.0.1:9/".into(), FetchError::NoAnswer).await;
}

#[tokio::test]
async fn an_issuer_with_a_slash_at_its_end_is_asked_properly() {
    let issuer = Issuer::start().await;
    let slash = format!("{}/", issuer.url);
    issuer.now_serves(|served| served.discovery["issuer"] = slash.clone().into());
    let token = issuer.token(json!({}), json!({"iss": slash}), 'a');
    let verifier = Verifier::new(&slash, "countersign", TokenKind::Reviewer).unwrap();
    assert!(verifier.verify(&token, None, now()).await.is_ok());
}

#[tokio::test]
async fn no_agent_has_a_token_that_decides() {
    let issuer = Issuer::start().await;
    let verifier = Verifier::new(&issuer.url, "countersign", TokenKind::Agent).unwrap();
    let deciding = issuer.token(json!({}), json!({}), 'a');
    assert_eq!(verifier.verify(&deciding, None, now()).await, Err(TokenError::DecidingAgent));
    let plain = issuer.token(json!({}), json!({"scope": "openid"}), 'a');
    assert!(verifier.verify(&plain, None, now()).await.is_ok());
}

#[test]
fn issuers_that_keys_may_be_fetched_from() {
    fn check(issuer: &str, ok: bool) {
        assert_eq!(Verifier::new(issuer, "x", TokenKind::Reviewer).is_ok(), ok, "{issuer}");
    }
    check("https://idp.example", true);
    check("https://idp.example/tenant/", true);
    check("http://127.0.0.1:4400", true);
    check("http://[::1]:4400", true);
    check("http://localhost:4400/x", true);
    check("http://idp.example", false);
    check("http://127.0.0.1.idp.example", false);
    check("http://localhost.idp.example", false);
    check("http://localhost@idp.example", false);
    check("http://10.0.0.1", false);
    check("https://u:p@idp.example", false);
    check("https://idp.example?x=", false);
    check("https://idp.example#x", false);
    check("ftp://127.0.0.1", false);
    check("idp.example", false);
    check("", false);
    assert!(matches!(
        Verifier::new("https://idp.example", "", TokenKind::Agent),
        Err(InvalidIssuer::NoAudience)
    ));
}

#[test]
fn a_call_has_one_bearer_token() {
    fn check(header: Option<&str>, authorizer: Value, expect: Option<&str>) {
        let request = HttpRequest::from_event(&json!({
            "rawPath": "/", "headers": header.map(|h| json!({"authorization": h})),
            "requestContext": {"http": {"method": "GET"}, "authorizer": authorizer},
        }))
        .unwrap();
        let found = bearer(&request);
        assert_eq!(found.as_ref().ok().copied(), expect, "{header:?} {authorizer}");
        if let Err(problem) = found {
            let answer = HttpResponse::from(problem);
            assert_eq!((answer.status(), answer.header("www-authenticate")), (401, Some("Bearer")));
        }
    }
    check(Some("Bearer a.b-c.d_e"), Value::Null, Some("a.b-c.d_e"));
    check(Some("bearer a"), json!({"jwt": {}}), Some("a"));
    check(None, Value::Null, None);
    check(Some("Bearer"), Value::Null, None);
    check(Some("Bearer "), Value::Null, None);
    check(Some("Bearer  a"), Value::Null, None);
    check(Some("Bearer a,Bearer b"), Value::Null, None);
    check(Some("Basic a"), Value::Null, None);
    check(Some("DPoP a"), Value::Null, None);
    check(Some("Bearer a"), json!({"iam": {"accountId": "1", "callerId": "2", "userArn": "3"}}), None);
    check(Some("Bearer a"), json!({"jwt": {}, "iam": {}}), None);
    check(Some("Bearer a"), json!({"lambda": {}}), None);
}

#[test]
fn a_refused_token_is_a_problem() {
    fn check(error: TokenError, status: u16, challenge: Option<&str>) {
        let answer = HttpResponse::from(Problem::from(error.clone()));
        assert_eq!((answer.status(), answer.header("www-authenticate")), (status, challenge), "{error}");
    }
    let invalid = r#"Bearer error="invalid_token", error_description="the token has expired""#;
    check(TokenError::Expired, 401, Some(invalid));
    let scope = r#"Bearer error="insufficient_scope", scope="countersign.decide""#;
    check(TokenError::Scope(DECIDE_SCOPE.into()), 403, Some(scope));
    check(TokenError::DecidingAgent, 403, None);
    check(TokenError::Unavailable(FetchError::NoAnswer), 503, None);
}
