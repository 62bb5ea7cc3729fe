//! The workflow's first step: keep the task token and post the first cards.

#![recursion_limit = "256"]

mod handler;

use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let stack = countersign_aws::stack::from_env(String::new()).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        handler::handle(&stack, event.payload).await
    }))
    .await
}
