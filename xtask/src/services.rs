//! How each service of a local stack is started, and how it says that it is ready.

use std::io::Read;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::environments;
use crate::http;
use crate::process::Services;
use crate::repo::root;

/// The engine's one region.
pub const REGION: &str = "eu-west-1";
/// Longest a service may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fault proxy that is ready.
pub struct Proxy {
    /// Where callers connect.
    pub url: String,
    /// Where rules are set.
    pub control_url: String,
}

/// The stand-ins that are ready.
pub struct Chat {
    /// The workspace.
    pub slack_url: String,
    /// The sign-in provider.
    pub oidc_url: String,
    /// The Slack secret as the functions read it.
    pub secret: Value,
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts a fault proxy in front of `upstream`.
pub fn proxy(services: &Services, name: &str, upstream: &str) -> Result<Proxy> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.args(["proxy", "--upstream", upstream]);
    services.start(name, command)?;
    let ready = services.ready_line(name, PATIENCE)?;
    Ok(Proxy { url: text(&ready, "url")?, control_url: text(&ready, "control_url")? })
}

/// Starts the engine on this port; the functions it runs call `endpoint`.
pub fn engine(services: &Services, port: u16, endpoint: &str) -> Result<()> {
    let mut command = Command::new(environments::python());
    command.current_dir(environments::engine()).args(["-m", "engine"]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs([
        ("AUTH", "true"),
        ("BIND_HOST", "127.0.0.1"),
        ("MINISTACK_REGION", REGION),
        ("LAMBDA_ENDPOINT_URL", endpoint),
    ]);
    command.env("GATEWAY_PORT", port.to_string()).env("ENGINE_DIR", services.place().engine());
    services.start("engine", command)?;
    let health = format!("http://127.0.0.1:{port}/_ministack/health");
    services.wait("engine", PATIENCE, || http::is_up(&health).then_some(()))
}

/// Starts the stand-in workspace and the sign-in provider.
pub fn chat(services: &Services) -> Result<Chat> {
    let (bot_token, signing_secret) = (format!("xoxb-local-{}", random()?), random()?);
    let mut command = Command::new("node");
    command.current_dir(environments::chat()).arg("main.mjs");
    command.env("SLACK_BOT_TOKEN", &bot_token).env("SLACK_SIGNING_SECRET", &signing_secret);
    services.start("chat", command)?;
    let ready = services.ready_line("chat", PATIENCE)?;
    let secret = serde_json::json!({
        "bot_token": bot_token, "signing_secret": signing_secret,
        "team_id": text(&ready, "team_id")?, "app_id": text(&ready, "app_id")?,
    });
    Ok(Chat { slack_url: text(&ready, "slack_url")?, oidc_url: text(&ready, "oidc_url")?, secret })
}

fn text(ready: &Value, name: &str) -> Result<String> {
    let found = ready[name].as_str().with_context(|| format!("the ready line names no {name}"))?;
    Ok(found.to_owned())
}

/// 32 random hex digits.
pub fn random() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The folder whose policy local stacks use.
pub fn policy_source() -> std::path::PathBuf {
    root().join("tests/policy")
}
