//! The running stack, as `cargo xtask up` describes it.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

use serde::Deserialize;

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
    pub outputs: BTreeMap<String, String>,
    pub policy_dir: std::path::PathBuf,
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
