//! The log's head, what is not in the log, and the transaction by which it grows.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, ReturnValue, Update};
use countersign_app::log::{
    Begin, EventKey, Line, LogCommit, LogHead, Pending, Sealed, Stray, Unsealed, VOIDS,
};
use countersign_app::ports::{Ledger, PortError};
use countersign_domain::Time;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Head, Leaf, Subject};

use super::commit::{Write, absent, changed, checked, natural, put};
use super::{DynamoTable, Item, conditional, failed, items};

/// How many events of a subject are read at a time, the newest first. Most have fewer that are pending.
const PAGE: i32 = 20;

/// What an item of the index `pending` has beside `p`.
const INDEXED: [&str; 3] = ["pk", "sk", "leaf_id"];

/// The sort key of the item that says which of a stack's logs is written.
const LINE: &str = "CURRENT";

impl Ledger for DynamoTable {
    async fn line(&self, base: &Origin) -> Result<Line, PortError> {
        let Some(item) = self.get(items::log_key(base), LINE).await? else { return Ok(Line::default()) };
        let n = items::number(&item, "n").and_then(|n| u32::try_from(n).ok());
        Ok(Line {
            n: n.ok_or_else(|| items::malformed("n"))?,
            recovered: items::number(&item, "void_before").map(Time::from_millis),
        })
    }

    async fn log_head(&self, origin: &Origin) -> Result<Option<LogHead>, PortError> {
        self.get(items::log_key(origin), "HEAD").await?.as_ref().map(read_head).transpose()
    }

    async fn pending(&self, cursor: Option<&str>, limit: u32) -> Result<Pending, PortError> {
        let call = self.client.query().table_name(&self.name).index_name("pending");
        let call = call.set_exclusive_start_key(cursor.and_then(start_of));
        let answer = call
            .key_condition_expression("p = :p")
            .expression_attribute_values(":p", items::s(items::PENDING))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|e| failed("Query", &e))?;
        let mut found =
            Pending { next: answer.last_evaluated_key.as_ref().and_then(cursor_of), ..Pending::default() };
        for item in answer.items.unwrap_or_default() {
            let Some(subject) = items::text(&item, "pk").and_then(items::subject_of) else { continue };
            match items::event_number(&subject, &item) {
                Some(_) => _ = found.subjects.insert(subject),
                None => {
                    let key = items::text(&item, "sk").unwrap_or_default().to_owned();
                    found.strays.push(Stray { subject, key });
                }
            }
        }
        Ok(found)
    }

    async fn unlist(&self, stray: &Stray) -> Result<Option<Vec<u8>>, PortError> {
        let call = self.client.update_item().table_name(&self.name);
        let call =
            call.key("pk", items::s(items::subject_key(&stray.subject))).key("sk", items::s(&stray.key));
        let answer = call
            .update_expression("REMOVE p")
            .condition_expression("attribute_exists(p)")
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        let mut bytes = None;
        let answer = answer.inspect(|answer| bytes = answer.attributes.as_ref().and_then(items::leaf_bytes));
        Ok(conditional("UpdateItem", answer)?.then(|| bytes.unwrap_or_default()))
    }

    async fn unsealed(&self, subject: &Subject) -> Result<Unsealed, PortError> {
        let mut found = Unsealed::default();
        let mut start = None;
        'pages: loop {
            let call = self.client.query().table_name(&self.name).consistent_read(true);
            let answer = call
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":pk", items::s(items::subject_key(subject)))
                .expression_attribute_values(":sk", items::s("EVT#"))
                .scan_index_forward(false)
                .limit(PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|e| failed("Query", &e))?;
            for item in answer.items.unwrap_or_default() {
                let Some(seq) = items::event_number(subject, &item) else { continue };
                let event = items::raw_event(&item, seq);
                if !item.contains_key("p") {
                    found.before = Some(event);
                    break 'pages;
                }
                found.events.push(event);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        found.events.reverse();
        Ok(found)
    }

    async fn leaves(&self, keys: &[EventKey]) -> Result<Vec<Vec<u8>>, PortError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let key = |key: &EventKey| {
            items::base(items::subject_key(&key.subject), items::event_key(&key.subject, key.seq))
        };
        let items = self.get_all(keys.iter().map(key).collect()).await?;
        let place = |item: &Item| {
            let place = items::text(item, "pk").zip(items::text(item, "sk"));
            place.map(|(pk, sk)| (pk.to_owned(), sk.to_owned())).zip(items::leaf_bytes(item))
        };
        let mut found: HashMap<_, _> = items.iter().filter_map(place).collect();
        let take = |key: &EventKey| {
            let place = (items::subject_key(&key.subject), items::event_key(&key.subject, key.seq));
            found.remove(&place).ok_or_else(|| items::malformed("leaf"))
        };
        keys.iter().map(take).collect()
    }

    async fn commit_log(&self, commit: LogCommit<'_>) -> Result<(), PortError> {
        self.transact(writes(&self.name, &commit)?).await
    }

    async fn published(&self, origin: &Origin, head: &LogHead) -> Result<(), PortError> {
        let call = self.client.update_item().table_name(&self.name);
        let call = call.key("pk", items::s(items::log_key(origin))).key("sk", items::s("HEAD"));
        let answer = call
            .update_expression("SET published = :size")
            .condition_expression("#size = :size AND root_hash = :root")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":size", natural(head.size))
            .expression_attribute_values(":root", root(&head.root))
            .send()
            .await;
        conditional("UpdateItem", answer).map(|_| ())
    }
}

