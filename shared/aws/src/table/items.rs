//! Records to items and back. Names of attributes live here alone.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use countersign_app::log::RawEvent;
use countersign_app::ports::PortError;
use countersign_app::store::{AgentRecord, CardRecord, Removal, Stored, StoredEvent, WorkflowMark};
use countersign_domain::agent::Agent;
use countersign_domain::ids::{AgentId, Origin, RequestId};
use countersign_domain::leaf::{Head, Leaf, Subject};
use countersign_domain::{Digest, Time};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Item;

/// The partition of the `due` index.
pub(super) const DUE: &str = "due";
/// The partition of the `live` index.
pub(super) const LIVE: &str = "live";
/// The partition of the `pending` index.
pub(super) const PENDING: &str = "pending";

pub(super) fn request_key(id: &RequestId) -> String {
    format!("REQ#{id}")
}

pub(super) fn agent_key(id: &AgentId) -> String {
    format!("AGENT#{id}")
}

pub(super) fn subject_key(subject: &Subject) -> String {
    match subject {
        Subject::Request(id) => request_key(id),
        Subject::Agent(id) => agent_key(id),
        Subject::Log(origin) => log_key(origin),
    }
}

/// One of the items with the mark of the last recovery.
pub(super) fn void_key(n: u32) -> String {
    format!("VOID#{n}")
}

pub(super) fn log_key(origin: &Origin) -> String {
    format!("LOG#{origin}")
}

/// Whose items are under this partition key, if anybody's events are.
pub(super) fn subject_of(pk: &str) -> Option<Subject> {
    let (kind, id) = pk.split_once('#')?;
    let subject: Subject = id.parse().ok()?;
    matches!(
        (kind, &subject),
        ("REQ", Subject::Request(_)) | ("AGENT", Subject::Agent(_)) | ("LOG", Subject::Log(_))
    )
    .then_some(subject)
}

/// Keys are sorted as texts. A log lives for years and has an event an hour.
pub(super) fn event_key(subject: &Subject, seq: u32) -> String {
    match subject {
        Subject::Log(_) => format!("EVT#{seq:010}"),
        Subject::Request(_) | Subject::Agent(_) => format!("EVT#{seq:04}"),
    }
}

pub(super) fn args_key(revision: u32) -> String {
    format!("ARGS#{revision}")
}

pub(super) fn text_key(seq: u32) -> String {
    format!("TEXT#{seq:04}")
}

pub(super) fn idempotency_key(agent: &AgentId, key: &str) -> String {
    format!("IDEM#{agent}#{key}")
}

pub(super) fn cool_key(ask: &Digest) -> String {
    format!("COOL#{ask}")
}

/// What stands in the place of items that were erased: no body, and a time to be forgotten that is past. No function
/// may delete an item, for whoever could might delete events as well.
pub(super) fn gone(id: &RequestId, removal: &Removal) -> impl Iterator<Item = Item> {
    let asks = (1..=removal.revisions).map(args_key);
    let of_request = asks.chain(removal.texts.iter().map(|seq| text_key(*seq)));
    let of_request = of_request.map(|sk| base(request_key(id), sk));
    let cool = removal.cool.iter().map(|ask| base(cool_key(ask), "STATE"));
    of_request.chain(cool).map(|mut item| {
        item.insert("ttl".into(), n(1));
        item
    })
}

/// Whether the item was not erased.
pub(super) fn is_there(item: &Item) -> bool {
    item.contains_key("body")
}

pub(super) fn once_key(once: &Digest) -> String {
    format!("ONCE#{once}")
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|v| v.as_s().ok()).map(String::as_str)
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name).and_then(|v| v.as_n().ok()).and_then(|v| v.parse().ok())
}

/// An item that is not as this code writes it.
pub(crate) fn malformed(what: &str) -> PortError {
    PortError::Unavailable(format!("a stored item has no valid {what}"))
}

