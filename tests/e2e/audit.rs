//! An auditor's work on the deployed stack's own bucket, with the program itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_tests::agent::id;
use countersign_tests::{Agent, Reviewer, engine, eventually, seconds, stack, unique};
use reqwest::Method;
use serde_json::Value;

use crate::shared;

/// An auditor with a directory of their own, who got the log's key.
struct Auditor {
    dir: PathBuf,
    origin: String,
}

impl Auditor {
    async fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("countersign-e2e-audit-{}", unique()));
        std::fs::create_dir_all(&dir).expect("a directory");
        let origin = engine::origin().await;
        let own = engine::leaves_of(&engine::partition(&format!("LOG#{origin}")).await);
        let genesis: Value = serde_json::from_slice(own.first().expect("the log has begun")).expect("JSON");
        let key = genesis["data"]["key"].as_str().expect("a key");
        std::fs::write(dir.join("trust.policy"), format!("log {key}\nquorum none\n")).expect("it is written");
        Self { dir, origin }
    }

    /// The exit code, the JSON on standard output, and what was said on standard error.
    async fn run(&self, words: String, stdin: String) -> (i32, Value, String) {
        let root = engine::root();
        let environment = [
            ("AWS_ENDPOINT_URL", stack().engine_url.clone()),
            ("AWS_REGION", stack().region.clone()),
            ("AWS_ACCESS_KEY_ID", root.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", root.secret_access_key().to_owned()),
            ("COUNTERSIGN_REVIEW_URL", stack().review_api.clone()),
            ("COUNTERSIGN_LOG_BUCKET", stack().output("ArchiveBucketName").to_owned()),
        ];
        let dir = self.dir.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(&stack().cli);
            command.env_clear().envs(environment).current_dir(&dir).args(["--json", "audit"]);
            command.args(words.split_whitespace());
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("it starts");
            let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
            let ended = child.wait_with_output().expect("it ends");
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            println!("countersign audit {words}: {:?}\n{said}", ended.status.code());
            let answer = serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null);
            (ended.status.code().expect("no signal"), answer, said)
        });
        ran.await.expect("it does not panic")
    }

    fn export(&self, origin: &str, out: &str) -> String {
        format!(
            "export --from 2020-01-01 --to 2100-01-01 --origin {origin} --out {out} --policy trust.policy"
        )
    }
}

impl Drop for Auditor {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.dir));
    }
}

#[tokio::test]
async fn an_auditor_exports_verifies_samples_and_proves_from_the_bucket() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    agent.consume(&request).await.expect(200);
    agent.outcome(&request, "succeeded").await.expect(200);
    let request = id(&request).to_owned();
    let look = async || (engine::archived(&request).await.len() >= 6).then_some(());
    eventually("the life is in the log", seconds(30), look).await;

    let (auditor, grace) = (Auditor::new().await, Reviewer::new("grace").await);
    let export = format!("{} --request {request} --token-stdin", auditor.export(&auditor.origin, "pack"));
    let (code, exported, _) = auditor.run(export, format!("{}\n", grace.token)).await;
    assert_eq!((code, exported["recorded"].as_bool()), (0, Some(true)), "{exported}");
    assert_eq!(exported["query"]["counts"]["requests"], 1);

    let (code, verified, _) = auditor.run("verify pack --policy trust.policy".into(), String::new()).await;
    // No witness is asked for, which is an exception; nothing else is to be seen.
    assert_eq!((code, verified["verdict"].as_str()), (40, Some("holds, with exceptions")), "{verified}");

    let sample = "sample pack --n 5 --seed e2e --policy trust.policy";
    let (code, drawn, _) = auditor.run(sample.into(), String::new()).await;
    assert_eq!((code, drawn["drawn"][0].as_str()), (0, Some(request.as_str())), "{drawn}");
    let page =
        std::fs::read_to_string(auditor.dir.join(format!("pack/samples/{request}.html"))).expect("a page");
    assert!(page.contains("Every event above was found under the signed root below."));

    let prove = format!("prove {request}.1 --in pack --policy trust.policy");
    let (code, proof, _) = auditor.run(prove, String::new()).await;
    assert_eq!(code, 0);
    assert!(proof["proof"].as_str().is_some_and(|text| text.starts_with("c2sp.org/tlog-proof@v1\n")));
}

#[tokio::test]
async fn a_second_version_and_a_delete_marker_are_named() {
    let _stack = shared().await;
    let auditor = Auditor::new().await;
    // Beside the log, and after it in the bucket's order: it cannot be undone there, and harms nobody here.
    for (name, hide) in [("twice", false), ("hidden", true)] {
        let origin = format!("zz-{}-{name}/log", unique());
        let path = format!("/{origin}/tile/0/000");
        engine::archive(Method::PUT, &path).await.expect(200);
        match hide {
            true => assert!(engine::archive(Method::DELETE, &path).await.status < 300),
            false => drop(engine::archive(Method::PUT, &path).await.expect(200)),
        }
        let export = format!("{} --unrecorded", auditor.export(&origin, name));
        let (code, _, said) = auditor.run(export, String::new()).await;
        assert_eq!(code, 41, "{said}");
        assert!(said.contains("tile/0/000"), "{said}");
        assert!(!auditor.dir.join(name).exists());
    }
}
