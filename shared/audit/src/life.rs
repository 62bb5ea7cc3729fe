//! Every request's life in the range, by the domain's decider: nothing ran without approval, nor after an end, on
//! other arguments, or by the vote of somebody who may not.
//!
//! Its memory is the open requests' snapshots, and about a hundred bytes for each that ended. It does not know files.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use countersign_domain::request::advance;
use countersign_domain::{AgentId, Event, Fact, Request, Status, Time, evolve};
use countersign_tlog::Hash;
use serde::de::IgnoredAny;

use crate::record::{Record, RequestKey, Who, made_at, request_id, who};
use crate::report::{Finding, Place};

mod row;
mod why;

pub use row::Row;
use row::{Keep, Prefix, Tally};

/// How late an event may come into the log, in milliseconds.
pub const LATE: i64 = 15 * 60 * 1000;

/// Where the range begins: whether a subject can have begun before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the log.
    Genesis,
    /// In the middle of a log, or of a life that another log began; the first leaf is of this time.
    Middle(Time),
}

/// Somebody took the right to run.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The leaf.
    pub index: u64,
    /// The request.
    pub key: RequestKey,
    /// The event's number.
    pub seq: u32,
    /// When the request was made.
    pub created: Time,
    /// When it was taken.
    pub at: Time,
    /// Who asked.
    pub agent: AgentId,
    /// Who took it.
    pub by: AgentId,
}

/// The lives of requests, as far as they were read.
#[derive(Debug)]
pub struct Lives {
    keep: Keep,
    start: Start,
    lives: HashMap<RequestKey, Life>,
    /// What was found so far: taken by whoever reports.
    pub found: Vec<Finding>,
    /// Who ran something since this was taken.
    pub ran: Vec<Ran>,
    /// How many began before the range.
    pub begun_before: u64,
}

#[derive(Debug)]
struct Life {
    seq: u32,
    head: Hash,
    /// Whether the next event's `prev` can be anything: the one before is in the log by its hash alone.
    loose: bool,
    rno: Option<u64>,
    tally: Tally,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Box<Request>),
    /// Ended or consumed. Who may report how it went, while nobody did.
    Closed {
        status: Status,
        ended: Option<Time>,
        by: Option<Box<AgentId>>,
        prefix: Prefix,
    },
    /// Something of it is missing or wrong, so nothing more can be said of it.
    Unjudged(Prefix),
}

impl Lives {
    /// For the export: keeps the rows.
    pub fn for_export(start: Start) -> Self {
        Self::new(start, Keep::Text)
    }

    /// For the verifier: keeps what rows can be compared with.
    pub fn for_verify(start: Start) -> Self {
        Self::new(start, Keep::Hash)
    }

    fn new(start: Start, keep: Keep) -> Self {
        Self { keep, start, lives: HashMap::new(), found: Vec::new(), ran: Vec::new(), begun_before: 0 }
    }

    /// How many requests there are.
    pub fn len(&self) -> u64 {
        self.lives.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lives.is_empty()
    }

