//! The function: see the library.

use countersign_app::clock::now;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use witness::{app, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    countersign_app::logging::init();
    let app = app::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(handler::handle(&app, event.payload, now()).await)
    }))
    .await
}
