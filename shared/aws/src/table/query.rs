//! Listings over the sparse indexes. What an index says may be stale, so states are read again, consistently.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use countersign_app::clock::jitter;
use countersign_app::ports::PortError;
use countersign_app::store::{Page, Part, Stored};
use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::{Status, Time};

use super::{DynamoTable, Item, failed, items};
use crate::error::unavailable;

/// How many states one BatchGetItem takes.
const BATCH: usize = 100;

/// How often the states of one batch are asked for, and the longest first wait between, in milliseconds. It doubles.
const TRIES: u32 = 6;
const FIRST_WAIT: u64 = 50;

impl DynamoTable {
    pub(super) async fn between(&self, pk: String, from: &str, to: &str) -> Result<Vec<Item>, PortError> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let call = self.client.query().table_name(&self.name).consistent_read(true);
            let answer = call
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", items::s(pk.clone()))
                .expression_attribute_values(":from", items::s(from))
                .expression_attribute_values(":to", items::s(to))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|e| failed("Query", &e))?;
            all.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(all);
            }
        }
    }

    pub(super) async fn due_before(
        &self,
        until: Time,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Part<RequestId>, PortError> {
        let call = self.client.query().table_name(&self.name).index_name("due");
        let answer = call
            .key_condition_expression("due_shard = :shard AND due <= :until")
            .expression_attribute_values(":shard", items::s(items::DUE))
            // Rounded down: `due` is rounded up, so nothing is looked at before its time.
            .expression_attribute_values(":until", items::n(until.millis().div_euclid(1000)))
            .set_exclusive_start_key(cursor.and_then(due_start))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|e| failed("Query", &e))?;
        Ok(Part {
            items: answer.items.unwrap_or_default().iter().filter_map(request_of).collect(),
            next: answer.last_evaluated_key.as_ref().and_then(|key| write_cursor(key, "due")),
        })
    }

    pub(super) async fn live_page(
        &self,
        agent: Option<&AgentId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        let call = self.client.query().table_name(&self.name).index_name("live").scan_index_forward(false);
        let call = call.expression_attribute_values(":live", items::s(items::LIVE));
        let call = match agent {
            None => call.key_condition_expression("live = :live"),
            Some(agent) => call
                .key_condition_expression("live = :live AND begins_with(live_sk, :agent)")
                .expression_attribute_values(":agent", items::s(format!("{agent}#"))),
        };
        let start = cursor.and_then(|c| live_start(c, agent));
        self.page(call, start, "live_sk", limit, |s| s.request.status.is_live()).await
    }

    pub(super) async fn agent_page(
        &self,
        agent: &AgentId,
        status: Option<Status>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        let call = self.client.query().table_name(&self.name).index_name("agent").scan_index_forward(false);
        let call = call
            // AGENT is a reserved word of DynamoDB.
            .key_condition_expression("#agent = :agent")
            .expression_attribute_names("#agent", "agent")
            .expression_attribute_values(":agent", items::s(agent.as_str()));
        let wanted = |s: &Stored| s.request.agent == *agent && status.is_none_or(|w| w == s.request.status);
        let start = cursor.and_then(|c| agent_start(c, agent));
        self.page(call, start, "rno", limit, wanted).await
    }

    async fn page(
        &self,
        call: aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder,
        start: Option<Item>,
        range: &str,
        limit: u32,
        wanted: impl Fn(&Stored) -> bool,
    ) -> Result<Page, PortError> {
        let call = call.set_exclusive_start_key(start);
        let limit = limit.clamp(1, 100);
        let answer = call.limit(i32::try_from(limit).unwrap_or(100)).send().await;
        let answer = answer.map_err(|e| failed("Query", &e))?;
        let ids: Vec<RequestId> = answer.items.unwrap_or_default().iter().filter_map(request_of).collect();
        let states = self.states(&ids).await?;
        let find = |id: &RequestId| states.iter().find(|s| s.request.id == *id).cloned();
        Ok(Page {
            requests: ids.iter().filter_map(find).filter(|s| wanted(s)).collect(),
            next: answer.last_evaluated_key.as_ref().and_then(|key| write_cursor(key, range)),
        })
    }

    async fn states(&self, ids: &[RequestId]) -> Result<Vec<Stored>, PortError> {
        let mut states = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            let keys = ids.iter().map(|id| items::base(items::request_key(id), "STATE")).collect();
            for item in self.get_all(keys).await? {
                states.push(items::stored(&item)?);
            }
        }
        Ok(states)
    }

    /// The items with these keys, at most [`BATCH`], that are there; in any order, read consistently.
    pub(super) async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, PortError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted = Some(batch(keys)?);
        let mut tries = 0;
        while let Some(keys) = wanted {
            // What was left is left because the table is busy.
            match tries {
                0 => {}
                TRIES => return Err(unavailable("BatchGetItem", Some("unprocessed keys"))),
                n => jitter(FIRST_WAIT << (n - 1)).await,
            }
            tries += 1;
            let call = self.client.batch_get_item().request_items(&self.name, keys);
            let answer = call.send().await.map_err(|e| failed("BatchGetItem", &e))?;
            found.extend(answer.responses.unwrap_or_default().into_values().flatten());
            wanted = answer.unprocessed_keys.and_then(|mut left| left.remove(&self.name));
        }
        Ok(found)
    }
}

