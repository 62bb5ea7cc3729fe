//! The running stack, as `cargo xtask up` describes it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

/// What runs and where.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are described where they are written")]
pub struct Stack {
    pub engine_url: String,
    pub proxy_control_url: String,
    pub slack_url: String,
    pub slack_proxy_control_url: String,
    pub oidc_url: String,
    pub agents_api: String,
    pub review_api: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub stack_name: String,
    pub deployed: PathBuf,
    pub outputs: BTreeMap<String, String>,
    pub policy_dir: PathBuf,
    pub slack_signing_secret: String,
    pub slack_bot_token: String,
    pub cli: PathBuf,
    pub python: PathBuf,
}

impl Stack {
    /// An output of the template.
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("the template has no output {name}"))
    }
}

/// The stack that the tests run against: `COUNTERSIGN_STACK`, or what `cargo xtask up` left.
///
/// Where there is none, nothing can be tested. Who asked for one, and CI, gets a failure; who runs all tests of the
/// workspace without one is told so.
pub fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        let wanted = std::env::var("COUNTERSIGN_STACK").ok();
        let left = concat!(env!("CARGO_MANIFEST_DIR"), "/../.local/stack.json");
        let path = wanted.clone().unwrap_or_else(|| left.to_owned());
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path} is not a stack: {e}")),
            Err(error) => absent(&path, &error, wanted.is_some()),
        }
    })
}

/// Deploys the same template once more, beside the stack, with some parameters set otherwise; the base URLs of its
/// agents' and reviewers' APIs, and its outputs.
pub async fn another(name: &'static str, changed: &[(&str, &str)]) -> ([String; 2], Value) {
    let file = |name: &str| stack().deployed.join(name);
    let given = std::fs::read(file("parameters.json")).expect("the parameters are there");
    let mut parameters: Value = serde_json::from_slice(&given).expect("they are JSON");
    for (parameter, value) in changed {
        parameters[*parameter] = (*value).into();
    }
    let changed = file(&format!("{name}.json"));
    std::fs::write(&changed, parameters.to_string()).expect("they can be written");
    let mut deploy = Command::new(&stack().python);
    deploy.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/engine/deploy.py"));
    deploy.args(["--stack", name, "--url", &stack().engine_url, "--region", &stack().region]);
    deploy.arg("--template").arg(file("template.json")).arg("--parameters").arg(changed);
    let ended = tokio::task::spawn_blocking(move || deploy.output()).await;
    let ended = ended.expect("it does not panic").expect("python starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let outputs: Value = serde_json::from_slice(&ended.stdout).expect("deploy.py prints JSON");
    let api = |url: &str, output: &str| {
        url.replace(stack().output(output), outputs[output].as_str().expect("the output is there"))
    };
    let apis = [api(&stack().agents_api, "AgentsApiId"), api(&stack().review_api, "ReviewersApiId")];
    (apis, outputs)
}

/// Ends the whole program, loudly and not through the test runner, which would keep it to itself.
fn absent(path: &str, error: &std::io::Error, wanted: bool) -> ! {
    let must = wanted || std::env::var("CI").is_ok_and(|ci| ci == "true");
    let so = if must { "THE END-TO-END TESTS FAIL" } else { "NO END-TO-END TEST WAS RUN" };
    let _ = writeln!(
        std::io::stderr().lock(),
        "\n{so}: there is no stack at {path} ({error}).\n  \
         `cargo xtask up` starts one, `cargo xtask test` starts one of its own;\n  \
         COUNTERSIGN_STACK names the stack.json of another.\n",
    );
    std::process::exit(if must { 101 } else { 0 })
}
