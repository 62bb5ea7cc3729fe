//! The Slack installation: one secret, and what is made of it. It knows no request.

mod lazy;

use std::time::Duration;

use countersign_chat::slack::client::{BotToken, ClientError, SlackClient};
use countersign_chat::slack::identity::Workspace;
use countersign_chat::slack::signature::{SigningSecret, WeakSecret};
use serde::Deserialize;

pub use lazy::{LazySlack, Make, NoSecret, Read};

/// One call to Slack takes no longer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The stack's Slack secret, as JSON in Secrets Manager.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackSecret {
    bot_token: String,
    signing_secret: String,
    team_id: String,
    app_id: String,
    enterprise_id: Option<String>,
}

impl std::fmt::Debug for SlackSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlackSecret(hidden)")
    }
}

impl SlackSecret {
    /// A client for the API at `base`.
    ///
    /// # Errors
    /// When the base is not a URL that tokens may be sent to, or the token is not one.
    pub fn client(&self, base: &str) -> Result<SlackClient, ClientError> {
        SlackClient::new(base, BotToken::new(&self.bot_token)?, TIMEOUT)
    }

    /// What Slack signs its calls with.
    ///
    /// # Errors
    /// When it is empty or too short to be one.
    pub fn signing(&self) -> Result<SigningSecret, WeakSecret> {
        SigningSecret::new(&self.signing_secret)
    }

    /// Whose accounts may act.
    pub fn workspace(&self) -> Workspace {
        Workspace {
            team: self.team_id.clone(),
            enterprise: self.enterprise_id.clone(),
            app: self.app_id.clone(),
        }
    }
}

/// What the secret makes of Slack.
#[derive(Debug)]
pub struct Installation<C> {
    /// The Web API.
    pub chat: C,
    /// What Slack signs with.
    pub signing: SigningSecret,
    /// Whose accounts may act.
    pub workspace: Workspace,
}

/// Why a secret makes no installation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetUpError {
    /// No client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A signing secret that anybody could guess, or not one.
    #[error(transparent)]
    Signing(#[from] WeakSecret),
}

impl<C> Installation<C> {
    fn of(secret: &SlackSecret, make: &Make<C>) -> Result<Self, SetUpError> {
        Ok(Self { chat: make(secret)?, signing: secret.signing()?, workspace: secret.workspace() })
    }
}
