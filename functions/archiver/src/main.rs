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
mod record;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod tests;
mod witness;

use countersign_app::clock::now;
use countersign_app::doorbell::Doorbell;
use countersign_app::metrics::{LogHalted, WitnessAsked};
use handler::Report;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::from_env().await?;
    let witness = witness::Witness::from_env()?;
    let function = countersign_app::env::required("AWS_LAMBDA_FUNCTION_NAME")?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async {
        let report = |report| match report {
            Report::Swept(swept) => swept.report(&app.source, "archiver", now()),
            Report::Halted => LogHalted.report(&function, now()),
        };
        let sweep = matches!(Doorbell::of(&event.payload), Doorbell::Sweep);
        let answer = handler::handle(&app, event.payload, report).await;
        if let (true, Ok(_), Some(witness)) = (sweep, &answer, &witness) {
            WitnessAsked { cosigned: witness.ask(&app).await }.report(&app.source, now());
        }
        answer
    }))
    .await
}
