//! The table: one item per record, one transaction per command.
//!
//! Keys and attributes are those of the table's section in ARCHITECTURE.md. Every read that a decision rests on is
//! consistent; indexes are only asked for what may be stale.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use countersign_app::ports::{PortError, Table};
use countersign_app::store::{
    AgentRecord, CardRecord, Commit, Idempotency, Page, Part, Proposal, Stored, StoredEvent, Whole, Words,
    WorkflowMark,
};
use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::log::PROPOSAL;
use countersign_domain::{Digest, Status, Time};

use crate::error::unavailable;

mod commit;
mod items;
mod ledger;
mod query;

pub(crate) use items::{n, number, s, text};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The table of one stack.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    name: String,
}

impl DynamoTable {
    /// The table with this name.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(config), name: name.into() }
    }

    async fn get(&self, pk: String, sk: &str) -> Result<Option<Item>, PortError> {
        let call = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = call.key("pk", items::s(pk)).key("sk", items::s(sk)).send().await;
        answer.map(|a| a.item).map_err(|e| failed("GetItem", &e))
    }

    /// Every item of a partition whose sort key begins with `prefix`, in order, read consistently.
    async fn partition(&self, pk: String, prefix: &str) -> Result<Vec<Item>, PortError> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let mut call = self.client.query().table_name(&self.name).consistent_read(true);
            call =
                call.expression_attribute_values(":pk", items::s(pk.clone())).set_exclusive_start_key(start);
            call = match prefix.is_empty() {
                true => call.key_condition_expression("pk = :pk"),
                false => call
                    .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                    .expression_attribute_values(":sk", items::s(prefix)),
            };
            let answer = call.send().await.map_err(|e| failed("Query", &e))?;
            all.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(all);
            }
        }
    }
}

impl Table for DynamoTable {
    async fn state(&self, id: &RequestId) -> Result<Option<Stored>, PortError> {
        let item = self.get(items::request_key(id), "STATE").await?;
        item.as_ref().map(items::stored).transpose()
    }

