//! The sealer over Lambda keeps the contract of the one in memory. Lambda is an HTTP connector here, which answers as
//! Lambda does for an archiver that answers, fails, or is late.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use countersign_app::contract::{self, Archiver};
use countersign_app::ports::{SealError, Sealer};
use countersign_app::sample::id;
use countersign_aws::seal::LambdaSealer;
use serde_json::{Value, json};

/// A Lambda that has one answer, and keeps the path and body of each call.
#[derive(Clone, Debug)]
struct Lambda {
    after: Duration,
    failed: bool,
    payload: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl HttpConnector for Lambda {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        self.calls.lock().unwrap().push((request.uri().to_owned(), body));
        let Self { after, failed, payload, .. } = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(after).await;
            let mut answer = HttpResponse::new(200.try_into().unwrap(), payload.into());
            if failed {
                answer.headers_mut().insert("x-amz-function-error", "Unhandled");
            }
            Ok(answer)
        })
    }
}

impl Lambda {
    fn answering(failed: bool, payload: impl ToString) -> Self {
        Self { after: Duration::ZERO, failed, payload: payload.to_string(), calls: Arc::default() }
    }

    fn failing(name: &str) -> Self {
        Self::answering(true, json!({"errorType": name, "errorMessage": "said to people"}))
    }

    fn sealer(&self) -> LambdaSealer {
        let lambda = self.clone();
        let nobody = Credentials::new("test", "test", None, None, "nobody");
        let short = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(100));
        let config = SdkConfig::builder()
            .timeout_config(short.operation_timeout(Duration::from_millis(300)).build())
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(nobody))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(lambda.clone())))
            .build();
        LambdaSealer::new(&config, "stack-Archiver-1")
    }
}

/// As the archiver's handler writes it.
fn sealed(status: &str, receipt: Option<&str>) -> Value {
    let index = receipt.map(|_| 2);
    json!({"id": id(1), "status": status, "events": 2, "receipt": receipt, "index": index, "size": index.map(|_| 3)})
}

#[tokio::test]
async fn the_sealer_keeps_the_contract() {
    let behind = async |archiver| {
        let lambda = match archiver {
            Archiver::Seals => {
                Lambda::answering(false, sealed("approved", Some("c2sp.org/tlog-proof@v1\n…")))
            }
            Archiver::SealsAnOpenAsk => Lambda::answering(false, sealed("pending", None)),
            Archiver::IsHalted => Lambda::failing("LogHalted"),
            Archiver::Fails => Lambda::failing("ArchiveUnavailable"),
            Archiver::KnowsNothing => Lambda::failing("RequestNotFound"),
            Archiver::IsLate => Lambda {
                after: Duration::from_secs(60),
                ..Lambda::answering(false, sealed("approved", None))
            },
        };
        lambda.sealer()
    };
    contract::sealer(behind).await;
}

#[tokio::test]
async fn the_archiver_is_asked_for_the_request_and_only_an_answer_of_its_is_taken() {
    let lambda = Lambda::answering(false, sealed("pending", None));
    lambda.sealer().seal(&id(1), Duration::from_secs(1)).await.unwrap();
    let lambda = Lambda { after: Duration::from_millis(600), ..lambda };
    lambda.calls.lock().unwrap().clear();
    lambda
        .sealer()
        .seal(&id(1), Duration::from_secs(60))
        .await
        .expect("it may take longer than other services");
    let calls = lambda.calls.lock().unwrap().clone();
    let [(path, body)] = &calls[..] else { panic!("{calls:?}") };
    assert!(path.contains("/functions/stack-Archiver-1/invocations"), "{path}");
    assert_eq!(*body, json!({"seal": id(1)}));

    let check = async |lambda: Lambda, why: &str| {
        let told = lambda.sealer().seal(&id(1), Duration::from_secs(1)).await;
        assert_eq!(told, Err(SealError::Unavailable(format!("Invoke: {why}"))));
    };
    check(Lambda::failing("StorageUnavailable"), "StorageUnavailable").await;
    check(Lambda::answering(true, "killed"), "an error without a name").await;
    check(Lambda::answering(false, "null"), "not an answer of the archiver").await;
    check(Lambda::answering(false, "{}"), "not an answer of the archiver").await;
    // An error counts as one whatever stands in it.
    check(Lambda::answering(true, sealed("approved", Some("a receipt"))), "an error without a name").await;
}