    /// Takes the next leaf in, where `mine` says that its request is this one's to judge.
    pub fn take(&mut self, record: &Record, mine: impl Fn(RequestKey) -> bool) {
        match (&record.who, record.fact()) {
            (Who::Request(key), _) if mine(*key) => self.request(*key, record),
            (Who::Log(_), Some(Fact::LogQuarantined { of, number, hash, .. })) => {
                if let Some(Who::Request(key)) = who(of)
                    && mine(key)
                {
                    self.quarantined(key, *number, hash.0, record);
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, key: RequestKey, record: &Record) {
        let life = match self.lives.entry(key) {
            Entry::Vacant(place) => {
                let (life, found) = begin(key, record, self.start, self.keep);
                self.begun_before += u64::from(life.tally.begun_before);
                self.found.extend(found);
                place.insert(life);
                return;
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        let before = life.tally.last_index;
        if record.seq <= life.seq {
            let what = format!("the event has an id that is not new: {before} is its request's last leaf");
            self.found.push(Finding::broken(6, Place::of(record), what));
            return;
        }
        if record.seq - life.seq > 1 {
            let what = format!("events {} to {} are missing before it", life.seq + 1, record.seq - 1);
            self.found.push(Finding::broken(7, Place::of(record), what));
            life.spoil(self.keep);
        } else if record.prev != life.head && !life.loose {
            let what = format!("it does not follow leaf {before}, as that stands: one of them was changed");
            self.found.push(Finding::broken(7, Place::of(record), what));
        }
        if life.rno != record.rno {
            let what = "its request's number is not that of the events before";
            self.found.push(Finding::broken(8, Place::of(record), what));
        }
        (life.seq, life.head, life.loose) = (record.seq, record.hash, false);
        life.tally.add(record);
        match &record.event {
            Ok(event) => {
                let unknown = life.tally.quarantined && matches!(life.state, State::Unjudged(_));
                if unknown && matches!(event.fact, Fact::Consumed { .. }) {
                    let what =
                        "it ran, and an event before it is in the log by its hash alone: nobody can judge";
                    self.found.push(Finding::exception(10, Place::of(record), what));
                }
                if let Err(wrong) = life.judge(event, record, self.keep, &mut self.ran) {
                    self.found.push(Finding::broken(10, Place::of(record), wrong));
                    life.tally.broken = true;
                    life.spoil(self.keep);
                }
            }
            Err(unknown) => {
                self.found.push(unreadable(record, &unknown.why));
                life.spoil(self.keep);
            }
        }
    }

    /// An event of which only the hash is in the log.
    fn quarantined(&mut self, key: RequestKey, number: u32, hash: Hash, record: &Record) {
        let life = self.lives.entry(key).or_insert_with(|| Life {
            seq: 0,
            head: [0; 32],
            loose: true,
            rno: None,
            tally: Tally::new(record.index),
            state: State::Unjudged(Prefix::of(self.keep, key, None, None)),
        });
        life.spoil(self.keep);
        (life.seq, life.head, life.loose) = (life.seq.max(number), hash, true);
        life.tally.quarantined = true;
    }

    /// The rows of the requests that a selected event touched, in no order.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        let keep = self.keep;
        let touched = self.lives.into_iter().filter(|(_, life)| life.tally.touched);
        touched.map(move |(key, life)| {
            let (prefix, status, ended) = match life.state {
                State::Open(request) => {
                    let prefix = Prefix::of(keep, key, life.rno, Some(&request));
                    (prefix, request.status.as_str(), None)
                }
                State::Closed { status, ended, prefix, .. } => (prefix, status.as_str(), ended),
                State::Unjudged(prefix) => (prefix, "unjudged", None),
            };
            Row::new(prefix, status, ended, &life.tally)
        })
    }
}

fn unreadable(record: &Record, why: &str) -> Finding {
    Finding::broken(10, Place::of(record), format!("this program cannot judge a {}: {why}", record.kind()))
}

/// The life that begins with this leaf.
fn begin(key: RequestKey, record: &Record, start: Start, keep: Keep) -> (Life, Option<Finding>) {
    let mut tally = Tally::new(record.index);
    tally.add(record);
    let unjudged = State::Unjudged(Prefix::of(keep, key, record.rno, None));
    let (state, found) = if record.seq == 1 {
        match first(key, record) {
            Ok(request) => (State::Open(Box::new(request)), None),
            Err(found) => {
                tally.broken = true;
                (unjudged, Some(found))
            }
        }
    } else {
        match start {
            Start::Middle(first) if made_at(key) <= first.millis().saturating_add(LATE) => {
                tally.begun_before = true;
                (unjudged, None)
            }
            _ => {
                let what = format!("its request's first {} events are missing", record.seq.saturating_sub(1));
                (unjudged, Some(Finding::broken(7, Place::of(record), what)))
            }
        }
    };
    (Life { seq: record.seq, head: record.hash, loose: false, rno: record.rno, tally, state }, found)
}

fn first(key: RequestKey, record: &Record) -> Result<Request, Finding> {
    if record.prev != [0; 32] {
        return Err(Finding::broken(7, Place::of(record), "it is a first event, and names one before it"));
    }
    let event = record.event.as_ref().map_err(|unknown| unreadable(record, &unknown.why))?;
    evolve(None, event, Some(&request_id(key)))
        .map_err(|illegal| Finding::broken(10, Place::of(record), why::why(None, event, &illegal)))
}

impl Life {
    /// Nothing more can be said of it.
    fn spoil(&mut self, keep: Keep) {
        let prefix = match &mut self.state {
            State::Open(request) => Prefix::of_request(keep, self.rno, request),
            State::Closed { prefix, .. } | State::Unjudged(prefix) => std::mem::take(prefix),
        };
        self.state = State::Unjudged(prefix);
    }

    fn judge(
        &mut self,
        event: &Event,
        record: &Record,
        keep: Keep,
        all: &mut Vec<Ran>,
    ) -> Result<(), String> {
        match &mut self.state {
            State::Open(request) => {
                advance(request, event).map_err(|illegal| why::why(Some(request), event, &illegal))?;
                if let (Fact::Consumed { by, .. }, Who::Request(key)) = (&event.fact, &record.who) {
                    let (created, agent) = (request.created, request.agent.clone());
                    let (index, seq, at) = (record.index, record.seq, record.time);
                    all.push(Ran { index, key: *key, seq, created, at, agent, by: by.clone() });
                }
                if !request.status.is_live() {
                    let by = request.consumption.as_ref().map(|consumed| Box::new(consumed.by.clone()));
                    let ended = request.status.is_end().then_some(event.time);
                    let prefix = Prefix::of_request(keep, self.rno, request);
                    self.state = State::Closed { status: request.status, ended, by, prefix };
                }
                Ok(())
            }
            State::Closed { status, ended, by, .. } => {
                let (reporter, after) = match &event.fact {
                    Fact::Succeeded { by, .. } => (by, Status::Succeeded),
                    Fact::Failed { by, .. } => (by, Status::Failed),
                    Fact::Unknown { by, .. } => (by, Status::Unknown),
                    other if is_note(other.kind()) => return Ok(()),
                    other => return Err(format!("a {} after the end: it was {status}", other.kind())),
                };
                if *status != Status::Consumed || by.as_deref() != Some(reporter) {
                    return Err(format!(
                        "{reporter} says how it went, and it was {status}, not theirs to tell"
                    ));
                }
                (*status, *ended) = (after, Some(event.time));
                Ok(())
            }
            State::Unjudged(_) => Ok(()),
        }
    }
}

/// What may stand after an end: notes of what went on around it.
fn is_note(kind: &str) -> bool {
    matches!(
        kind,
        "notification.sent"
            | "notification.failed"
            | "decision.refused"
            | "execution.refused"
            | "data.erased"
    )
}

/// Where a range begins, by its first leaf: a log that goes on from another one's end begins in the middle of lives.
pub fn start_of(start: u64, first: &Record) -> Start {
    let continues = first.own.as_deref().is_some_and(|data| {
        let fields: Result<BTreeMap<String, IgnoredAny>, _> = serde_json::from_str(data);
        fields.is_ok_and(|fields| fields.contains_key("after"))
    });
    match start {
        0 if !continues => Start::Genesis,
        _ => Start::Middle(first.time),
    }
}