/// An opaque cursor: the three keys of an item of the index.
fn cursor_of(key: &Item) -> Option<String> {
    let keys = INDEXED.map(|name| items::text(key, name));
    let keys: Option<Vec<_>> = keys.into_iter().collect();
    Some(keys?.join("\n"))
}

fn start_of(cursor: &str) -> Option<Item> {
    let mut keys = cursor.split('\n');
    let mut start = Item::from([("p".to_owned(), items::s(items::PENDING))]);
    for name in INDEXED {
        start.insert(name.to_owned(), items::s(keys.next()?));
    }
    Some(start)
}

fn writes(table: &str, commit: &LogCommit<'_>) -> Result<Vec<Write>, PortError> {
    let head = Put::builder().table_name(table).set_item(Some(write_head(commit.origin, commit.after)));
    let head = match commit.before {
        None => head.condition_expression("attribute_not_exists(pk)"),
        Some(read) => head
            .condition_expression("#size = :size AND root_hash = :root")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":size", natural(read.size))
            .expression_attribute_values(":root", root(&read.root)),
    };
    let (base, read) = commit.line;
    let mut writes = vec![put(head, PortError::Conflict)?];
    let number = match &commit.recovery {
        None => {
            let check = ConditionCheck::builder().table_name(table).key("pk", items::s(items::log_key(base)));
            let check = check.key("sk", items::s(LINE));
            let check = match read.n {
                0 => check.condition_expression("attribute_not_exists(pk)"),
                n => check.condition_expression("n = :n").expression_attribute_values(":n", number_of(n)),
            };
            writes.push(checked(check, PortError::Conflict)?);
            read.n
        }
        Some(begin) => {
            writes.extend(recover(table, commit, begin)?);
            begin.line.n
        }
    };
    for sealed in &commit.sealed {
        writes.push(seal(table, sealed, number)?);
    }
    let log = Subject::Log(commit.origin.clone());
    for (leaf, index) in &commit.own {
        writes.push(absent(table, own(&log, leaf, *index, number), PortError::Conflict)?);
    }
    Ok(writes)
}

/// The line moves on, what was asked so far is void, and what was not published is pending again.
fn recover(table: &str, commit: &LogCommit<'_>, begin: &Begin<'_>) -> Result<Vec<Write>, PortError> {
    let (base, read) = commit.line;
    let mark = items::n(begin.line.recovered.map_or(0, Time::millis));
    let mut line = items::base(items::log_key(base), LINE);
    line.insert("n".into(), number_of(begin.line.n));
    line.insert("void_before".into(), mark.clone());
    let line = Put::builder().table_name(table).set_item(Some(line));
    let line = match read.n {
        0 => line.condition_expression("attribute_not_exists(pk)"),
        n => line.condition_expression("n = :n").expression_attribute_values(":n", number_of(n)),
    };
    let mut writes = vec![put(line, PortError::Conflict)?];
    for n in 0..VOIDS {
        let mut item = items::base(items::void_key(n), "STATE");
        item.insert("void_before".into(), mark.clone());
        writes.push(put(Put::builder().table_name(table).set_item(Some(item)), PortError::Conflict)?);
    }
    let (seq, words) = begin.reason;
    let text = items::base(items::log_key(commit.origin), items::text_key(seq));
    writes.push(absent(table, items::with_body(text, words)?, PortError::Conflict)?);
    for key in &begin.again {
        let again = Update::builder()
            .table_name(table)
            .key("pk", items::s(items::subject_key(&key.subject)))
            .key("sk", items::s(items::event_key(&key.subject, key.seq)))
            .update_expression("SET p = :p REMOVE i, o")
            .condition_expression("attribute_exists(i)")
            .expression_attribute_values(":p", items::s(items::PENDING));
        writes.push(changed(again, PortError::Conflict)?);
    }
    Ok(writes)
}

