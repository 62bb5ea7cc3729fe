//! What the log is told to say of itself, as it goes from one function to another.

use countersign_domain::Time;
use countersign_domain::event::{Actor, Fact};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::store::Words;

/// One such thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// Evidence was taken away: the data of `log.exported`.
    Exported(Value),
    /// Two people want the log to go on.
    Recovered(Wanted),
}

/// A recovery that two people want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Who: two, not one twice.
    pub by: [Actor; 2],
    /// Why.
    pub reason: Words,
    /// When the first of them said so. A recovery since then is this one, whose answer was lost.
    pub asked: Time,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The log that says so.
    pub origin: String,
    /// That it does, as a C2SP tlog-proof, whose `extra` holds the leaf.
    pub receipt: String,
    /// The leaf's place.
    pub index: u64,
    /// The size of the log that the proof is for.
    pub size: u64,
}

impl Record {
    /// An export. `None` = the fact is another.
    pub fn of(exported: &Fact) -> Option<Self> {
        let data = json!(exported).get("data").cloned();
        data.filter(|_| matches!(exported, Fact::LogExported { .. })).map(Record::Exported)
    }

    /// The fact of an export; `None` = it is none.
    pub fn exported(data: &Value) -> Option<Fact> {
        let fact = serde_json::from_value(json!({"type": "log.exported", "data": data})).ok()?;
        matches!(fact, Fact::LogExported { .. }).then_some(fact)
    }
}
