//! Lambda: asks the archiver to put a request's events into the log, and waits for its answer.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use countersign_app::ports::{Recorder, Seal, SealError, Sealer};
use countersign_app::record::{Record, Recorded};
use countersign_domain::RequestId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The archiver of one stack.
#[derive(Debug, Clone)]
pub struct LambdaSealer {
    client: Client,
    function: String,
}

impl LambdaSealer {
    /// The function with this name or ARN. It may take longer than other services do: each call has its own limit.
    pub fn new(config: &SdkConfig, function: impl Into<String>) -> Self {
        // One call for each: another one beside it would wait for the same.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .disable_read_timeout()
            .disable_operation_attempt_timeout()
            .disable_operation_timeout()
            .build();
        let config = aws_sdk_lambda::config::Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), function: function.into() }
    }
}

impl LambdaSealer {
    async fn ask<A: DeserializeOwned>(&self, event: &Value, within: Duration) -> Result<A, SealError> {
        let event = Blob::new(event.to_string());
        let call = self.client.invoke().function_name(&self.function).payload(event);
        match tokio::time::timeout(within, call.send()).await {
            Ok(Ok(answer)) => told(&answer),
            Ok(Err(error)) => Err(unavailable(error.as_service_error().and_then(|e| e.code()))),
            Err(_) => Err(unavailable(Some("no answer in time"))),
        }
    }
}

impl Sealer for LambdaSealer {
    async fn seal(&self, id: &RequestId, within: Duration) -> Result<Seal, SealError> {
        let sealed: Sealed = self.ask(&serde_json::json!({"seal": id}), within).await?;
        Ok(Seal { events: sealed.events, receipt: sealed.receipt })
    }
}

impl Recorder for LambdaSealer {
    async fn record(&self, record: &Record, within: Duration) -> Result<Recorded, SealError> {
        self.ask(&serde_json::json!({"record": record}), within).await
    }
}

/// What the archiver answers.
#[derive(Deserialize)]
struct Sealed {
    events: u32,
    receipt: Option<String>,
}

/// What Lambda makes of a function's error.
#[derive(Deserialize)]
struct Failed {
    #[serde(rename = "errorType")]
    error: String,
}

fn told<A: DeserializeOwned>(answer: &InvokeOutput) -> Result<A, SealError> {
    let payload = answer.payload.as_ref().map_or(&[][..], |payload| payload.as_ref());
    if answer.function_error.is_some() {
        // The name alone: who failed says more in its own log.
        return match serde_json::from_slice::<Failed>(payload) {
            Ok(failed) if failed.error == "LogHalted" => Err(SealError::Halted),
            Ok(failed) => Err(unavailable(Some(&failed.error))),
            Err(_) => Err(unavailable(Some("an error without a name"))),
        };
    }
    serde_json::from_slice(payload).map_err(|_| unavailable(Some("not an answer of the archiver")))
}

fn unavailable(code: Option<&str>) -> SealError {
    SealError::Unavailable(format!("Invoke: {}", code.unwrap_or("no answer")))
}
