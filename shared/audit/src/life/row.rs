//! A request's row in `requests.csv`: what no longer changes once it ended, kept as text or as a hash, and the rest.

use countersign_domain::event::Ballot;
use countersign_domain::{Fact, Request, Time};
use sha2::{Digest as _, Sha256};

use crate::record::{Record, RequestKey, request_id};
use crate::rows::cell;

/// What is kept of a row until it is written or compared.
#[derive(Debug, Clone, Copy)]
pub enum Keep {
    Text,
    Hash,
}

/// The cells that no longer change once the request was consumed or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prefix {
    Text(Box<str>),
    Hash([u8; 16]),
}

impl Default for Prefix {
    fn default() -> Self {
        Prefix::Hash([0; 16])
    }
}

/// What is counted of a request's events.
#[derive(Debug, Clone)]
pub struct Tally {
    pub first_index: u64,
    pub last_index: u64,
    events: u32,
    refused_decisions: u16,
    refused_executions: u16,
    failed_notices: u16,
    pub touched: bool,
    pub begun_before: bool,
    pub quarantined: bool,
    pub broken: bool,
}

impl Tally {
    pub fn new(index: u64) -> Self {
        Self {
            first_index: index,
            last_index: index,
            events: 0,
            refused_decisions: 0,
            refused_executions: 0,
            failed_notices: 0,
            touched: false,
            begun_before: false,
            quarantined: false,
            broken: false,
        }
    }

    pub fn add(&mut self, record: &Record) {
        self.last_index = record.index;
        self.events = self.events.saturating_add(1);
        self.touched |= record.selected;
        let count = match record.fact() {
            Some(Fact::DecisionRefused(_)) => &mut self.refused_decisions,
            Some(Fact::ExecutionRefused { .. }) => &mut self.refused_executions,
            Some(Fact::NotificationFailed { .. }) => &mut self.failed_notices,
            _ => return,
        };
        *count = count.saturating_add(1);
    }

    fn exceptions(&self) -> String {
        let counted = [
            (self.refused_decisions, "decisions refused"),
            (self.refused_executions, "executions refused"),
            (self.failed_notices, "notices failed"),
        ];
        let flags = [
            (self.begun_before, "begun before the range"),
            (self.quarantined, "an event quarantined"),
            (self.broken, "broken"),
        ];
        let flags = flags.iter().filter(|(is, _)| *is).map(|(_, words)| (*words).to_owned());
        let counted = counted.iter().filter(|(count, _)| *count > 0);
        flags.chain(counted.map(|(count, words)| format!("{count} {words}"))).collect::<Vec<_>>().join("; ")
    }
}

impl Prefix {
    pub fn of_request(keep: Keep, rno: Option<u64>, request: &Request) -> Self {
        Self::keep(keep, cells(request.id.as_str(), rno, Some(request)))
    }

    pub fn of(keep: Keep, key: RequestKey, rno: Option<u64>, request: Option<&Request>) -> Self {
        Self::keep(keep, cells(request_id(key).as_str(), rno, request))
    }

    fn keep(keep: Keep, text: String) -> Self {
        match keep {
            Keep::Text => Prefix::Text(text.into()),
            Keep::Hash => Prefix::Hash(short_hash(text.as_bytes())),
        }
    }
}

/// So many bits hide no other row.
fn short_hash(bytes: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// The cells up to `consumed`, with the comma after them.
fn cells(id: &str, rno: Option<u64>, request: Option<&Request>) -> String {
    let mut out = Vec::new();
    let mut add = |text: &str| {
        cell(&mut out, text);
        out.push(b',');
    };
    let number = rno.map(|rno| rno.to_string()).unwrap_or_default();
    let time = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    add(id);
    match request {
        None => ["", &number, "", "", "", "", "", "", ""].into_iter().for_each(add),
        Some(request) => {
            let votes = request.review.iter().flat_map(|review| &review.votes);
            let approved = votes.filter(|vote| vote.ballot == Ballot::Approve);
            let mut people: Vec<&str> = approved.map(|vote| vote.actor.person.as_str()).collect();
            people.dedup();
            add(request.agent.as_str());
            add(&number);
            add(&request.action);
            add(request.digest.as_str());
            add(request.outcome.as_deref().unwrap_or_default());
            add(&people.join(" "));
            add(&time(Some(request.created)));
            add(&time(request.decided.as_ref().map(|decided| decided.change.at)));
            add(&time(request.consumption.as_ref().map(|consumption| consumption.at)));
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// A row, to be written or compared.
#[derive(Debug, Clone)]
pub struct Row {
    /// The request's first leaf in the range: rows are in this order.
    pub first_index: u64,
    /// The status at the end of the range.
    pub status: &'static str,
    /// Whether something of it lies before the range.
    pub begun_before: bool,
    prefix: Prefix,
    suffix: Box<str>,
}

impl Row {
    pub(super) fn new(prefix: Prefix, status: &'static str, ended: Option<Time>, tally: &Tally) -> Self {
        let ended = ended.map(|time| time.to_string()).unwrap_or_default();
        let (first, events, last) = (tally.first_index, tally.events, tally.last_index);
        let suffix = format!("{ended},{first},{status},{events},{last},{}\n", tally.exceptions());
        Self { first_index: first, status, begun_before: tally.begun_before, prefix, suffix: suffix.into() }
    }

    /// The line with its newline; `None` where only its hash was kept.
    pub fn text(&self) -> Option<String> {
        match &self.prefix {
            Prefix::Text(text) => Some(format!("{text}{}", self.suffix)),
            Prefix::Hash(_) => None,
        }
    }

    /// Whether a line, with its newline, is this row.
    pub fn is(&self, line: &[u8]) -> bool {
        let Some(start) = line.strip_suffix(self.suffix.as_bytes()) else { return false };
        match &self.prefix {
            Prefix::Text(text) => text.as_bytes() == start,
            Prefix::Hash(hash) => short_hash(start) == *hash,
        }
    }
}
