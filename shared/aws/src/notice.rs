//! SNS: plain notices to a topic.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use countersign_app::ports::{Notice, PortError};

use crate::error::unavailable;

/// The topic of one stack.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// The topic with this ARN.
    pub fn new(config: &SdkConfig, arn: impl Into<String>) -> Self {
        Self { client: Client::new(config), arn: arn.into() }
    }
}

impl Notice for SnsTopic {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), PortError> {
        let call = self.client.publish().topic_arn(&self.arn).subject(subject).message(text);
        let answer = call.send().await;
        answer.map(drop).map_err(|e| unavailable("Publish", e.as_service_error().and_then(|e| e.code())))
    }
}
