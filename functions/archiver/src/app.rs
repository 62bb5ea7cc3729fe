//! What the function is set up with, once per process.

use countersign_app::clock::spread;
use countersign_app::env::{InvalidSetting, required};
use countersign_app::log::TRANSACTION;
use countersign_aws::archive::S3Archive;
use countersign_aws::kms::KmsSigner;
use countersign_aws::table::DynamoTable;
use countersign_domain::ids::InvalidId;
use tokio::sync::OnceCell;

use crate::log::Log;

/// The log of a stack.
pub type App = Log<DynamoTable, S3Archive, KmsSigner>;

/// The app of this process's environment.
pub async fn from_env() -> Result<App, InvalidSetting> {
    let config = countersign_aws::client::config().await;
    let origin = required("LOG_ORIGIN")?;
    let invalid = |error: InvalidId| InvalidSetting { name: "LOG_ORIGIN", problem: error.to_string() };
    Ok(Log {
        table: DynamoTable::new(&config, required("TABLE_NAME")?),
        archive: S3Archive::new(&config, required("ARCHIVE_BUCKET")?, required("DERIVED_BUCKET")?),
        signer: KmsSigner::new(&config, required("SIGNING_KEY_ID")?),
        origin: origin.parse().map_err(invalid)?,
        source: required("EVENT_SOURCE")?,
        most: TRANSACTION - 1,
        spread,
        key: OnceCell::new(),
    })
}