    async fn whole(&self, id: &RequestId) -> Result<Option<Whole>, PortError> {
        // Sort keys: ARGS#, CARD#, EVT#, STATE, TEXT#. The events are the bulk, so they are left out.
        let (small, rest) = tokio::try_join!(
            self.between(items::request_key(id), "A", "EVT"),
            self.between(items::request_key(id), "STATE", "U"),
        )?;
        let Some(stored) = rest.iter().find(|i| items::text(i, "sk") == Some("STATE")) else {
            return Ok(None);
        };
        let stored = items::stored(stored)?;
        let args = items::args_key(stored.request.revision);
        let ask = match small.iter().find(|i| items::text(i, "sk") == Some(&args) && items::is_there(i)) {
            Some(item) => Some(items::body(item)?),
            // Erased, or written between the two reads.
            None => {
                let late = self.get(items::request_key(id), &args).await?;
                late.as_ref().filter(|item| items::is_there(item)).map(items::body).transpose()?
            }
        };
        let of = |prefix: &'static str| {
            move |i: &&Item| items::text(i, "sk").is_some_and(|sk| sk.starts_with(prefix))
        };
        let cards = small.iter().filter(of("CARD#")).map(items::body).collect::<Result<_, _>>()?;
        let texts = rest.iter().filter(of("TEXT#")).filter(|item| items::is_there(item)).map(|item| {
            let seq =
                items::text(item, "sk").and_then(|sk| sk.strip_prefix("TEXT#")).and_then(|n| n.parse().ok());
            Ok((seq.unwrap_or(0), items::body::<Words>(item)?))
        });
        let texts = texts.collect::<Result<BTreeMap<u32, Words>, PortError>>()?;
        Ok(Some(Whole { stored, ask, texts, cards }))
    }

    async fn events(&self, subject: &Subject) -> Result<Vec<StoredEvent>, PortError> {
        let items = self.partition(items::subject_key(subject), "EVT#").await?;
        let event = |item| items::event_number(subject, item).map(|seq| items::event(item, seq));
        items.iter().filter_map(event).collect()
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<(), PortError> {
        // What one transaction does not take goes before it. If it then fails, whoever erases does so again.
        let removal =
            commit.removal.iter().flat_map(|removal| items::gone(&commit.after.request.id, removal));
        for gone in removal.skip(commit::GONE_AT_ONCE) {
            let call = self.client.put_item().table_name(&self.name).set_item(Some(gone));
            call.send().await.map_err(|e| failed("PutItem", &e))?;
        }
        self.transact(commit::writes(&self.name, commit)?).await
    }

    async fn agent(&self, id: &AgentId) -> Result<AgentRecord, PortError> {
        let item = self.get(items::agent_key(id), "STATE").await?;
        item.as_ref().map_or(Ok(AgentRecord::default()), items::agent)
    }

    async fn commit_agent(
        &self,
        id: &AgentId,
        read: &AgentRecord,
        after: &AgentRecord,
        leaves: Vec<Leaf>,
        texts: Vec<(u32, &Words)>,
    ) -> Result<(), PortError> {
        self.transact(commit::agent_writes(&self.name, id, read, after, &leaves, &texts)?).await
    }

    async fn idempotency(&self, agent: &AgentId, key: &str) -> Result<Option<Idempotency>, PortError> {
        let item = self.get(items::idempotency_key(agent, key), "STATE").await?;
        item.as_ref().map(items::body).transpose()
    }

    async fn cooling(&self, ask: &Digest, now: Time) -> Result<bool, PortError> {
        let item = self.get(items::cool_key(ask), "STATE").await?;
        let until = item.and_then(|i| items::number(&i, "ttl"));
        Ok(until.is_some_and(|until| until.saturating_mul(1000) > now.millis()))
    }

    async fn remember(&self, once: &Digest, forget: Time) -> Result<(), PortError> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(items::once(once, forget)));
        let answer = call.condition_expression("attribute_not_exists(pk)").send().await;
        if conditional("PutItem", answer)? { Ok(()) } else { Err(PortError::SeenBefore) }
    }

    async fn seen(&self, once: &Digest) -> Result<bool, PortError> {
        Ok(self.get(items::once_key(once), "STATE").await?.is_some())
    }

    async fn recovered(&self) -> Result<Option<Time>, PortError> {
        let item = self.get(items::void_key(0), "STATE").await?;
        Ok(item.and_then(|item| items::number(&item, "void_before")).map(Time::from_millis))
    }

    async fn propose(&self, what: &Digest, proposal: &Proposal) -> Result<Proposal, PortError> {
        let mut item = items::with_body(items::once(what, proposal.until()), proposal)?;
        item.insert("at".into(), items::n(proposal.at.millis()));
        let call = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = call
            .condition_expression("attribute_not_exists(pk) OR #at <= :stale")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":stale", items::n(proposal.at.millis() - PROPOSAL.millis()))
            .send()
            .await;
        if conditional("PutItem", answer)? {
            return Ok(proposal.clone());
        }
        let there = self.get(items::once_key(what), "STATE").await?;
        there.as_ref().map_or(Err(PortError::Conflict), items::body)
    }

    async fn set_view(
        &self,
        read: &Stored,
        due: Option<Time>,
        workflow: WorkflowMark,
    ) -> Result<bool, PortError> {
        let call = self.client.update_item().table_name(&self.name);
        let mut call =
            call.key("pk", items::s(items::request_key(&read.request.id))).key("sk", items::s("STATE"));
        let (mut set, mut remove) = (vec!["wf = :wf, view_no = :next".to_owned()], Vec::new());
        call = call.expression_attribute_values(":wf", items::workflow(&workflow));
        match due {
            Some(due) => {
                set.push("due = :due, due_shard = :shard".into());
                call = call.expression_attribute_values(":due", items::n(due.epoch_seconds()));
                call = call.expression_attribute_values(":shard", items::s(items::DUE));
            }
            None => remove.push("due, due_shard"),
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let answer = call
            .update_expression(format!("SET {}{remove}", set.join(", ")))
            .condition_expression("ver = :ver AND view_no = :view")
            .expression_attribute_values(":ver", items::n(i64::from(read.version())))
            .expression_attribute_values(":view", items::n(i64::from(read.view)))
            .expression_attribute_values(":next", items::n(i64::from(read.view) + 1))
            .send()
            .await;
        conditional("UpdateItem", answer)
    }

    async fn due(&self, until: Time, cursor: Option<&str>, limit: u32) -> Result<Part<RequestId>, PortError> {
        self.due_before(until, cursor, limit).await
    }

    async fn live(
        &self,
        agent: Option<&AgentId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        self.live_page(agent, cursor, limit).await
    }

    async fn of_agent(
        &self,
        agent: &AgentId,
        status: Option<Status>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, PortError> {
        self.agent_page(agent, status, cursor, limit).await
    }

    async fn claim_card(
        &self,
        id: &RequestId,
        read: &CardRecord,
        now: Time,
        until: Time,
    ) -> Result<Option<CardRecord>, PortError> {
        let Some(claimed) = read.claimed(now, until) else { return Ok(None) };
        Ok(self.write_card(id, &claimed, read.version).await?.then_some(claimed))
    }

    async fn release_card(&self, id: &RequestId, card: &CardRecord) -> Result<bool, PortError> {
        self.write_card(id, card, card.version).await
    }
}

impl DynamoTable {
    /// On condition of the version that is there; 0 = none is.
    async fn write_card(&self, id: &RequestId, card: &CardRecord, read: u32) -> Result<bool, PortError> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(items::card(id, card)?));
        let call = match read {
            0 => call.condition_expression("attribute_not_exists(pk)"),
            version => call
                .condition_expression("ver = :ver")
                .expression_attribute_values(":ver", items::n(i64::from(version))),
        };
        conditional("PutItem", call.send().await)
    }
}

type SdkError<E> = aws_sdk_dynamodb::error::SdkError<E, aws_sdk_dynamodb::config::http::HttpResponse>;

/// A failed call as the ports know it.
pub(crate) fn failed<E>(operation: &str, error: &SdkError<E>) -> PortError
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    match error.as_service_error().and_then(|e| e.code()) {
        Some("TransactionConflictException") => PortError::Conflict,
        code => unavailable(operation, code),
    }
}

/// `false` where the condition did not hold.
pub(crate) fn conditional<O, E>(operation: &str, answer: Result<O, SdkError<E>>) -> Result<bool, PortError>
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    match answer {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error().and_then(|e| e.code()) {
            Some("ConditionalCheckFailedException") => Ok(false),
            _ => Err(failed(operation, &error)),
        },
    }
}
