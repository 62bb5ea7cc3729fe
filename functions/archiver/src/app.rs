//! What the function is set up with, once per process.

use countersign_app::clock::spread;
use countersign_app::env::{InvalidSetting, log_origin, required};
use countersign_app::log::{BESIDE, TRANSACTION};
use countersign_aws::archive::S3Archive;
use countersign_aws::kms::KmsSigner;
use countersign_aws::table::DynamoTable;
use tokio::sync::OnceCell;

use crate::log::Logs;

/// The logs of a stack.
pub type App = Logs<DynamoTable, S3Archive, KmsSigner>;

/// The app of this process's environment.
pub async fn from_env() -> Result<App, InvalidSetting> {
    let config = countersign_aws::client::config().await;
    let days = required("RETENTION_DAYS")?;
    let days = days
        .parse()
        .map_err(|_| InvalidSetting { name: "RETENTION_DAYS", problem: "not a number of days".into() })?;
    Ok(Logs {
        table: DynamoTable::new(&config, required("TABLE_NAME")?),
        archive: S3Archive::new(&config, required("ARCHIVE_BUCKET")?, required("DERIVED_BUCKET")?, days),
        signer: KmsSigner::new(&config, required("SIGNING_KEY_ID")?),
        base: log_origin()?,
        source: required("EVENT_SOURCE")?,
        most: TRANSACTION - BESIDE,
        spread,
        key: OnceCell::new(),
    })
}
