//! Carries recorded events into the archive: by the stream, once a minute, and when somebody needs one sealed.

mod app;
mod archive;
mod handler;

use countersign_app::clock::now;
use countersign_app::metrics::Swept;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::App::from_env().await?;
    let source = countersign_app::env::required("EVENT_SOURCE")?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        let report = |swept: Swept| swept.report(&source, "archiver", now());
        handler::handle(&app, event.payload, report).await
    }))
    .await
}
