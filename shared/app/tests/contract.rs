//! The ports in memory keep the contract that the adapters keep.

use std::sync::atomic::{AtomicU8, Ordering};

use countersign_app::contract;
use countersign_app::memory::{
    LocalSigner, MemoryArchive, MemoryNotice, MemoryTable, MemoryTokens, MemoryWorkflow,
};
use countersign_app::ports::Workflow;
use countersign_app::store::Token;
use countersign_domain::RequestId;

#[tokio::test]
async fn the_table_in_memory_keeps_the_contract() {
    contract::table(async || MemoryTable::default()).await;
}

#[tokio::test]
async fn the_ledger_in_memory_keeps_the_contract() {
    contract::ledger(async || MemoryTable::default()).await;
}

#[tokio::test]
async fn the_tokens_in_memory_keep_the_contract() {
    contract::tokens(async || MemoryTokens::default()).await;
}

#[tokio::test]
async fn the_workflow_in_memory_keeps_the_contract() {
    let wait = async |workflow: &MemoryWorkflow, id: &RequestId| {
        workflow.start(id, 0).await.unwrap();
        let token = Token { n: 0, retry: 0, token: format!("the task of {id}") };
        workflow.wait(&token.token);
        token
    };
    contract::workflow(async || MemoryWorkflow::default(), wait).await;
}

#[tokio::test]
async fn the_topic_in_memory_keeps_the_contract() {
    contract::notice(async || MemoryNotice::default()).await;
}

#[tokio::test]
async fn the_archive_in_memory_keeps_the_contract() {
    contract::archive(async || MemoryArchive::default()).await;
}

#[tokio::test]
async fn the_signer_in_memory_keeps_the_contract() {
    let seed = AtomicU8::new(0);
    contract::signer(async || LocalSigner::new([seed.fetch_add(1, Ordering::Relaxed); 32])).await;
}
