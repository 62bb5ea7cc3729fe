//! Step Functions: one execution per request, resumed by its task token.

use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::ExecutionStatus;
use countersign_app::ports::{Execution, PortError, Resumed, Workflow};
use countersign_app::store::Token;
use countersign_domain::{RequestId, Status};

use crate::error::unavailable;

/// The state machine of one stack.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    client: Client,
    machine: String,
}

impl StepFunctions {
    /// The machine with this ARN. A function that only resumes needs no ARN: pass the empty text.
    pub fn new(config: &SdkConfig, machine: impl Into<String>) -> Self {
        Self { client: Client::new(config), machine: machine.into() }
    }
}

/// Execution names are kept for 90 days, so a name is enough to make starting idempotent.
fn execution_name(id: &RequestId, n: u32) -> String {
    if n == 0 { id.to_string() } else { format!("{id}-{n}") }
}

impl Workflow for StepFunctions {
    async fn start(&self, id: &RequestId, n: u32) -> Result<(), PortError> {
        let input = serde_json::json!({"id": id, "n": n}).to_string();
        let call = self.client.start_execution().state_machine_arn(&self.machine);
        match call.name(execution_name(id, n)).input(input).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error().and_then(|e| e.code()) {
                Some("ExecutionAlreadyExists") => Ok(()),
                code => Err(unavailable("StartExecution", code)),
            },
        }
    }

    async fn describe(&self, id: &RequestId, n: u32) -> Result<Execution, PortError> {
        let arn = self.machine.replacen(":stateMachine:", ":execution:", 1);
        let call = self.client.describe_execution().execution_arn(format!("{arn}:{}", execution_name(id, n)));
        match call.send().await {
            Ok(answer) if *answer.status() == ExecutionStatus::Running => Ok(Execution::Running),
            Ok(_) => Ok(Execution::Ended),
            Err(error) => match error.as_service_error().and_then(|e| e.code()) {
                Some("ExecutionDoesNotExist") => Ok(Execution::Missing),
                code => Err(unavailable("DescribeExecution", code)),
            },
        }
    }

    async fn resume(&self, id: &RequestId, token: &Token, status: Status) -> Result<Resumed, PortError> {
        let output = serde_json::json!({"id": id, "status": status}).to_string();
        match self.client.send_task_success().task_token(&token.token).output(output).send().await {
            Ok(_) => Ok(Resumed::Resumed),
            Err(error) => match error.as_service_error().and_then(|e| e.code()) {
                Some("TaskTimedOut" | "TaskDoesNotExist") => Ok(Resumed::Closed),
                Some("InvalidToken") => Ok(Resumed::InvalidToken),
                code => Err(unavailable("SendTaskSuccess", code)),
            },
        }
    }
}
