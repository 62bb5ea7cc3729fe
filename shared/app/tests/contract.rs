//! The ports in memory keep the contract that the adapters keep.

use std::sync::atomic::{AtomicU8, Ordering};

use countersign_app::commit::{NewRequest, create};
use countersign_app::contract::{self, Archiver};
use countersign_app::memory::{
    LocalSigner, MemoryArchive, MemoryNotice, MemoryObservations, MemorySealer, MemoryTable, MemoryTokens,
    MemoryWorkflow, Op,
};
use countersign_app::ports::{PortError, Sealer, Table, Workflow};
use countersign_app::sample::{self, id};
use countersign_app::store::Token;
use countersign_domain::RequestId;

const LONG: std::time::Duration = std::time::Duration::from_secs(20);

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

#[tokio::test]
async fn the_sealer_in_memory_keeps_the_contract() {
    let behind = async |archiver| {
        let (table, ask) = (MemoryTable::default(), sample::ask("s3://b/"));
        let sealer = MemorySealer::new(&table);
        let asks = async |n: u32| {
            let evaluation =
                if archiver == Archiver::SealsAnOpenAsk { sample::review(&[]) } else { sample::allow() };
            let new = NewRequest {
                create: sample::create(&id(n), "deploy", &ask, evaluation),
                ask: &ask,
                agent: &table.agent(&sample::agent("deploy")).await.unwrap(),
                idempotency: sample::idempotency("deploy", &format!("key {n}"), &id(n)),
            };
            create(&table, sample::SOURCE, new, sample::at(0)).await.unwrap();
        };
        let before = table.copy();
        if archiver != Archiver::KnowsNothing {
            asks(1).await;
        }
        match archiver {
            Archiver::Seals | Archiver::SealsAnOpenAsk | Archiver::KnowsNothing => {}
            Archiver::IsHalted => {
                asks(2).await;
                sealer.seal(&id(2), LONG).await.unwrap();
                table.restore(&before);
                asks(1).await;
            }
            Archiver::Fails => sealer.faults.fail_next(Op::Seal, PortError::Unavailable("down".into())),
            Archiver::IsLate => sealer.faults.set_latency(std::time::Duration::from_secs(60)),
        }
        sealer
    };
    contract::sealer(behind).await;
}

#[tokio::test]
async fn the_observations_in_memory_keep_the_contract() {
    contract::observations(async || MemoryObservations::default()).await;
}
