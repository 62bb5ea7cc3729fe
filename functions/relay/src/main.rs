//! Heals every view of the truth: workflows, deadlines and cards, by the table's stream and once a minute.

#![recursion_limit = "256"]

mod handler;
mod heal;
mod round;
#[cfg(test)]
mod tests;

use countersign_app::clock::now;
use countersign_app::metrics::Swept;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let machine = countersign_app::env::required("STATE_MACHINE_ARN")?;
    let stack = countersign_aws::stack::from_env(machine).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        let report = |swept: Swept| swept.report(&stack.source, "relay", now());
        handler::handle(&stack, event.payload, now, report).await
    }))
    .await
}
