//! The adapters keep the same contract as the ports in memory: against the local engine, which `ENGINE_URL` or the
//! stack file in `COUNTERSIGN_STACK` names. Without one the tests say that they were skipped.
//!
//! The tests work on tables, a machine, a topic and a bucket of their own, so that no function of the stack gets in
//! their way; that these have the stack's keys and indexes is checked, too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic")]

mod engine;

use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_kms::types::KeySpec;
use countersign_app::contract;
use countersign_app::log::Keep;
use countersign_app::ports::{PortError, SealError, Sealer, Signer, Workflow};
use countersign_app::sample;
use countersign_app::store::{CardRecord, Token};
use countersign_aws::archive::S3Archive;
use countersign_aws::kms::KmsSigner;
use countersign_aws::notice::SnsTopic;
use countersign_aws::observations::DynamoObservations;
use countersign_aws::seal::LambdaSealer;
use countersign_aws::table::DynamoTable;
use countersign_aws::tokens::DynamoTokens;
use countersign_aws::workflow::StepFunctions;
use countersign_domain::RequestId;
use engine::{Engine, OBSERVATIONS, TABLE, TOKENS};

#[tokio::test]
async fn the_table_keeps_the_contract() {
    let Some(engine) = Engine::find("the table").await else { return };
    let fresh = async || DynamoTable::new(&engine.config, engine.create_table(&TABLE).await);
    contract::table(fresh).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_ledger_keeps_the_contract() {
    let Some(engine) = Engine::find("the ledger").await else { return };
    contract::ledger(async || DynamoTable::new(&engine.config, engine.create_table(&TABLE).await)).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_token_table_keeps_the_contract() {
    let Some(engine) = Engine::find("the token table").await else { return };
    contract::tokens(async || DynamoTokens::new(&engine.config, engine.create_table(&TOKENS).await)).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_witness_table_keeps_the_contract() {
    let Some(engine) = Engine::find("the witness table").await else { return };
    let fresh = async || DynamoObservations::new(&engine.config, engine.create_table(&OBSERVATIONS).await);
    contract::observations(fresh).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_workflow_keeps_the_contract() {
    let Some(engine) = Engine::find("the workflow").await else { return };
    let table = Mutex::new(String::new());
    let fresh = async || {
        let (machine, of) = engine.create_machine().await;
        *table.lock().unwrap() = of;
        StepFunctions::new(&engine.config, machine)
    };
    let wait = async |workflow: &StepFunctions, id: &RequestId| {
        workflow.start(id, 0).await.unwrap();
        let table = table.lock().unwrap().clone();
        Token { n: 0, retry: 0, token: engine.task_token(&table, id.as_str()).await }
    };
    contract::workflow(fresh, wait).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_topic_keeps_the_contract() {
    let Some(engine) = Engine::find("the topic").await else { return };
    contract::notice(async || SnsTopic::new(&engine.config, engine.create_topic().await)).await;
    engine.clean().await;
}

#[tokio::test]
async fn the_archive_keeps_the_contract() {
    let Some(engine) = Engine::find("the archive").await else { return };
    contract::archive(async || {
        S3Archive::new(&engine.config, engine.create_bucket().await, engine.create_bucket().await, 35)
    })
    .await;
    engine.clean().await;
}

#[tokio::test]
async fn the_signing_key_keeps_the_contract() {
    let Some(engine) = Engine::find("the signing key").await else { return };
    let fresh =
        async || KmsSigner::new(&engine.config, engine.create_key(KeySpec::EccNistEdwards25519).await);
    contract::signer(fresh).await;
    engine.clean().await;
}

#[tokio::test]
async fn a_key_of_another_kind_signs_nothing() {
    let Some(engine) = Engine::find("a key of another kind").await else { return };
    let signer = KmsSigner::new(&engine.config, engine.create_key(KeySpec::EccNistP256).await);
    let expect = |what: &str| PortError::Unavailable(what.to_owned());
    assert_eq!(signer.public_key().await, Err(expect("GetPublicKey: not an Ed25519 key for signing")));
    assert_eq!(signer.sign(b"note").await, Err(expect("Sign: InvalidKeyUsageException")));
    engine.clean().await;
}

#[tokio::test]
async fn the_stacks_tables_have_these_keys_and_indexes() {
    let Some(engine) = Engine::find("the stack's tables").await else { return };
    for (output, shape) in [("TableName", &TABLE), ("TokensTableName", &TOKENS)] {
        let Some(name) = engine.output(output) else { continue };
        let mine = engine.create_table(shape).await;
        assert_eq!(engine.shape(&name).await, engine.shape(&mine).await, "{output}");
    }
    engine.clean().await;
}

#[tokio::test]
async fn an_adapter_without_its_service_says_so() {
    let Some(engine) = Engine::find("missing resources").await else { return };
    let id: RequestId = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW".parse().unwrap();
    fn check<T: std::fmt::Debug>(result: Result<T, PortError>, expect: &str) {
        assert_eq!(result.unwrap_err().to_string(), format!("unavailable: {expect}"));
    }
    use countersign_app::ports::{Archive, Ledger, Notice, Table, Tokens};
    let table = DynamoTable::new(&engine.config, "missing");
    check(table.state(&id).await, "GetItem: ResourceNotFoundException");
    check(table.pending(None, 10).await, "Query: ResourceNotFoundException");
    let card = CardRecord::new(sample::channel("sns"), 1);
    check(table.release_card(&id, &card).await, "PutItem: ResourceNotFoundException");
    check(DynamoTokens::new(&engine.config, "missing").get(&id).await, "GetItem: ResourceNotFoundException");
    let machine = "arn:aws:states:eu-west-1:000000000000:stateMachine:missing";
    let workflow = StepFunctions::new(&engine.config, machine);
    check(workflow.start(&id, 0).await, "StartExecution: StateMachineDoesNotExist");
    let signer = KmsSigner::new(&engine.config, "11111111-2222-3333-4444-555555555555");
    check(signer.sign(b"note").await, "Sign: NotFoundException");
    check(signer.public_key().await, "GetPublicKey: NotFoundException");
    let topic = SnsTopic::new(&engine.config, "arn:aws:sns:eu-west-1:000000000000:missing");
    check(topic.publish("s", "t").await, "Publish: NotFound");
    check(
        S3Archive::new(&engine.config, "missing", "missing", 35)
            .put_if_absent("k", Vec::new(), Keep::Always)
            .await,
        "PutObject: NoSuchBucket",
    );
    let sealed = LambdaSealer::new(&engine.config, "missing").seal(&id, Duration::from_secs(10)).await;
    assert_eq!(sealed, Err(SealError::Unavailable("Invoke: ResourceNotFoundException".into())));
}
