//! Every step is in the archive, as exact bytes, and stays there.

use countersign_tests::agent::id;
use countersign_tests::chat::card;
use countersign_tests::{Agent, Reviewer, engine, eventually, seconds};
use reqwest::Method;

use crate::shared;

#[tokio::test]
async fn every_event_is_archived_byte_for_byte_and_cannot_be_deleted() {
    let _stack = shared().await;
    let agent = Agent::ordinary().await;
    let request = agent.asks("s3.sync").await;
    card(&request, "C0DATA").await;
    Reviewer::new("alice").await.approve(&request).await.expect(200);
    agent.consume(&request).await.expect(200);
    agent.outcome(&request, "succeeded").await.expect(200);
    let look = async || {
        let (leaves, archived) = (engine::leaves(id(&request)).await, engine::archived(id(&request)).await);
        (leaves.len() >= 7 && leaves == archived).then_some(())
    };
    eventually("the archive holds what the table holds", seconds(30), look).await;

    let tiles = format!("?versions&prefix={}%2Ftile", engine::origin().await.replace('/', "%2F"));
    let versions = engine::archive(Method::GET, &tiles).await;
    let text = String::from_utf8_lossy(&versions.bytes).into_owned();
    let part =
        |name: &str| text.split(&format!("<{name}>")).nth(1).unwrap().split("</").next().unwrap().to_owned();
    let delete = format!("/{}?versionId={}", part("Key"), part("VersionId"));
    let refused = engine::archive(Method::DELETE, &delete).await;
    assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.bytes));
}