fn number_of(n: u32) -> AttributeValue {
    items::n(i64::from(n))
}

/// On condition that the event is pending and, where a hash stands beside it, that it is the one read.
fn seal(table: &str, sealed: &Sealed, log: u32) -> Result<Write, PortError> {
    let EventKey { subject, seq } = &sealed.key;
    let update = Update::builder()
        .table_name(table)
        .key("pk", items::s(items::subject_key(subject)))
        .key("sk", items::s(items::event_key(subject, *seq)))
        .update_expression("SET i = :i, o = :o REMOVE p")
        .expression_attribute_values(":i", natural(sealed.index))
        .expression_attribute_values(":o", number_of(log));
    let update = match &sealed.hash {
        None => update.condition_expression("attribute_exists(p)"),
        Some(hash) => update
            .condition_expression("attribute_exists(p) AND #hash = :hash")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", items::s(hash)),
    };
    changed(update, PortError::Conflict)
}

/// An event that is in the log from the beginning.
fn own(log: &Subject, leaf: &Leaf, index: u64, number: u32) -> Item {
    let mut item = items::leaf(log, leaf);
    item.remove("p");
    item.insert("i".into(), natural(index));
    item.insert("o".into(), number_of(number));
    item
}

fn root(root: &[u8; 32]) -> AttributeValue {
    AttributeValue::B(Blob::new(*root))
}

fn write_head(origin: &Origin, head: &LogHead) -> Item {
    let mut item = items::base(items::log_key(origin), "HEAD");
    let batch = head.batch.iter().map(|key| items::s(format!("{}#{}", key.subject, key.seq)));
    item.insert("size".into(), natural(head.size));
    item.insert("root_hash".into(), root(&head.root));
    item.insert("published".into(), natural(head.published));
    item.insert("batch".into(), AttributeValue::L(batch.collect()));
    item.insert("seq".into(), items::n(i64::from(head.chain.seq)));
    item.insert("head".into(), items::s(String::from(head.chain.hash)));
    item.insert("said".into(), items::n(head.said.millis()));
    item
}

fn read_head(item: &Item) -> Result<LogHead, PortError> {
    let natural = |name: &str| {
        let number = items::number(item, name).and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| items::malformed(name))
    };
    let root = item.get("root_hash").and_then(|root| root.as_b().ok());
    let root = root.and_then(|root| root.as_ref().try_into().ok());
    let batch =
        item.get("batch").and_then(|batch| batch.as_l().ok()).ok_or_else(|| items::malformed("batch"))?;
    let key = |text: &AttributeValue| {
        let (subject, seq) = text.as_s().ok()?.rsplit_once('#')?;
        Some(EventKey { subject: subject.parse().ok()?, seq: seq.parse().ok()? })
    };
    let hash = items::text(item, "head").and_then(|hash| hash.to_owned().try_into().ok());
    Ok(LogHead {
        size: natural("size")?,
        root: root.ok_or_else(|| items::malformed("root"))?,
        published: natural("published")?,
        batch: batch.iter().map(key).collect::<Option<_>>().ok_or_else(|| items::malformed("batch"))?,
        chain: Head {
            seq: u32::try_from(natural("seq")?).map_err(|_| items::malformed("seq"))?,
            hash: hash.ok_or_else(|| items::malformed("head"))?,
        },
        said: items::number(item, "said").map(Time::from_millis).ok_or_else(|| items::malformed("said"))?,
    })
}
