//! People decide here: in chat, whose signatures this function checks, and by API, whose tokens it checks.

#![recursion_limit = "256"]

mod agents;
mod app;
mod budget;
mod decide;
mod erase;
mod handler;
mod log;
mod person;
mod review;
#[cfg(test)]
mod secret_tests;
mod slack;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::App::from_env().await?;
    let recorder = app::recorder().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(handler::handle(&app, &recorder, event.payload).await)
    }))
    .await
}
