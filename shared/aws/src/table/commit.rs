//! One command as one transaction, and what its failure means.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update};
use countersign_app::log::void_of;
use countersign_app::ports::PortError;
use countersign_app::store::{AgentEffect, AgentRecord, Commit, Words};
use countersign_domain::ids::AgentId;
use countersign_domain::leaf::{Leaf, Subject};

use super::{DynamoTable, Item, failed, items};
use crate::error::unavailable;

/// How many items one transaction empties. It counts what was in them, and takes 4 MB.
pub(super) const GONE_AT_ONCE: usize = 20;

/// That nothing made so early is void: of an agent's record, or of the log's last recovery.
const UNMARKED: &str = "attribute_not_exists(void_before) OR void_before < :created";

/// A write of a transaction and what it means when its condition does not hold.
pub(super) struct Write {
    write: TransactWriteItem,
    unmet: PortError,
}

impl DynamoTable {
    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<(), PortError> {
        let (writes, meanings): (Vec<_>, Vec<_>) = writes.into_iter().map(|w| (w.write, w.unmet)).unzip();
        let error = match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let codes = cancelled.cancellation_reasons().iter().map(|r| r.code().unwrap_or("None"));
                Err(meaning(codes, &meanings))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Err(PortError::Conflict),
            _ => Err(failed("TransactWriteItems", &error)),
        }
    }
}

/// What a cancelled transaction means: the first condition that did not hold, in the order of the writes; a conflict
/// with another transaction only when no condition says more.
fn meaning<'a>(codes: impl Iterator<Item = &'a str>, meanings: &[PortError]) -> PortError {
    let mut result = None;
    for (code, unmet) in codes.zip(meanings) {
        match code {
            "ConditionalCheckFailed" => return unmet.clone(),
            "TransactionConflict" => result = Some(PortError::Conflict),
            "None" => {}
            other => result = result.or_else(|| Some(unavailable("TransactWriteItems", Some(other)))),
        }
    }
    result.unwrap_or(PortError::Conflict)
}

pub(super) fn writes(table: &str, commit: Commit<'_>) -> Result<Vec<Write>, PortError> {
    let id = &commit.after.request.id;
    let subject = Subject::Request(id.clone());
    let mut writes = Vec::new();

    if let Some(record) = &commit.idempotency {
        let key = items::idempotency_key(&record.agent, &record.key);
        let mut item = items::with_body(items::base(key, "STATE"), record)?;
        item.insert("ttl".into(), items::n(record.forget.epoch_seconds()));
        writes.push(absent(table, item, PortError::KeyTaken)?);
    }
    if let Some((hash, forget)) = &commit.once {
        writes.push(absent(table, items::once(hash, *forget), PortError::SeenBefore)?);
    }

    let state = Put::builder().table_name(table).set_item(Some(items::state(commit.after)?));
    let state = match commit.before {
        None => state.condition_expression("attribute_not_exists(pk)"),
        Some(before) => state
            .condition_expression("ver = :ver AND head = :head")
            .expression_attribute_values(":ver", items::n(i64::from(before.version())))
            .expression_attribute_values(":head", items::s(String::from(before.head.hash))),
    };
    writes.push(put(state, PortError::Conflict)?);
    for leaf in &commit.leaves {
        writes.push(absent(table, items::leaf(&subject, leaf), PortError::Conflict)?);
    }
    if let Some((revision, ask)) = commit.ask {
        let item = items::base(items::request_key(id), items::args_key(revision));
        writes.push(absent(table, items::with_body(item, ask)?, PortError::Conflict)?);
    }
    for (seq, words) in &commit.texts {
        let item = items::base(items::request_key(id), items::text_key(*seq));
        writes.push(absent(table, items::with_body(item, words)?, PortError::Conflict)?);
    }
    if let Some((hash, until)) = &commit.cool {
        let mut item = items::base(items::cool_key(hash), "STATE");
        item.insert("ttl".into(), items::n(until.epoch_seconds()));
        let cool = Put::builder().table_name(table).set_item(Some(item));
        writes.push(put(cool, PortError::Conflict)?);
    }
    for gone in commit.removal.iter().flat_map(|removal| items::gone(id, removal)).take(GONE_AT_ONCE) {
        writes.push(put(Put::builder().table_name(table).set_item(Some(gone)), PortError::Conflict)?);
    }
    writes.extend(effects(table, &commit)?);
    Ok(writes)
}

