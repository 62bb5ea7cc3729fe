//! Task tokens, in a table of their own under a key that few roles may use.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use countersign_app::ports::{PortError, Tokens};
use countersign_app::store::Token;
use countersign_domain::{RequestId, Time};

use crate::table::{conditional, failed, n, number, s, text};

/// The token table of one stack.
#[derive(Debug, Clone)]
pub struct DynamoTokens {
    client: Client,
    name: String,
}

impl DynamoTokens {
    /// The table with this name.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(config), name: name.into() }
    }
}

impl Tokens for DynamoTokens {
    async fn put(&self, id: &RequestId, token: &Token, forget: Time) -> Result<bool, PortError> {
        let call = self.client.put_item().table_name(&self.name);
        let call = call.item("id", s(id.as_str())).item("token", s(&token.token));
        let call = call.item("n", n(i64::from(token.n))).item("retry", n(i64::from(token.retry)));
        let answer = call
            .item("ttl", n(forget.epoch_seconds()))
            .condition_expression("attribute_not_exists(id) OR n < :n OR (n = :n AND retry < :retry)")
            .expression_attribute_values(":n", n(i64::from(token.n)))
            .expression_attribute_values(":retry", n(i64::from(token.retry)))
            .send()
            .await;
        conditional("PutItem", answer)
    }

    async fn get(&self, id: &RequestId) -> Result<Option<Token>, PortError> {
        let call = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = call.key("id", s(id.as_str())).send().await.map_err(|e| failed("GetItem", &e))?;
        let natural = |item: &_, name: &str| number(item, name).and_then(|v| u32::try_from(v).ok());
        Ok(answer.item.and_then(|item| {
            Some(Token {
                n: natural(&item, "n")?,
                retry: natural(&item, "retry")?,
                token: text(&item, "token")?.to_owned(),
            })
        }))
    }
}
