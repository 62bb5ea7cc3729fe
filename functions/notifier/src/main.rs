//! The workflow's first step: keep the task token and post the first cards.

#![recursion_limit = "256"]

mod app;
mod handler;

use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::App::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        handler::handle(&app, event.payload).await
    }))
    .await
}
