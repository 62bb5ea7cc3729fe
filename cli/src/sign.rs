//! SigV4 for the agents' API: credentials from the usual AWS chain, one signature per call and try.

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use tokio::sync::Mutex;
use url::Url;

use crate::endpoint::Endpoint;
use crate::failure::Failure;

/// The service that an HTTP API of API Gateway is signed for.
const SERVICE: &str = "execute-api";

/// Credentials are fetched anew this long before they end.
const MARGIN: Duration = Duration::from_secs(60);

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a Url,
    /// Headers to sign; `host` is added.
    pub headers: &'a [(&'a str, &'a str)],
    /// The exact body.
    pub body: &'a [u8],
}

/// Signs calls as whoever the AWS credential chain finds.
#[derive(Debug)]
pub struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    current: Mutex<Option<Credentials>>,
}

impl Signer {
    /// A signer from environment, profile, container or instance, as every AWS tool finds its credentials. The
    /// region is the one in the API's host name, else the configured one.
    ///
    /// # Errors
    /// [`Failure::Credentials`] when there is no region or nothing to take credentials from.
    pub async fn from_environment(endpoint: &Endpoint) -> Result<Self, Failure> {
        let config = aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await;
        let region =
            endpoint.region().map(str::to_owned).or_else(|| config.region().map(ToString::to_string));
        let Some(region) = region else {
            return Err(Failure::Credentials(
                "no AWS region to sign for: set AWS_REGION, or `region` in the AWS profile".into(),
            ));
        };
        let Some(provider) = config.credentials_provider() else {
            return Err(Failure::Credentials("the AWS configuration has no source of credentials".into()));
        };
        Ok(Self { provider, region, current: Mutex::new(None) })
    }

    /// The headers that sign the call at `now`.
    ///
    /// # Errors
    /// [`Failure::Credentials`] when no credentials are found or they cannot sign.
    pub async fn headers(
        &self,
        unsigned: Unsigned<'_>,
        now: SystemTime,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let credentials = self.credentials(now).await?;
        signature(&credentials, &self.region, SERVICE, unsigned, now)
    }

    async fn credentials(&self, now: SystemTime) -> Result<Credentials, Failure> {
        let mut current = self.current.lock().await;
        if let Some(credentials) = current.as_ref()
            && credentials.expiry().is_none_or(|ends| ends > now + MARGIN)
        {
            return Ok(credentials.clone());
        }
        let fresh = self.provider.provide_credentials().await.map_err(|error| {
            Failure::Credentials(format!(
                "no AWS credentials: {}; sign in (aws sso login), set AWS_PROFILE, or give a bearer token in \
                 COUNTERSIGN_TOKEN",
                causes(&error)
            ))
        })?;
        Ok(current.insert(fresh).clone())
    }
}

/// The headers of a signature for `service`, in no particular order.
///
/// # Errors
/// [`Failure::Credentials`] when the credentials or the call cannot be signed.
pub fn signature(
    credentials: &Credentials,
    region: &str,
    service: &str,
    unsigned: Unsigned<'_>,
    now: SystemTime,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| Failure::Credentials(format!("the call cannot be signed: {error}"));
    let identity = credentials.clone().into();
    let params: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|e| cannot(&e))?
        .into();
    let request = SignableRequest::new(
        unsigned.method,
        unsigned.url.as_str(),
        unsigned.headers.iter().copied(),
        SignableBody::Bytes(unsigned.body),
    )
    .map_err(|e| cannot(&e))?;
    let (instructions, _) = sign(request, &params).map_err(|e| cannot(&e))?.into_parts();
    let (headers, _) = instructions.into_parts();
    Ok(headers.iter().map(|h| (h.name(), h.value().to_owned())).collect())
}

/// An error and what caused it, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    /// 2015-08-30T12:36:00Z, the instant of AWS's signature test suite.
    fn then() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    /// Expected values are from AWS's published SigV4 test suite (aws-sig-v4-test-suite: get-vanilla,
    /// post-vanilla-query, get-utf8, post-sts-header-before, post-x-www-form-urlencoded).
    #[test]
    fn signatures_are_those_of_the_aws_test_suite() {
        fn check(
            call: (&str, &str),
            headers: &[(&str, &str)],
            body: &str,
            token: Option<&str>,
            signature_hex: &str,
        ) {
            let (method, url) = call;
            let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
            let credentials = Credentials::new("AKIDEXAMPLE", secret, token.map(str::to_owned), None, "test");
            let url = Url::parse(url).unwrap();
            let unsigned = Unsigned { method, url: &url, headers, body: body.as_bytes() };
            let made: BTreeMap<_, _> = signature(&credentials, "us-east-1", "service", unsigned, then())
                .unwrap()
                .into_iter()
                .collect();
            assert_eq!(made["x-amz-date"], "20150830T123600Z");
            assert_eq!(made.get("x-amz-security-token").map(String::as_str), token);
            let authorization = &made["authorization"];
            assert!(authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="
            ));
            assert!(
                authorization.ends_with(&format!("Signature={signature_hex}")),
                "{url} gave {authorization}"
            );
        }
        check(
            ("GET", "https://example.amazonaws.com/"),
            &[],
            "",
            None,
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        check(
            ("POST", "https://example.amazonaws.com/?Param1=value1"),
            &[],
            "",
            None,
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        );
        check(
            ("POST", "https://example.amazonaws.com/"),
            &[],
            "",
            Some(SESSION),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        );
        check(
            ("POST", "https://example.amazonaws.com/"),
            &[
                ("content-type", "application/x-www-form-urlencoded"),
                ("content-length", "13"),
                ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
            ],
            "Param1=value1",
            None,
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        );
    }

    /// Expected values were made with botocore 1.43.106, for what the test suite has not: a path with `$`, an encoded
    /// query, headers of our own.
    #[test]
    fn signatures_are_those_of_botocore() {
        fn check(call: (&str, &str), headers: &[(&str, &str)], body: &str, signature_hex: &str) {
            let credentials = Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                None,
                None,
                "test",
            );
            let url = Url::parse(call.1).unwrap();
            let unsigned = Unsigned { method: call.0, url: &url, headers, body: body.as_bytes() };
            let made = signature(&credentials, "eu-west-1", SERVICE, unsigned, then()).unwrap();
            let found = made.iter().any(|(_, value)| value.ends_with(&format!("Signature={signature_hex}")));
            assert!(found, "{url} gave {made:?}");
        }
        check(
            (
                "GET",
                "http://127.0.0.1:4566/_aws/execute-api/abc/$default/v1/requests?cursor=a%2Bb%3D&status=pending",
            ),
            &[],
            "",
            "20dc67386c81ff2f71451de2224309955c77c44235b3c165e9eccb57bea83036",
        );
        check(
            ("POST", "https://abc.execute-api.eu-west-1.amazonaws.com/v1/requests"),
            &[("content-type", "application/json"), ("idempotency-key", "k1")],
            r#"{"a":1.10}"#,
            "dcd6d0439f28b6eb90c0917cb8ebb5b40203abbe795f0a93c66c916ea9ab37f0",
        );
    }

    #[test]
    fn credentials_are_never_shown() {
        let credentials =
            Credentials::new("AKIDEXAMPLE", "verysecret", Some("sessionsecret".into()), None, "test");
        let signer = Signer {
            provider: SharedCredentialsProvider::new(credentials.clone()),
            region: "eu-west-1".into(),
            current: Mutex::new(Some(credentials)),
        };
        let shown = format!("{signer:?}");
        assert!(!shown.contains("verysecret") && !shown.contains("sessionsecret"), "{shown}");
    }
}
