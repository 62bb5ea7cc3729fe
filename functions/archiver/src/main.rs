//! Carries recorded events into the log: by the stream, once a minute, and when somebody needs one sealed.

mod app;
mod collect;
mod commit;
mod derived;
mod edge;
#[cfg(test)]
mod fuzz;
mod handler;
mod head;
mod log;
mod publish;
mod receipt;
#[cfg(test)]
mod tests;

use countersign_app::clock::now;
use countersign_app::metrics::LogHalted;
use handler::Report;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::from_env().await?;
    let function = countersign_app::env::required("AWS_LAMBDA_FUNCTION_NAME")?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        let report = |report| match report {
            Report::Swept(swept) => swept.report(&app.source, "archiver", now()),
            Report::Halted => LogHalted.report(&function, now()),
        };
        handler::handle(&app, event.payload, report).await
    }))
    .await
}
