//! Secrets Manager: JSON secrets, read when they are needed and kept for a while.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use countersign_app::ports::PortError;
use serde::de::DeserializeOwned;

use crate::error::unavailable;

/// The secrets that this function's role may read.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: Client,
}

impl Secrets {
    /// A client; nothing is read yet.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Reads a JSON secret.
    ///
    /// # Errors
    /// When it cannot be read or is not of the form; the message never holds its text.
    pub async fn read<T: DeserializeOwned>(&self, id: &str) -> Result<T, PortError> {
        let answer = self.client.get_secret_value().secret_id(id).send().await;
        let answer =
            answer.map_err(|e| unavailable("GetSecretValue", e.as_service_error().and_then(|e| e.code())))?;
        let text = answer.secret_string.unwrap_or_default();
        serde_json::from_str(&text)
            .map_err(|_| unavailable("GetSecretValue", Some("not JSON of the expected fields")))
    }
}
