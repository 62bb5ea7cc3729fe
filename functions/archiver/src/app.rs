//! What the function is set up with, once per process.

use countersign_app::env::{InvalidSetting, required};
use countersign_aws::archive::S3Archive;
use countersign_aws::table::DynamoTable;

/// The function's collaborators.
pub struct App<T, A> {
    /// The truth.
    pub table: T,
    /// The archive.
    pub archive: A,
}

impl App<DynamoTable, S3Archive> {
    /// The app of this process's environment.
    pub async fn from_env() -> Result<Self, InvalidSetting> {
        let config = countersign_aws::client::config().await;
        Ok(Self {
            table: DynamoTable::new(&config, required("TABLE_NAME")?),
            archive: S3Archive::new(&config, required("ARCHIVE_BUCKET")?),
        })
    }
}