fn effects(table: &str, commit: &Commit<'_>) -> Result<Vec<Write>, PortError> {
    let request = &commit.after.request;
    let update = |expression: &str| {
        Update::builder()
            .table_name(table)
            .key("pk", items::s(items::agent_key(&request.agent)))
            .key("sk", items::s("STATE"))
            .update_expression(expression)
    };
    let one_less = || update("ADD live_count :less").expression_attribute_values(":less", items::n(-1));
    Ok(match &commit.agent {
        AgentEffect::None => Vec::new(),
        AgentEffect::Opened { read, name, live } => {
            let open = update("SET ver = :next, rno = :rno, #name = :name ADD live_count :more")
                .expression_attribute_names("#name", "name")
                .expression_attribute_values(":next", natural(read.version + 1))
                .expression_attribute_values(":rno", natural(read.rno + 1))
                .expression_attribute_values(":name", items::s(*name))
                .expression_attribute_values(":more", items::n(i64::from(*live)));
            vec![changed(as_read(open, read), PortError::AgentChanged)?]
        }
        AgentEffect::Ended { rejected: false } => vec![changed(one_less(), PortError::AgentChanged)?],
        AgentEffect::Ended { rejected: true } => {
            let end = update("ADD live_count :less, rejections :one")
                .expression_attribute_values(":less", items::n(-1))
                .expression_attribute_values(":one", items::n(1));
            vec![changed(end, PortError::AgentChanged)?]
        }
        AgentEffect::Consumed { unmarked } => {
            let created = items::n(request.created.millis());
            let others = unmarked.iter().filter(|agent| **agent != request.agent).map(items::agent_key);
            let marks = others.chain([items::void_key(void_of(&request.id))]);
            let mut writes = marks
                .map(|pk| {
                    let check = ConditionCheck::builder().table_name(table).key("pk", items::s(pk));
                    let check = check.key("sk", items::s("STATE")).condition_expression(UNMARKED);
                    let check = check.expression_attribute_values(":created", created.clone());
                    checked(check, PortError::AgentChanged)
                })
                .collect::<Result<Vec<_>, _>>()?;
            let spend =
                one_less().condition_expression(UNMARKED).expression_attribute_values(":created", created);
            writes.push(changed(spend, PortError::AgentChanged)?);
            writes
        }
    })
}

pub(super) fn agent_writes(
    table: &str,
    id: &AgentId,
    read: &AgentRecord,
    after: &AgentRecord,
    leaves: &[Leaf],
    texts: &[(u32, &Words)],
) -> Result<Vec<Write>, PortError> {
    let subject = Subject::Agent(id.clone());
    let head = after.head.ok_or_else(|| items::malformed("head"))?;
    let mut set = "ADD ver :one SET seq = :seq, head = :head, frozen = :frozen".to_owned();
    let mut update = Update::builder()
        .table_name(table)
        .key("pk", items::s(items::agent_key(id)))
        .key("sk", items::s("STATE"))
        .expression_attribute_values(":one", items::n(1))
        .expression_attribute_values(":seq", items::n(i64::from(head.seq)))
        .expression_attribute_values(":head", items::s(String::from(head.hash)))
        .expression_attribute_values(":frozen", AttributeValue::Bool(after.agent.frozen));
    if let Some(mark) = after.agent.void_before {
        set.push_str(", void_before = :mark");
        update = update.expression_attribute_values(":mark", items::n(mark.millis()));
    }
    let update = match read.head {
        None => update.condition_expression("attribute_not_exists(seq)"),
        Some(read) => update
            .condition_expression("seq = :read AND head = :end")
            .expression_attribute_values(":read", items::n(i64::from(read.seq)))
            .expression_attribute_values(":end", items::s(String::from(read.hash))),
    };
    let mut writes = vec![changed(update.update_expression(set), PortError::AgentChanged)?];
    for leaf in leaves {
        writes.push(absent(table, items::leaf(&subject, leaf), PortError::Conflict)?);
    }
    for (seq, words) in texts {
        let item = items::base(items::agent_key(id), items::text_key(*seq));
        writes.push(absent(table, items::with_body(item, words)?, PortError::Conflict)?);
    }
    Ok(writes)
}

pub(super) type UpdateBuilder = aws_sdk_dynamodb::types::builders::UpdateBuilder;

/// On condition that the agent's record has the version read; one that never asked has none.
fn as_read(update: UpdateBuilder, read: &AgentRecord) -> UpdateBuilder {
    match read.version {
        0 => update.condition_expression("attribute_not_exists(ver)"),
        version => {
            update.condition_expression("ver = :read").expression_attribute_values(":read", natural(version))
        }
    }
}

pub(super) fn natural(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn checked(
    check: aws_sdk_dynamodb::types::builders::ConditionCheckBuilder,
    unmet: PortError,
) -> Result<Write, PortError> {
    let check = check.build().map_err(|_| items::malformed("condition"))?;
    Ok(Write { write: TransactWriteItem::builder().condition_check(check).build(), unmet })
}

pub(super) fn absent(table: &str, item: Item, unmet: PortError) -> Result<Write, PortError> {
    let item = Put::builder().table_name(table).set_item(Some(item));
    put(item.condition_expression("attribute_not_exists(pk)"), unmet)
}

pub(super) fn put(
    put: aws_sdk_dynamodb::types::builders::PutBuilder,
    unmet: PortError,
) -> Result<Write, PortError> {
    let put = put.build().map_err(|_| items::malformed("put"))?;
    Ok(Write { write: TransactWriteItem::builder().put(put).build(), unmet })
}

pub(super) fn changed(update: UpdateBuilder, unmet: PortError) -> Result<Write, PortError> {
    let update = update.build().map_err(|_| items::malformed("update"))?;
    Ok(Write { write: TransactWriteItem::builder().update(update).build(), unmet })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_transaction_means_its_first_unmet_condition() {
        fn check(codes: &[&str], expect: &PortError) {
            let meanings = [PortError::KeyTaken, PortError::Conflict, PortError::AgentChanged];
            assert_eq!(&meaning(codes.iter().copied(), &meanings), expect, "{codes:?}");
        }
        check(&["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], &PortError::KeyTaken);
        check(&["None", "None", "ConditionalCheckFailed"], &PortError::AgentChanged);
        check(&["TransactionConflict", "None", "ConditionalCheckFailed"], &PortError::AgentChanged);
        check(&["None", "TransactionConflict", "None"], &PortError::Conflict);
        check(
            &["None", "ThrottlingError", "None"],
            &unavailable("TransactWriteItems", Some("ThrottlingError")),
        );
        check(&[], &PortError::Conflict);
    }
}
