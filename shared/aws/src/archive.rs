//! The archive bucket: objects that are written once, under Object Lock; and the bucket of copies beside it.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ObjectLockMode;
use countersign_app::log::{Current, Keep};
use countersign_app::ports::{Archive, PortError};

use crate::error::unavailable;

/// For how many days what is soon replaced cannot be deleted, where the bucket does not keep everything for less.
const WEEKS: u64 = 35;

/// The tag by which a partial tile may be deleted after that: the name and value that the template looks for, encoded.
const PARTIAL: &str = "countersign%3Apartial=true";

/// The archive of one stack.
#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    bucket: String,
    derived: String,
    weeks: Duration,
}

impl S3Archive {
    /// The buckets with these names: what is locked, for so many days, and the copies. An endpoint of one's own is
    /// addressed by path.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>, derived: impl Into<String>, days: u32) -> Self {
        let own_endpoint = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own_endpoint).build();
        let weeks = Duration::from_secs(WEEKS.min(days.into()) * 24 * 60 * 60);
        Self { client: Client::from_conf(config), bucket: bucket.into(), derived: derived.into(), weeks }
    }

    fn put(&self, key: &str, bytes: Vec<u8>) -> PutObjectFluentBuilder {
        self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes))
    }

    fn for_weeks(&self, call: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        let until = DateTime::from(SystemTime::now() + self.weeks);
        call.object_lock_mode(ObjectLockMode::Compliance).object_lock_retain_until_date(until)
    }

    /// The version id of an object's first version, be it hidden or written over since.
    async fn first_version(&self, key: &str) -> Result<Option<String>, PortError> {
        let (mut after, mut oldest) = ((None, None), None);
        loop {
            let call = self.client.list_object_versions().bucket(&self.bucket).prefix(key);
            // There is one, but for what somebody did by hand.
            let call = call.max_keys(4).set_key_marker(after.0).set_version_id_marker(after.1);
            let page = call.send().await.map_err(|e| failed("ListObjectVersions", &e))?;
            // Newest first, and this key before those that it is the beginning of.
            let versions = page.versions.unwrap_or_default();
            let last = versions.into_iter().rfind(|version| version.key.as_deref() == Some(key));
            oldest = last.and_then(|version| version.version_id).or(oldest);
            let more = page.is_truncated == Some(true) && page.next_key_marker.as_deref() == Some(key);
            if !more {
                return Ok(oldest);
            }
            after = (page.next_key_marker, page.next_version_id_marker);
        }
    }
}

impl Archive for S3Archive {
    async fn put_if_absent(
        &self,
        key: &str,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> Result<Option<Vec<u8>>, PortError> {
        let call = self.put(key, bytes).if_none_match("*");
        let call = match keep {
            Keep::Always => call,
            Keep::Weeks => self.for_weeks(call).tagging(PARTIAL),
        };
        match call.send().await {
            Ok(_) => Ok(None),
            // 409: another write of the same key is under way; what it wrote is read.
            Err(error) if unmet(&error) => match self.oldest(key).await? {
                Some(there) => Ok(Some(there)),
                None => Err(PortError::Conflict),
            },
            Err(error) => Err(failed("PutObject", &error)),
        }
    }

    async fn oldest(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let Some(version) = self.first_version(key).await? else { return Ok(None) };
        let call = self.client.get_object().bucket(&self.bucket).key(key).version_id(version);
        let answer = call.send().await.map_err(|e| failed("GetObject", &e))?;
        body(answer).await.map(Some)
    }

    async fn current(&self, key: &str) -> Result<Option<Current>, PortError> {
        match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => {
                let tag = answer.e_tag.clone().ok_or_else(|| unavailable("GetObject", Some("no ETag")))?;
                Ok(Some(Current { bytes: body(answer).await?, tag }))
            }
            Err(error) => match error.as_service_error().and_then(|e| e.code()) {
                Some("NoSuchKey") => Ok(None),
                _ => Err(failed("GetObject", &error)),
            },
        }
    }

    async fn replace(&self, key: &str, bytes: Vec<u8>, read: Option<&str>) -> Result<bool, PortError> {
        // No tag: it is never to go, only what it was.
        let call = self.for_weeks(self.put(key, bytes));
        let call = match read {
            None => call.if_none_match("*"),
            Some(tag) => call.if_match(tag),
        };
        match call.send().await {
            Ok(_) => Ok(true),
            // An object that is not there cannot match.
            Err(error) if unmet(&error) || code(&error) == Some("NoSuchKey") => Ok(false),
            Err(error) => Err(failed("PutObject", &error)),
        }
    }

    async fn derive(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
        let call = self.client.put_object().bucket(&self.derived).key(key).content_type("application/gzip");
        let answer = call.body(ByteStream::from(bytes)).send().await;
        answer.map(|_| ()).map_err(|error| failed("PutObject", &error))
    }
}

async fn body(answer: GetObjectOutput) -> Result<Vec<u8>, PortError> {
    let bytes = answer.body.collect().await.map_err(|_| unavailable("GetObject", Some("broken off")))?;
    Ok(bytes.to_vec())
}

fn unmet<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(code(error), Some("PreconditionFailed" | "ConditionalRequestConflict"))
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(|e| e.code())
}

fn failed<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> PortError {
    unavailable(operation, code(error))
}