pub(super) fn base(pk: String, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

pub(super) fn with_body(mut item: Item, body: &impl Serialize) -> Result<Item, PortError> {
    let json = serde_json::to_string(body).map_err(|_| malformed("body"))?;
    item.insert("body".into(), s(json));
    Ok(item)
}

pub(super) fn body<T: DeserializeOwned>(item: &Item) -> Result<T, PortError> {
    text(item, "body").and_then(|b| serde_json::from_str(b).ok()).ok_or_else(|| malformed("body"))
}

pub(super) fn workflow(mark: &WorkflowMark) -> AttributeValue {
    let mut map = Item::from([
        ("n".to_owned(), n(i64::from(mark.n))),
        ("looks".to_owned(), n(i64::from(mark.looks))),
        ("resumed".to_owned(), AttributeValue::Bool(mark.resumed)),
    ]);
    if let Some(seen) = mark.seen {
        map.insert("seen".into(), n(seen.millis()));
    }
    AttributeValue::M(map)
}

fn workflow_mark(item: &Item) -> Option<WorkflowMark> {
    let map = item.get("wf")?.as_m().ok()?;
    Some(WorkflowMark {
        n: u32::try_from(number(map, "n")?).ok()?,
        seen: number(map, "seen").map(Time::from_millis),
        looks: number(map, "looks").and_then(|looks| u32::try_from(looks).ok()).unwrap_or(0),
        resumed: *map.get("resumed")?.as_bool().ok()?,
    })
}

pub(super) fn state(stored: &Stored) -> Result<Item, PortError> {
    let request = &stored.request;
    let mut item = with_body(base(request_key(&request.id), "STATE"), request)?;
    item.insert("ver".into(), n(i64::from(stored.version())));
    item.insert("head".into(), s(String::from(stored.head.hash)));
    item.insert("rno".into(), n(i64::try_from(stored.rno).unwrap_or(i64::MAX)));
    item.insert("agent".into(), s(request.agent.as_str()));
    item.insert("status".into(), s(request.status.as_str()));
    item.insert("wf".into(), workflow(&stored.workflow));
    item.insert("view_no".into(), n(i64::from(stored.view)));
    if request.status.is_live() {
        item.insert("live".into(), s(LIVE));
        item.insert("live_sk".into(), s(format!("{}#{}", request.agent, request.id)));
    }
    if let Some(due) = stored.due {
        item.insert("due".into(), n(due.epoch_seconds()));
        item.insert("due_shard".into(), s(DUE));
    }
    Ok(item)
}

pub(super) fn stored(item: &Item) -> Result<Stored, PortError> {
    let hash = text(item, "head").and_then(|h| h.to_owned().try_into().ok());
    let version = number(item, "ver").and_then(|v| u32::try_from(v).ok());
    Ok(Stored {
        request: body(item)?,
        rno: number(item, "rno").and_then(|n| u64::try_from(n).ok()).ok_or_else(|| malformed("rno"))?,
        head: Head {
            seq: version.ok_or_else(|| malformed("ver"))?,
            hash: hash.ok_or_else(|| malformed("head"))?,
        },
        due: number(item, "due").map(|seconds| Time::from_millis(seconds.saturating_mul(1000))),
        workflow: workflow_mark(item).ok_or_else(|| malformed("wf"))?,
        view: number(item, "view_no")
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(|| malformed("view_no"))?,
    })
}

pub(super) fn leaf(subject: &Subject, leaf: &Leaf) -> Item {
    let mut item = base(subject_key(subject), event_key(subject, leaf.seq));
    item.insert("leaf".into(), AttributeValue::B(Blob::new(leaf.bytes.clone())));
    item.insert("hash".into(), s(String::from(leaf.hash)));
    item.insert("type".into(), s(leaf.kind.clone()));
    item.insert("p".into(), s(PENDING));
    item.insert("leaf_id".into(), s(format!("{subject}.{:04}", leaf.seq)));
    item
}

pub(super) fn event(item: &Item, seq: u32) -> Result<StoredEvent, PortError> {
    Ok(StoredEvent {
        seq,
        bytes: leaf_bytes(item).ok_or_else(|| malformed("leaf"))?,
        index: number(item, "i").and_then(|index| u64::try_from(index).ok()),
        log: number(item, "o").and_then(|log| u32::try_from(log).ok()).unwrap_or(0),
    })
}

/// The event, whatever is in it: one that is not as it should be must not keep others out of the log.
pub(super) fn raw_event(item: &Item, seq: u32) -> RawEvent {
    RawEvent { seq, bytes: leaf_bytes(item).unwrap_or_default(), hash: text(item, "hash").map(str::to_owned) }
}

/// The number of the subject's event under this key. `None` = it is no event's, whatever it is.
pub(super) fn event_number(subject: &Subject, item: &Item) -> Option<u32> {
    let sk = text(item, "sk")?;
    let seq = sk.strip_prefix("EVT#")?.parse().ok()?;
    (event_key(subject, seq) == sk).then_some(seq)
}

pub(super) fn leaf_bytes(item: &Item) -> Option<Vec<u8>> {
    item.get("leaf").and_then(|v| v.as_b().ok()).map(|b| b.as_ref().to_vec())
}

pub(super) fn agent(item: &Item) -> Result<AgentRecord, PortError> {
    let natural = |name: &str| number(item, name).and_then(|v| u64::try_from(v).ok()).unwrap_or(0);
    let head = match (number(item, "seq").and_then(|v| u32::try_from(v).ok()), text(item, "head")) {
        (Some(seq), Some(hash)) => {
            Some(Head { seq, hash: hash.to_owned().try_into().map_err(|_| malformed("head"))? })
        }
        _ => None,
    };
    Ok(AgentRecord {
        agent: Agent {
            frozen: item.get("frozen").and_then(|v| v.as_bool().ok()).copied().unwrap_or(false),
            void_before: number(item, "void_before").map(Time::from_millis),
        },
        name: text(item, "name").unwrap_or_default().to_owned(),
        rno: natural("rno"),
        live: number(item, "live_count").unwrap_or(0),
        rejections: natural("rejections"),
        version: natural("ver"),
        head,
    })
}

pub(super) fn once(once: &Digest, forget: Time) -> Item {
    let mut item = base(once_key(once), "STATE");
    item.insert("ttl".into(), n(forget.epoch_seconds()));
    item
}

pub(super) fn card(id: &RequestId, card: &CardRecord) -> Result<Item, PortError> {
    let key = format!("CARD#{}#{}", card.channel, card.n);
    let mut item = with_body(base(request_key(id), key), card)?;
    item.insert("ver".into(), n(i64::from(card.version)));
    Ok(item)
}
