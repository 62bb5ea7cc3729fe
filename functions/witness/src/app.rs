//! What the function is set up with, once per process.

use countersign_app::env::{InvalidSetting, required};
use countersign_aws::kms::KmsSigner;
use countersign_aws::observations::DynamoObservations;
use countersign_tlog::VerifierKey;
use tokio::sync::OnceCell;

use crate::witness::Witness;

/// The witness of a stack.
pub type App = Witness<DynamoObservations, KmsSigner>;

/// The witness of this process's environment.
pub async fn from_env() -> Result<App, InvalidSetting> {
    let config = countersign_aws::client::config().await;
    Ok(Witness {
        observations: DynamoObservations::new(&config, required("TABLE_NAME")?),
        signer: KmsSigner::new(&config, required("SIGNING_KEY_ID")?),
        name: required("WITNESS_NAME")?,
        logs: logs(&required("TRUSTED_LOGS")?)?,
        key: OnceCell::new(),
    })
}

/// Reads `origin vkey, origin vkey`. A log that changes its key is there once with each.
pub fn logs(list: &str) -> Result<Vec<(String, VerifierKey)>, InvalidSetting> {
    let invalid = |problem: String| InvalidSetting { name: "TRUSTED_LOGS", problem };
    let entries = list.split(',').map(|entry| {
        let (origin, vkey) = entry
            .trim()
            .rsplit_once(' ')
            .ok_or_else(|| invalid("is not a list of \"origin vkey\", with commas between".into()))?;
        let key: VerifierKey = vkey.parse().map_err(|error| invalid(format!("holds {vkey:?}: {error}")))?;
        Ok((origin.trim().to_owned(), key))
    });
    entries.collect()
}
