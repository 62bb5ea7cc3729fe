//! What is asked of S3 for how long: what is soon replaced carries the mark by which it may expire, and is locked for
//! weeks, or for as long as everything else where that is less. All else has what the bucket gives it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use countersign_app::log::Keep;
use countersign_app::ports::Archive;
use countersign_aws::archive::S3Archive;
use countersign_domain::Time;

/// Keeps the headers of the last call.
#[derive(Debug, Clone, Default)]
struct Spy(Arc<Mutex<BTreeMap<String, String>>>);

impl HttpConnector for Spy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        *self.0.lock().unwrap() = headers.collect();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), "".into())))
    }
}

impl Spy {
    fn archive(&self, days: u32) -> S3Archive {
        let connector = SharedHttpConnector::new(self.clone());
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "id", "key", None, None, "test",
            )))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        S3Archive::new(&config, "locked", "copies", days)
    }

    /// The mark, the lock, and for how many days that is.
    fn seen(&self) -> (Option<String>, Option<String>, Option<i64>) {
        let headers = self.0.lock().unwrap();
        let of = |name: &str| headers.get(name).cloned();
        let until: Option<Time> =
            of("x-amz-object-lock-retain-until-date").map(|until| until.parse().unwrap());
        let left = until.map(|until| until.millis() - countersign_app::clock::now().millis());
        let days = left.map(|millis| (millis + 60_000) / 86_400_000);
        (of("x-amz-tagging"), of("x-amz-object-lock-mode"), days)
    }
}

#[tokio::test]
async fn what_is_soon_replaced_is_marked_and_locked_for_weeks_and_nothing_else_is() {
    let spy = Spy::default();
    let (tag, lock) = (Some("countersign%3Apartial=true".to_owned()), Some("COMPLIANCE".to_owned()));
    for (days, weeks) in [(2557, 35), (36, 35), (7, 7), (1, 1)] {
        let archive = spy.archive(days);
        archive.put_if_absent("log/tile/0/000.p/5", b"x".to_vec(), Keep::Weeks).await.unwrap();
        assert_eq!(spy.seen(), (tag.clone(), lock.clone(), Some(weeks)), "{days} days");
        // The bucket's own retention holds.
        archive.put_if_absent("log/tile/0/000", b"x".to_vec(), Keep::Always).await.unwrap();
        assert_eq!(spy.seen(), (None, None, None), "{days} days");
        // It is never to go, only what it was.
        archive.replace("log/checkpoint", b"x".to_vec(), None).await.unwrap();
        assert_eq!(spy.seen(), (None, lock.clone(), Some(weeks)), "{days} days");
    }
}
