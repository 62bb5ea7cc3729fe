//! Heals every view of the truth: workflows, deadlines and cards, by the table's stream and once a minute.

#![recursion_limit = "256"]

mod app;
mod handler;
mod heal;

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
