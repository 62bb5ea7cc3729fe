//! The stack of this process's environment, for the functions that bring views up to date.

use countersign_app::env::{InvalidSetting, log_origin, optional, or, required};
use countersign_app::policy::PolicySource;
use countersign_app::stack::Stack;

use crate::notice::SnsTopic;
use crate::secrets::Secrets;
use crate::slack::{LazySlack, lazy};
use crate::table::DynamoTable;
use crate::tokens::DynamoTokens;
use crate::workflow::StepFunctions;

/// A stack on AWS.
pub type AwsStack = Stack<DynamoTable, DynamoTokens, StepFunctions, LazySlack, SnsTopic>;

/// The stack with this state machine. A function that only resumes passes the empty text.
///
/// # Errors
/// When a setting is missing.
pub async fn from_env(machine: String) -> Result<AwsStack, InvalidSetting> {
    let config = crate::client::config().await;
    Ok(Stack {
        table: DynamoTable::new(&config, required("TABLE_NAME")?),
        tokens: DynamoTokens::new(&config, required("TOKENS_TABLE_NAME")?),
        workflow: StepFunctions::new(&config, machine),
        policy: PolicySource::new(or("POLICY_DIR", "/opt/policy")),
        source: required("EVENT_SOURCE")?,
        log: log_origin()?,
        slack: lazy(
            Secrets::new(&config),
            optional("SLACK_SECRET_ARN"),
            or("SLACK_API_BASE", "https://slack.com/api"),
        ),
        notice: SnsTopic::new(&config, required("TOPIC_ARN")?),
    })
}
