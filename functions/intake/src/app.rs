//! What the function is set up with, once per process.

use countersign_app::env::{InvalidSetting, optional, or, required};
use countersign_app::policy::PolicySource;
use countersign_aws::seal::LambdaSealer;
use countersign_aws::table::DynamoTable;
use countersign_aws::workflow::StepFunctions;
use countersign_http::{TokenKind, Verifier};

/// The function's collaborators and settings.
pub struct App<T, W, S> {
    /// The truth.
    pub table: T,
    /// The workflow; none where the function only reads.
    pub workflow: Option<W>,
    /// Who puts events into the log.
    pub sealer: S,
    /// Policy as it is now.
    pub policy: PolicySource,
    /// Which stack records.
    pub source: String,
    /// Which half of the API this deployment serves.
    pub serves: Serves,
    /// How agents prove who they are.
    pub auth: Auth,
}

/// Which half of the API a deployment serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Everything that writes, and explain.
    Writes,
    /// Reading, listing and waiting.
    Reads,
}

/// How agents prove who they are.
pub enum Auth {
    /// API Gateway checks a SigV4 signature.
    Iam,
    /// The function checks a token itself.
    Token(Box<Verifier>),
}

impl App<DynamoTable, StepFunctions, LambdaSealer> {
    /// The app of this process's environment.
    pub async fn from_env() -> Result<Self, InvalidSetting> {
        let serves = match required("SERVES")?.as_str() {
            "writes" => Serves::Writes,
            "reads" => Serves::Reads,
            other => {
                return Err(InvalidSetting {
                    name: "SERVES",
                    problem: format!("is {other:?}, not writes or reads"),
                });
            }
        };
        let auth = match or("AGENT_AUTH", "AWS_IAM").as_str() {
            "AWS_IAM" => Auth::Iam,
            "JWT" => Auth::Token(Box::new(verifier()?)),
            other => {
                return Err(InvalidSetting {
                    name: "AGENT_AUTH",
                    problem: format!("is {other:?}, not AWS_IAM or JWT"),
                });
            }
        };
        let config = countersign_aws::client::config().await;
        Ok(Self {
            table: DynamoTable::new(&config, required("TABLE_NAME")?),
            workflow: optional("STATE_MACHINE_ARN").map(|arn| StepFunctions::new(&config, arn)),
            sealer: LambdaSealer::new(&config, required("ARCHIVER_FUNCTION_NAME")?),
            policy: PolicySource::new(or("POLICY_DIR", "/opt/policy")),
            source: required("EVENT_SOURCE")?,
            serves,
            auth,
        })
    }
}

fn verifier() -> Result<Verifier, InvalidSetting> {
    let (issuer, audience) = (required("AGENT_ISSUER")?, required("AGENT_AUDIENCE")?);
    Verifier::new(&issuer, &audience, TokenKind::Agent)
        .map_err(|error| InvalidSetting { name: "AGENT_ISSUER", problem: error.to_string() })
}
