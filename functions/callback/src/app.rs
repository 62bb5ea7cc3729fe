//! What the function is set up with, once per process. Slack's secret is read then, and again later: without it the
//! reviewers' API works all the same.

use std::time::Duration;

use countersign_app::env::{InvalidSetting, optional, or, required};
use countersign_app::policy::PolicySource;
use countersign_app::slack::LazySlack;
use countersign_aws::seal::LambdaSealer;
use countersign_aws::secrets::Secrets;
use countersign_aws::slack::lazy;
use countersign_aws::table::DynamoTable;
use countersign_aws::tokens::DynamoTokens;
use countersign_aws::workflow::StepFunctions;
use countersign_chat::slack::SlackClient;
use countersign_http::{TokenKind, Verifier};
use lambda_runtime::Error;
use tokio::time::timeout;

/// How long a start waits for Slack's secret. Lambda gives a start 10 s.
const WARM: Duration = Duration::from_secs(4);

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
    /// Slack, where there is one.
    pub slack: LazySlack<C>,
    /// Checks reviewers' tokens, where an issuer is given.
    pub verifier: Option<Verifier>,
}

impl App<DynamoTable, DynamoTokens, StepFunctions, SlackClient> {
    /// The app of this process's environment.
    pub async fn from_env() -> Result<Self, Error> {
        let config = countersign_aws::client::config().await;
        let base = or("SLACK_API_BASE", "https://slack.com/api");
        let slack = lazy(Secrets::new(&config), optional("SLACK_SECRET_ARN"), base);
        if !matches!(timeout(WARM, slack.get()).await, Ok(Ok(_))) {
            tracing::error!("Slack's paths answer 503 until its secret can be read");
        }
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

/// Who has the log say something of itself.
pub async fn recorder() -> Result<LambdaSealer, InvalidSetting> {
    let config = countersign_aws::client::config().await;
    Ok(LambdaSealer::new(&config, required("ARCHIVER_FUNCTION_NAME")?))
}

fn verifier() -> Result<Option<Verifier>, InvalidSetting> {
    let Some(issuer) = optional("REVIEW_ISSUER") else { return Ok(None) };
    let verifier = Verifier::new(&issuer, &required("REVIEW_AUDIENCE")?, TokenKind::Reviewer);
    verifier.map(Some).map_err(|error| InvalidSetting { name: "REVIEW_ISSUER", problem: error.to_string() })
}
