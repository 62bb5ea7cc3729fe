//! Carries recorded events into the archive: by the stream, once a minute, and when somebody needs one sealed.

mod app;
mod archive;
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
