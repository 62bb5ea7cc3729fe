//! `stack.json`: what runs and where. Tests, the demo and people's own scripts read it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::repo::Place;

/// A running local stack.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Stack {
    /// The engine itself: what tests and agents talk to.
    pub engine_url: String,
    /// The fault proxy in front of the engine: what the functions talk to.
    pub proxy_url: String,
    /// Where rules for it are set.
    pub proxy_control_url: String,
    /// The stand-in workspace: its page, and its control routes under `/_standin`.
    pub slack_url: String,
    /// The fault proxy in front of it: what the functions talk to.
    pub slack_proxy_url: String,
    /// Where rules for that are set.
    pub slack_proxy_control_url: String,
    /// The sign-in provider; also the issuer.
    pub oidc_url: String,
    /// Base URL of the agents' API.
    pub agents_api: String,
    /// Base URL of the reviewers' API.
    pub review_api: String,
    /// The engine's one region.
    pub region: String,
    /// Root of the engine's one account.
    pub access_key_id: String,
    /// Its secret, known to everybody and good for nothing elsewhere.
    pub secret_access_key: String,
    /// The stack's name in CloudFormation.
    pub stack_name: String,
    /// Where the template and its parameters lie as they were deployed: `template.json`, `parameters.json`.
    pub deployed: PathBuf,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The directory the functions read the policy from.
    pub policy_dir: PathBuf,
    /// What the stand-in signs its interactions with.
    pub slack_signing_secret: String,
    /// What the functions post to it with.
    pub slack_bot_token: String,
    /// The `countersign` program.
    pub cli: PathBuf,
    /// The interpreter that has boto3.
    pub python: PathBuf,
    /// Chromium, when the machine has it.
    pub chromium: Option<PathBuf>,
}

impl Stack {
    /// Writes it, for this user only.
    pub fn write(&self, place: &Place) -> Result<()> {
        let path = place.stack_json();
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Reads it; an error when nothing runs there.
    pub fn read(place: &Place) -> Result<Self> {
        let path = place.stack_json();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a stack", path.display()))
    }
}

/// The base URL at which the engine serves the HTTP API of this id.
pub fn api_url(engine_url: &str, id: &str) -> String {
    format!("{engine_url}/_aws/execute-api/{id}/$default")
}
