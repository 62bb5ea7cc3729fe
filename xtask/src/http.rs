//! Small HTTP calls on this machine: health, control ports, stand-ins.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longest a local service may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

fn agent(patience: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder();
    // No proxy of the shell: every address here is on this machine.
    config.proxy(None).timeout_global(Some(patience)).http_status_as_error(false).build().into()
}

/// Whether a GET is answered with 200.
pub fn is_up(url: &str) -> bool {
    agent(Duration::from_secs(5)).get(url).call().is_ok_and(|answer| answer.status() == 200)
}

/// GETs JSON; an answer of 400 or more is an error.
pub fn get(url: &str) -> Result<Value> {
    let answer = agent(PATIENCE).get(url).call().with_context(|| format!("GET {url}"))?;
    read(&format!("GET {url}"), answer)
}

/// DELETEs; an answer of 400 or more is an error.
pub fn delete(url: &str) -> Result<Value> {
    let answer = agent(PATIENCE).delete(url).call().with_context(|| format!("DELETE {url}"))?;
    read(&format!("DELETE {url}"), answer)
}

/// POSTs JSON and reads JSON; an answer of 400 or more is an error.
pub fn post(url: &str, body: &Value) -> Result<Value> {
    let call = agent(PATIENCE).post(url).header("content-type", "application/json");
    let answer = call.send(body.to_string()).with_context(|| format!("POST {url}"))?;
    read(&format!("POST {url}"), answer)
}

fn read(call: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let text = answer.body_mut().read_to_string().with_context(|| call.to_owned())?;
    if answer.status().as_u16() >= 400 {
        bail!("{call} answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{call} did not answer JSON: {text}"))
}
