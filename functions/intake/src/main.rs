//! The agents' API. Deployed twice from this binary: Intake writes, Query reads and long-polls.

#![recursion_limit = "256"]

mod app;
mod ask;
mod create;
mod execution;
mod handler;
mod read;
mod respond;
mod seal;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::App::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(handler::handle(&app, event.payload).await)
    }))
    .await
}
