//! What a witness remembers, in a table of its own: one item for each log.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use countersign_app::log::Observed;
use countersign_app::ports::{Observations, PortError};

use crate::error::unavailable;
use crate::table::{Item, conditional, failed, s};

/// The table of one witness.
#[derive(Debug, Clone)]
pub struct DynamoObservations {
    client: Client,
    name: String,
}

impl DynamoObservations {
    /// The table with this name.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(config), name: name.into() }
    }
}

impl Observations for DynamoObservations {
    async fn observed(&self, origin: &str) -> Result<Option<Observed>, PortError> {
        let call = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = call.key("origin", s(origin)).send().await.map_err(|e| failed("GetItem", &e))?;
        // What cannot be read must not count as never seen.
        let read = |item| read(&item).ok_or_else(|| unavailable("GetItem", Some("not an observation")));
        answer.item.map(read).transpose()
    }

    async fn observe(
        &self,
        origin: &str,
        read: Option<&Observed>,
        now: &Observed,
    ) -> Result<bool, PortError> {
        let call = self.client.put_item().table_name(&self.name).item("origin", s(origin));
        let call = call.item("leaves", leaves(now)).item("root_hash", root(now));
        let call = match read {
            None => call.condition_expression("attribute_not_exists(origin)"),
            Some(read) => call
                .condition_expression("leaves = :leaves AND root_hash = :root")
                .expression_attribute_values(":leaves", leaves(read))
                .expression_attribute_values(":root", root(read)),
        };
        conditional("PutItem", call.send().await)
    }
}

fn read(item: &Item) -> Option<Observed> {
    let size = item.get("leaves")?.as_n().ok()?.parse().ok()?;
    let root = item.get("root_hash")?.as_b().ok()?.as_ref().try_into().ok()?;
    Some(Observed { size, root })
}

fn leaves(observed: &Observed) -> AttributeValue {
    AttributeValue::N(observed.size.to_string())
}

fn root(observed: &Observed) -> AttributeValue {
    AttributeValue::B(Blob::new(observed.root))
}
