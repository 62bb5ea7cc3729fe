//! The real template in the local engine: packed, translated, deployed. Python does it, because SAM's translator
//! and boto3 live there.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::environments;
use crate::process::Run;
use crate::repo::{Place, root};
use crate::services::REGION;
use crate::ui::Line;

/// The stack's name in CloudFormation.
pub const STACK_NAME: &str = "countersign";
/// Where the code lies in the engine.
const CODE: &str = "s3://countersign-code";
/// The template's functions and layers, and the bundle of each.
const BUNDLES: [(&str, &str); 7] = [
    ("Intake", "intake"),
    ("Query", "intake"),
    ("Notifier", "notifier"),
    ("Callback", "callback"),
    ("Relay", "relay"),
    ("Archiver", "archiver"),
    ("PolicyLayer", "policy"),
];

/// What can be made before the engine runs: the bundles and the translated template.
pub fn prepare(place: &Place, programs: &[(&str, PathBuf)], line: &Line<'_>) -> Result<()> {
    fs::create_dir_all(place.scratch())?;
    let mut bundle = script("bundle.py");
    bundle.arg("--store").arg(place.scratch());
    bundle.args(programs.iter().map(|(name, program)| format!("{name}={}", program.display())));
    bundle.arg(format!("policy={}", root().join("infra/policy").display()));
    Run::new(place, "bundle", bundle).good(line)?;

    let mut translate = script("translate.py");
    translate.arg(root().join("infra/template.yaml")).args(["--region", REGION]);
    for (id, bundle) in BUNDLES {
        translate.args(["--code", &format!("{id}={CODE}/{bundle}.zip")]);
    }
    Run::new(place, "translate", translate).output(template(place)).good(line)?;
    Ok(())
}

/// Deploys what was prepared and returns the stack's outputs. The Slack secret goes to the script's standard
/// input, so that it is in no command line and no log.
pub fn deploy(
    place: &Place,
    engine_url: &str,
    secret: &Value,
    parameters: &[(&str, String)],
    line: &Line<'_>,
) -> Result<BTreeMap<String, String>> {
    let mut seed = script("seed.py");
    seed.args(["--url", engine_url]);
    let seeded = place.scratch().join("seeded.json");
    let run = Run::new(place, "seed", seed).input(secret.to_string().into_bytes()).output(seeded.clone());
    run.good(line)?;
    let seeded: BTreeMap<String, String> = serde_json::from_slice(&fs::read(seeded)?).context("seed.py")?;
    let arn = seeded.get("slack_secret_arn").context("seed.py printed no slack_secret_arn")?;

    let mut all = json!({ "SlackSecretArn": arn });
    for (name, value) in parameters {
        all[*name] = json!(value);
    }
    let file = place.scratch().join("parameters.json");
    fs::write(&file, serde_json::to_vec(&all)?)?;
    let mut deploy = script("deploy.py");
    deploy.args(["--url", engine_url, "--region", REGION, "--stack", STACK_NAME, "--template"]);
    deploy.arg(template(place)).arg("--parameters").arg(file);
    let mut bundles: Vec<&str> = BUNDLES.iter().map(|(_, bundle)| *bundle).collect();
    bundles.dedup();
    for bundle in bundles {
        let zip = place.scratch().join(format!("{bundle}.zip"));
        deploy.args(["--put", &format!("{CODE}/{bundle}.zip={}", zip.display())]);
    }
    let outputs = place.scratch().join("outputs.json");
    Run::new(place, "deploy", deploy).output(outputs.clone()).good(line)?;
    serde_json::from_slice(&fs::read(outputs)?).context("deploy.py did not print the outputs as JSON")
}

fn template(place: &Place) -> PathBuf {
    place.scratch().join("template.json")
}

/// A script beside the engine, as root of the engine's account.
pub fn script(name: &str) -> Command {
    let mut command = Command::new(environments::python());
    command.current_dir(environments::engine()).arg(name);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
    ]);
    command.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_PROFILE");
    command
}
