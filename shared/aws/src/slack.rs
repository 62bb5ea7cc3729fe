//! Slack for functions whose main work is another: set up when first needed, and again after a failure.

use std::sync::Arc;

use countersign_app::ports::Chats;
use countersign_app::slack::SlackSecret;
use countersign_chat::slack::SlackClient;
use tokio::sync::Mutex;

use crate::secrets::Secrets;

/// A Slack client that is made when it is first needed. While it cannot be made, cards wait and nothing else does.
#[derive(Debug)]
pub struct LazySlack {
    secrets: Secrets,
    secret: Option<String>,
    base: String,
    made: Mutex<Option<Arc<SlackClient>>>,
}

impl LazySlack {
    /// Of the secret with this ARN (`None` = the stack has no Slack), for the API at `base`. Nothing is read yet.
    pub fn new(secrets: Secrets, secret: Option<String>, base: String) -> Self {
        Self { secrets, secret, base, made: Mutex::new(None) }
    }
}

impl Chats for LazySlack {
    type Chat = SlackClient;

    async fn get(&self) -> Option<Arc<SlackClient>> {
        let mut made = self.made.lock().await;
        if made.is_none() {
            let id = self.secret.as_deref()?;
            let secret = self.secrets.read::<SlackSecret>(id).await.inspect_err(|error| {
                tracing::error!(error = %error, "Slack's secret cannot be read: cards wait");
            });
            let client = secret.ok()?.client(&self.base).inspect_err(|error| {
                tracing::error!(error = %error, "Slack cannot be set up: cards wait");
            });
            *made = Some(Arc::new(client.ok()?));
        }
        made.clone()
    }
}
