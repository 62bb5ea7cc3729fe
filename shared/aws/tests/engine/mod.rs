//! The local engine, and what the tests make in it for themselves.

mod role;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use serde_json::{Value, json};

/// A table's keys, each with its type, and its indexes.
pub struct Shape {
    keys: &'static [(&'static str, ScalarAttributeType)],
    indexes: &'static [(&'static str, &'static [(&'static str, ScalarAttributeType)])],
}

const S: ScalarAttributeType = ScalarAttributeType::S;
const N: ScalarAttributeType = ScalarAttributeType::N;

/// The table of requests and agents.
pub const TABLE: Shape = Shape {
    keys: &[("pk", S), ("sk", S)],
    indexes: &[
        ("due", &[("due_shard", S), ("due", N)]),
        ("pending", &[("p", S), ("leaf_id", S)]),
        ("live", &[("live", S), ("live_sk", S)]),
        ("agent", &[("agent", S), ("rno", N)]),
    ],
};

/// The table of task tokens.
pub const TOKENS: Shape = Shape { keys: &[("id", S)], indexes: &[] };

/// The table of a witness.
pub const OBSERVATIONS: Shape = Shape { keys: &[("origin", S)], indexes: &[] };

/// The engine, and what this test made in it.
pub struct Engine {
    pub config: SdkConfig,
    stack: Value,
    tables: Mutex<Vec<String>>,
}

impl Engine {
    /// The engine that the environment names; `None` where it names none, or one that a developer's machine runs no
    /// more. In continuous integration a stack that was named must be there.
    pub async fn find(what: &str) -> Option<Self> {
        let found = match (variable("COUNTERSIGN_STACK"), variable("ENGINE_URL")) {
            (_, Some(url)) => Ok((url, Value::Null)),
            (Some(path), None) => stack(&path),
            (None, None) => {
                aloud(&format!(
                    "SKIPPED: the contract of {what}: neither ENGINE_URL nor COUNTERSIGN_STACK is set"
                ));
                return None;
            }
        };
        let usable = match found {
            Err(why) => Err(why),
            Ok((url, stack)) => {
                let engine = Self { config: config(&url).await, stack, tables: Mutex::default() };
                match engine.dynamodb().list_tables().send().await {
                    Ok(_) => Ok(engine),
                    Err(error) => Err(format!("the engine at {url} does not answer: {error:?}")),
                }
            }
        };
        match usable {
            Ok(engine) => Some(engine),
            Err(why) if variable("CI").as_deref() == Some("true") || variable("ENGINE_URL").is_some() => {
                panic!("the contract of {what} cannot be tested: {why}")
            }
            Err(why) => {
                aloud(&format!("SKIPPED: the contract of {what}: {why}"));
                None
            }
        }
    }

