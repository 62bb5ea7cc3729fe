//! The archive bucket: objects that are written once, under Object Lock.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use countersign_app::ports::{Archive, PortError};

use crate::error::unavailable;

/// The archive of one stack.
#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    bucket: String,
}

impl S3Archive {
    /// The bucket with this name. An endpoint of one's own is addressed by path.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        let own_endpoint = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own_endpoint).build();
        Self { client: Client::from_conf(config), bucket: bucket.into() }
    }
}

impl Archive for S3Archive {
    async fn put_if_absent(&self, key: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, PortError> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*");
        let answer = call.content_type("application/gzip").body(ByteStream::from(bytes)).send().await;
        match answer {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error().and_then(|e| e.code()) {
                // 409: another write of the same key is under way; what it wrote is read.
                Some("PreconditionFailed" | "ConditionalRequestConflict") => self.read(key).await.map(Some),
                code => Err(unavailable("PutObject", code)),
            },
        }
    }
}

impl S3Archive {
    async fn read(&self, key: &str) -> Result<Vec<u8>, PortError> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let answer =
            answer.map_err(|e| unavailable("GetObject", e.as_service_error().and_then(|e| e.code())))?;
        let bytes = answer.body.collect().await.map_err(|_| unavailable("GetObject", Some("broken off")))?;
        Ok(bytes.to_vec())
    }
}
