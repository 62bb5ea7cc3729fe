//! What the function is set up with, once per process.

use countersign_app::env::{InvalidSetting, optional, or, required};
use countersign_app::policy::PolicySource;
use countersign_aws::notice::SnsTopic;
use countersign_aws::secrets::Secrets;
use countersign_aws::slack::LazySlack;
use countersign_aws::table::DynamoTable;
use countersign_aws::tokens::DynamoTokens;
use countersign_aws::workflow::StepFunctions;

/// The function's collaborators and settings.
pub struct App {
    /// The truth.
    pub table: DynamoTable,
    /// Task tokens.
    pub tokens: DynamoTokens,
    /// The workflow, to be started and resumed.
    pub workflow: StepFunctions,
    /// Policy as it is now.
    pub policy: PolicySource,
    /// Which stack records.
    pub source: String,
    /// The Slack installation, where there is one.
    pub slack: LazySlack,
    /// The topic for notices.
    pub notice: SnsTopic,
}

impl App {
    /// The app of this process's environment.
    pub async fn from_env() -> Result<Self, InvalidSetting> {
        let config = countersign_aws::client::config().await;
        Ok(Self {
            table: DynamoTable::new(&config, required("TABLE_NAME")?),
            tokens: DynamoTokens::new(&config, required("TOKENS_TABLE_NAME")?),
            workflow: StepFunctions::new(&config, required("STATE_MACHINE_ARN")?),
            policy: PolicySource::new(or("POLICY_DIR", "/opt/policy")),
            source: required("EVENT_SOURCE")?,
            slack: LazySlack::new(
                Secrets::new(&config),
                optional("SLACK_SECRET_ARN"),
                or("SLACK_API_BASE", "https://slack.com/api"),
            ),
            notice: SnsTopic::new(&config, required("TOPIC_ARN")?),
        })
    }
}
