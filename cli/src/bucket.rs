//! The log's files in their bucket: the one place of this program that names a type of the S3 client.
//!
//! Object Lock does not stop a second version or a delete marker, and a plain read shows the newest. So all versions are
//! listed first, more than one of any file that is written once is refused by name, and the listed version is read.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use countersign_audit::source::{LogSource, SourceError};

use crate::failure::Failure;

/// The one file that is written again and again.
const CHECKPOINT: &str = "checkpoint";

/// So many files are named in a message.
const NAMED: usize = 20;

/// A log in a bucket, as it was listed.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    prefix: String,
    versions: BTreeMap<String, Option<String>>,
}

/// What is seen of one file while versions are listed, newest first.
#[derive(Debug, Default)]
struct Seen {
    newest: Option<String>,
    versions: usize,
    markers: usize,
    hidden: bool,
}

impl Bucket {
    /// Lists the log `origin` in the bucket, with credentials from the usual chain.
    ///
    /// # Errors
    /// [`Failure::Broken`] when a file that is written once has a second version or a delete marker; otherwise what
    /// the service said.
    pub async fn open(name: &str, origin: &str) -> Result<Self, Failure> {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        let own_endpoint = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(own_endpoint).build();
        let (client, prefix) = (Client::from_conf(config), format!("{origin}/"));
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let mut after = (None, None);
        loop {
            let call = client.list_object_versions().bucket(name).prefix(&prefix);
            let call = call.set_key_marker(after.0).set_version_id_marker(after.1);
            let page = call.send().await.map_err(|e| failure(name, &e))?;
            let of = |key: Option<String>| Some(key?.strip_prefix(&prefix)?.to_owned());
            for version in page.versions.unwrap_or_default() {
                let Some(path) = of(version.key) else { continue };
                let seen = seen.entry(path).or_default();
                seen.versions += 1;
                if seen.newest.is_none() || version.is_latest == Some(true) {
                    seen.newest = version.version_id;
                }
            }
            for marker in page.delete_markers.unwrap_or_default() {
                let Some(path) = of(marker.key) else { continue };
                let seen = seen.entry(path).or_default();
                seen.markers += 1;
                seen.hidden |= marker.is_latest == Some(true);
            }
            after = (page.next_key_marker, page.next_version_id_marker);
            if page.is_truncated != Some(true) || after.0.is_none() {
                break;
            }
        }
        refuse(&seen)?;
        let there = seen.into_iter().filter(|(_, seen)| seen.versions > 0 && !seen.hidden);
        let versions = there.map(|(path, seen)| (path, seen.newest)).collect();
        Ok(Self { client, name: name.to_owned(), prefix, versions })
    }
}

/// Names every file that somebody wrote again or hid.
fn refuse(seen: &BTreeMap<String, Seen>) -> Result<(), Failure> {
    let odd = |(path, seen): &(&String, &Seen)| {
        path.as_str() != CHECKPOINT && (seen.versions != 1 || seen.markers > 0)
    };
    let odd: Vec<_> = seen.iter().filter(odd).collect();
    if odd.is_empty() {
        return Ok(());
    }
    let named = odd
        .iter()
        .take(NAMED)
        .map(|(path, seen)| format!("{path} ({} versions, {} delete markers)", seen.versions, seen.markers));
    let (named, more) = (named.collect::<Vec<_>>().join(", "), odd.len().saturating_sub(NAMED));
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Err(Failure::Broken(format!(
        "the bucket is not as the log wrote it, somebody wrote again or hid what is written once: {named}{more}"
    )))
}

impl LogSource for Bucket {
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(version) = self.versions.get(path) else { return Ok(None) };
        let failed = |message: String| SourceError { path: path.to_owned(), message };
        let call = self.client.get_object().bucket(&self.name).key(format!("{}{path}", self.prefix));
        let answer = call.set_version_id(version.clone()).send().await;
        let answer = answer.map_err(|e| failed(DisplayErrorContext(&e).to_string()))?;
        let bytes = answer.body.collect().await.map_err(|e| failed(e.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }
}

fn failure<E, R>(bucket: &str, error: &SdkError<E, R>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(answer) => {
            let said = answer.err().message().or(answer.err().code()).unwrap_or("no reason given");
            Failure::Local(format!("the bucket {bucket} cannot be listed: {said}"))
        }
        SdkError::ConstructionFailure(_) => {
            Failure::Credentials(format!("S3 cannot be called: {}", DisplayErrorContext(error)))
        }
        _ => Failure::Unreachable {
            host: format!("the bucket {bucket}"),
            why: format!("cannot be reached: {}", DisplayErrorContext(error)),
            sent: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_version_or_a_delete_marker_is_named() {
        fn check(path: &str, versions: usize, markers: usize, refused: bool) {
            let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
            seen.insert("tile/0/000".into(), Seen { versions: 1, ..Seen::default() });
            seen.insert(path.into(), Seen { versions, markers, ..Seen::default() });
            match refuse(&seen) {
                Ok(()) => assert!(!refused, "{path}"),
                Err(failure) => {
                    assert!(refused && failure.to_string().contains(path), "{failure}");
                    assert!(!failure.to_string().contains("tile/0/000"), "{failure}");
                    assert_eq!(failure.exit().word(), "broken");
                }
            }
        }
        check("checkpoint", 300, 2, false);
        check("checkpoints/00000000000000000007", 1, 0, false);
        check("checkpoints/00000000000000000007", 2, 0, true);
        check("tile/entries/000", 1, 1, true);
        check("tile/entries/000.p/7", 0, 1, true);
    }
}