fn batch(keys: Vec<Item>) -> Result<KeysAndAttributes, PortError> {
    let builder = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
    builder.build().map_err(|_| items::malformed("keys"))
}

fn request_of(item: &Item) -> Option<RequestId> {
    items::text(item, "pk")?.strip_prefix("REQ#")?.parse().ok()
}

/// An opaque cursor: the value of the index's sort key and the request to go on after.
fn write_cursor(key: &Item, range: &str) -> Option<String> {
    let range = key.get(range)?;
    let range = range.as_s().or_else(|_| range.as_n()).ok()?;
    let plain = format!("{range}#{}", request_of(key)?);
    Some(data_encoding::BASE64URL_NOPAD.encode(plain.as_bytes()))
}

/// The sort key and the request of a cursor. What is not one begins anew.
fn read_cursor(cursor: &str) -> Option<(String, RequestId)> {
    let plain = String::from_utf8(data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
    let (range, id) = plain.rsplit_once('#')?;
    Some((range.to_owned(), id.parse().ok()?))
}

/// Where a listing of live requests goes on. The service refuses a start outside of what is asked for, so a cursor
/// that names another agent begins anew, too.
fn live_start(cursor: &str, agent: Option<&AgentId>) -> Option<Item> {
    let (range, id) = read_cursor(cursor)?;
    let of: AgentId = range.strip_suffix(id.as_str())?.strip_suffix('#')?.parse().ok()?;
    if agent.is_some_and(|agent| *agent != of) {
        return None;
    }
    let mut start = items::base(items::request_key(&id), "STATE");
    start.insert("live".into(), items::s(items::LIVE));
    start.insert("live_sk".into(), items::s(range));
    Some(start)
}

/// Where a listing of what is due goes on.
fn due_start(cursor: &str) -> Option<Item> {
    let (range, id) = read_cursor(cursor)?;
    let mut start = items::base(items::request_key(&id), "STATE");
    start.insert("due_shard".into(), items::s(items::DUE));
    start.insert("due".into(), items::n(range.parse().ok()?));
    Some(start)
}

/// Where a listing of an agent's requests goes on.
fn agent_start(cursor: &str, agent: &AgentId) -> Option<Item> {
    let (range, id) = read_cursor(cursor)?;
    let rno: u64 = range.parse().ok()?;
    let mut start = items::base(items::request_key(&id), "STATE");
    start.insert("agent".into(), items::s(agent.as_str()));
    start.insert("rno".into(), AttributeValue::N(rno.to_string()));
    Some(start)
}
