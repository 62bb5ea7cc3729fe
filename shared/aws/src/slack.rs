//! Slack by its secret in Secrets Manager.

use countersign_app::clock::now;
use countersign_app::slack::Read;
use countersign_chat::slack::SlackClient;

use crate::secrets::Secrets;

/// The Slack of a function.
pub type LazySlack = countersign_app::slack::LazySlack<SlackClient>;

/// Of the secret with this ARN (`None` = the stack has no Slack), for the API at `base`. Nothing is read yet.
pub fn lazy(secrets: Secrets, secret: Option<String>, base: String) -> LazySlack {
    let read = secret.map(|id| -> Read {
        Box::new(move || {
            let (secrets, id) = (secrets.clone(), id.clone());
            Box::pin(async move { secrets.read(&id).await })
        })
    });
    LazySlack::new(read, move |secret| secret.client(&base), now)
}