    /// An output of the stack.
    pub fn output(&self, name: &str) -> Option<String> {
        self.stack["outputs"][name].as_str().map(str::to_owned)
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// A table of this shape that nobody has used; gives its name.
    pub async fn create_table(&self, shape: &Shape) -> String {
        let name = unused("contract");
        let attributes = shape.keys.iter().chain(shape.indexes.iter().flat_map(|(_, keys)| *keys));
        let attributes = attributes.map(|(name, kind)| {
            AttributeDefinition::builder().attribute_name(*name).attribute_type(kind.clone()).build().unwrap()
        });
        let indexes = shape.indexes.iter().map(|(name, keys)| {
            let index = GlobalSecondaryIndex::builder().index_name(*name).set_key_schema(Some(schema(keys)));
            let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
            index.projection(projection).build().unwrap()
        });
        let indexes: Vec<_> = indexes.collect();
        let call = self.dynamodb().create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        let call = call
            .set_key_schema(Some(schema(shape.keys)))
            .set_attribute_definitions(Some(attributes.collect()));
        let call = call.set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()));
        call.send().await.unwrap();
        self.tables.lock().unwrap().push(name.clone());
        name
    }

    /// The keys, attributes and indexes of a table that is there.
    pub async fn shape(&self, table: &str) -> BTreeSet<String> {
        let table = self.dynamodb().describe_table().table_name(table).send().await.unwrap().table.unwrap();
        let index = |i: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
            let projection = i.projection().and_then(|p| p.projection_type().cloned());
            format!("{:?} {} {projection:?}", i.index_name(), keys(i.key_schema()))
        };
        let attribute = |a: &AttributeDefinition| format!("{} {}", a.attribute_name(), a.attribute_type());
        let indexes = table.global_secondary_indexes().iter().map(index);
        let attributes = table.attribute_definitions().iter().map(attribute);
        indexes.chain(attributes).chain([keys(table.key_schema())]).collect()
    }

    /// A machine each execution of which is one task that leaves its token in a table and waits; gives the machine's
    /// ARN and the table.
    pub async fn create_machine(&self) -> (String, String) {
        let table = self.create_table(&TOKENS).await;
        let wait = json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken",
            "Parameters": {
                "TableName": table,
                "Item": {"id": {"S.$": "$$.Execution.Name"}, "token": {"S.$": "$$.Task.Token"}}
            },
            "TimeoutSeconds": 300,
            "End": true
        });
        let definition = json!({"StartAt": "Wait", "States": {"Wait": wait}});
        let name = unused("contract");
        let role = role::create(&self.config, &name).await;
        let client = aws_sdk_sfn::Client::new(&self.config);
        let call =
            client.create_state_machine().name(&name).definition(definition.to_string()).role_arn(role);
        (call.send().await.unwrap().state_machine_arn, table)
    }

    /// The token that the task of the execution with this name left in the table.
    pub async fn task_token(&self, table: &str, execution: &str) -> String {
        let id = aws_sdk_dynamodb::types::AttributeValue::S(execution.to_owned());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::time::Instant::now() < deadline {
            let call = self.dynamodb().get_item().table_name(table).key("id", id.clone());
            let item = call.send().await.unwrap().item.unwrap_or_default();
            if let Some(token) = item.get("token") {
                return token.as_s().unwrap().clone();
            }
        }
        panic!("the task of {execution} did not begin");
    }

    /// A topic; gives its ARN.
    pub async fn create_topic(&self) -> String {
        let client = aws_sdk_sns::Client::new(&self.config);
        client.create_topic().name(unused("contract")).send().await.unwrap().topic_arn.unwrap()
    }

    /// A key for signing of this kind; gives its id.
    pub async fn create_key(&self, spec: KeySpec) -> String {
        let call = aws_sdk_kms::Client::new(&self.config).create_key().key_spec(spec);
        let made = call.key_usage(KeyUsageType::SignVerify).send().await.unwrap();
        made.key_metadata.unwrap().key_id
    }

    /// A bucket; gives its name.
    pub async fn create_bucket(&self) -> String {
        let name = unused("contract");
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        let place = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
        let place =
            aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
        let call = aws_sdk_s3::Client::from_conf(config).create_bucket().bucket(&name);
        // With versions, as the archive has them.
        let call = call.object_lock_enabled_for_bucket(true);
        call.create_bucket_configuration(place).send().await.unwrap();
        name
    }

    /// Removes the tables that the test made. What is left is small and ends with the engine.
    pub async fn clean(&self) {
        let tables = std::mem::take(&mut *self.tables.lock().unwrap());
        for table in tables {
            self.dynamodb().delete_table().table_name(table).send().await.unwrap();
        }
    }
}

fn schema(keys: &[(&str, ScalarAttributeType)]) -> Vec<KeySchemaElement> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let key = |((name, _), kind): (&(&str, _), KeyType)| {
        KeySchemaElement::builder().attribute_name(*name).key_type(kind).build().unwrap()
    };
    keys.iter().zip(kinds).map(key).collect()
}

fn keys(schema: &[KeySchemaElement]) -> String {
    let key = |k: &KeySchemaElement| format!("{} {}", k.attribute_name(), k.key_type());
    schema.iter().map(key).collect::<Vec<_>>().join(", ")
}

fn unused(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{kind}-{}-{}-{}", std::process::id(), since.as_micros(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn config(url: &str) -> SdkConfig {
    let root =
        SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "the engine's root"));
    let config =
        countersign_aws::client::config().await.into_builder().endpoint_url(url).credentials_provider(root);
    config.region(Region::new("eu-west-1")).build()
}

/// The engine's URL and the whole of a stack file. A path is taken from here or from the top of the repository.
fn stack(path: &str) -> Result<(String, Value), String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = [PathBuf::from(path), top.join(path)].into_iter().find(|p| p.is_file());
    let found = found.ok_or_else(|| format!("there is no stack file at {path}: run cargo xtask up"))?;
    let text = std::fs::read_to_string(&found).map_err(|error| format!("{}: {error}", found.display()))?;
    let stack: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", found.display()))?;
    let url = stack["engine_url"].as_str().ok_or_else(|| format!("{} has no engine_url", found.display()))?;
    Ok((url.to_owned(), stack.clone()))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Says it even where the test runner keeps a passing test's words to itself.
fn aloud(text: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** {text} ***");
}
