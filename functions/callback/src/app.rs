//! What the function is set up with, once per process. A weak or unreadable secret ends the start.

use countersign_app::env::{InvalidSetting, optional, or, required};
use countersign_app::policy::PolicySource;
use countersign_app::slack::SlackSecret;
use countersign_aws::secrets::Secrets;
use countersign_aws::table::DynamoTable;
use countersign_aws::tokens::DynamoTokens;
use countersign_aws::workflow::StepFunctions;
use countersign_chat::slack::SlackClient;
use countersign_chat::slack::identity::Workspace;
use countersign_chat::slack::signature::SigningSecret;
use countersign_http::{TokenKind, Verifier};
use lambda_runtime::Error;

/// The function's collaborators and settings.
pub struct App<T, K, W, C> {
    /// The truth.
    pub table: T,
    /// Task tokens.
    pub tokens: K,
    /// The workflow, to be resumed.
    pub workflow: W,
    /// Policy as it is now.
    pub policy: PolicySource,
    /// Which stack records.
    pub source: String,
    /// The Slack installation, where there is one.
    pub slack: Option<Slack<C>>,
    /// Checks reviewers' tokens, where an issuer is given.
    pub verifier: Option<Verifier>,
}

/// A Slack installation.
pub struct Slack<C> {
    /// The Web API.
    pub chat: C,
    /// What Slack signs with.
    pub signing: SigningSecret,
    /// Whose accounts may act.
    pub workspace: Workspace,
}

impl App<DynamoTable, DynamoTokens, StepFunctions, SlackClient> {
    /// The app of this process's environment.
    pub async fn from_env() -> Result<Self, Error> {
        let config = countersign_aws::client::config().await;
        let slack = match optional("SLACK_SECRET_ARN") {
            Some(arn) => {
                let secret: SlackSecret = Secrets::new(&config).read(&arn).await?;
                let chat = secret.client(&or("SLACK_API_BASE", "https://slack.com/api"))?;
                Some(Slack { chat, signing: secret.signing()?, workspace: secret.workspace() })
            }
            None => None,
        };
        Ok(Self {
            table: DynamoTable::new(&config, required("TABLE_NAME")?),
            tokens: DynamoTokens::new(&config, required("TOKENS_TABLE_NAME")?),
            workflow: StepFunctions::new(&config, ""),
            policy: PolicySource::new(or("POLICY_DIR", "/opt/policy")),
            source: required("EVENT_SOURCE")?,
            slack,
            verifier: verifier()?,
        })
    }
}

fn verifier() -> Result<Option<Verifier>, InvalidSetting> {
    let Some(issuer) = optional("REVIEW_ISSUER") else { return Ok(None) };
    let verifier = Verifier::new(&issuer, &required("REVIEW_AUDIENCE")?, TokenKind::Reviewer);
    verifier.map(Some).map_err(|error| InvalidSetting { name: "REVIEW_ISSUER", problem: error.to_string() })
}
