//! What is checked leaf after leaf, in the log's order: times, the log's own chain, agents, and freezes.

use std::collections::{HashMap, VecDeque};

use countersign_domain::agent::{self, Agent};
use countersign_domain::{AgentId, Fact, Time};
use countersign_tlog::Hash;

use super::numbers::{Numbers, Seen};
use crate::life::{LATE, Ran, Start};
use crate::record::{Record, Who, request_id, who};
use crate::report::{Finding, Place};

/// The longest time in which the log says nothing of itself, in milliseconds: an hour, and what a sweep may be late. What
/// others did proves nothing of when the log took it in.
const QUIET: i64 = 65 * 60 * 1000;

/// A freeze and a consume that race are told apart by nobody's clock within this time, in milliseconds.
const RACE: i64 = 60 * 1000;

/// So many executions are remembered for a freeze that comes into the log after them.
const REMEMBERED: usize = 100_000;

/// What was read so far.
#[derive(Debug)]
pub struct Ledger {
    origin: String,
    start: Start,
    pub found: Vec<Finding>,
    pub events: u64,
    pub own_events: u64,
    pub numbered: u64,
    /// The latest time so far, and the leaf of it.
    latest: Option<(Time, u64)>,
    /// The log's own last event: number, hash and index.
    own: Option<(u32, Hash, u64)>,
    /// When the log last showed that it was alive: by an event of its own, or by where the range begins.
    alive: Option<(Time, u64)>,
    agents: HashMap<AgentId, AgentLife>,
    ran: VecDeque<Ran>,
    freezes: Vec<Freeze>,
}

#[derive(Debug, Default)]
struct AgentLife {
    /// The last event, if there was any.
    chain: Option<(u32, Hash)>,
    loose: bool,
    state: Agent,
    numbers: Numbers,
    freezes: Vec<Freeze>,
}

#[derive(Debug, Clone)]
struct Freeze {
    index: u64,
    agent: AgentId,
    at: Time,
    void_before: Time,
}

impl Ledger {
    pub fn new(origin: &str, start: Start) -> Self {
        Self {
            origin: origin.to_owned(),
            start,
            found: Vec::new(),
            events: 0,
            own_events: 0,
            numbered: 0,
            latest: None,
            own: None,
            alive: None,
            agents: HashMap::new(),
            ran: VecDeque::new(),
            freezes: Vec::new(),
        }
    }

    /// How many agents there are.
    pub fn agents(&self) -> u64 {
        self.agents.len() as u64
    }

    pub fn take(&mut self, record: &Record) {
        self.events += 1;
        self.time(record);
        match &record.who {
            Who::Log(origin) if *origin == self.origin => self.own(record),
            Who::Log(_) => {
                let what = "it is an event of another log itself";
                self.found.push(Finding::broken(7, Place::of(record), what));
            }
            Who::Agent(id) => self.agent(id, record),
            Who::Request(_) => {
                if let Some(Fact::Created { agent, .. }) = record.fact() {
                    self.number(agent, record);
                }
            }
        }
    }

    fn time(&mut self, record: &Record) {
        let Some((latest, at)) = self.latest else {
            self.latest = Some((record.time, record.index));
            self.alive = self.latest;
            return;
        };
        let ahead = record.time.millis() - latest.millis();
        if ahead < -LATE {
            let what = format!(
                "its time is {} minutes before that of leaf {at}: backdated, or archived late",
                -ahead / 60_000
            );
            self.found.push(Finding::broken(12, Place::of(record), what));
        }
        if ahead > 0 {
            self.latest = Some((record.time, record.index));
        }
    }

    /// An event of the log's own.
    fn own(&mut self, record: &Record) {
        self.own_events += 1;
        let place = || Place::of(record);
        match self.own {
            None => {
                let begins = record.seq == 1 && record.prev == [0; 32];
                if self.start == Start::Genesis && !begins {
                    self.found.push(Finding::broken(7, place(), "the log's own first events are missing"));
                }
            }
            Some((seq, _, at)) if record.seq <= seq => {
                let what = format!("it has an id that is not new: leaf {at} is the log's own last event");
                self.found.push(Finding::broken(6, place(), what));
                return;
            }
            Some((seq, head, at)) => {
                if record.seq - seq > 1 {
                    let what = format!("the log's own events {} to {} are missing", seq + 1, record.seq - 1);
                    self.found.push(Finding::broken(7, place(), what));
                } else if record.prev != head {
                    let what =
                        format!("it does not follow leaf {at}, as that stands: one of them was changed");
                    self.found.push(Finding::broken(7, place(), what));
                }
            }
        }
        self.silence(record.time, Place::of(record));
        self.alive = Some((record.time, record.index));
        self.own = Some((record.seq, record.hash, record.index));
        if (record.index == 0) != (record.kind() == "log.genesis") {
            self.found.push(Finding::broken(7, place(), "a log begins once, with its first leaf"));
        }
        self.told(record);
    }

    /// What the log says of itself that the auditor must read.
    fn told(&mut self, record: &Record) {
        let what = match (record.kind(), record.fact()) {
            (_, Some(Fact::LogQuarantined { of, number, because, .. })) => {
                if let Some(Who::Agent(id)) = who(of) {
                    let life = self.agents.entry(id).or_default();
                    (life.chain, life.loose) = (Some((*number, [0; 32])), true);
                }
                format!("event {number} of {of} is in the log by its hash alone: it was {because:?}")
            }
            ("log.tamper_suspected" | "log.recovered" | "log.key_added" | "log.key_retired", _) => {
                format!("{}: {}", record.kind(), record.own.as_deref().unwrap_or_default())
            }
            ("log.genesis", _) if self.start != Start::Genesis => {
                format!("the log goes on from another: {}", record.own.as_deref().unwrap_or_default())
            }
            _ => return,
        };
        self.found.push(Finding::exception(9, Place::of(record), what));
    }

    fn silence(&mut self, until: Time, place: Place) {
        let Some((since, at)) = self.alive else { return };
        let span = until.millis() - since.millis();
        if span > QUIET {
            let what =
                format!("the log said nothing of itself for {} minutes after leaf {at}", span / 60_000);
            self.found.push(Finding::broken(9, place, what));
        }
    }

    fn agent(&mut self, id: &AgentId, record: &Record) {
        let life = self.agents.entry(id.clone()).or_default();
        let place = || Place::of(record);
        let mut known = true;
        match life.chain {
            None if record.seq == 1 && record.prev == [0; 32] => {}
            None if self.start == Start::Genesis => {
                self.found.push(Finding::broken(7, place(), "the agent's first events are missing"));
            }
            None => known = false,
            Some((seq, _)) if record.seq <= seq => {
                self.found.push(Finding::broken(6, place(), "the event has an id that is not new"));
                return;
            }
            Some((seq, _)) if record.seq - seq > 1 => {
                let what = format!("events {} to {} are missing before it", seq + 1, record.seq - 1);
                self.found.push(Finding::broken(7, place(), what));
                known = false;
            }
            Some((_, head)) if record.prev != head && !life.loose => {
                let what = "it does not follow its agent's last event: one of them was changed";
                self.found.push(Finding::broken(7, place(), what));
            }
            Some(_) => known = !life.loose,
        }
        (life.chain, life.loose) = (Some((record.seq, record.hash)), false);
        let event = match &record.event {
            Ok(event) => event,
            Err(unknown) => {
                let what = format!("this program cannot judge a {}: {}", record.kind(), unknown.why);
                self.found.push(Finding::broken(10, place(), what));
                return;
            }
        };
        if !known {
            // What came before is not here: only what this event alone says can be looked at.
            let mark = match &event.fact {
                Fact::AgentFrozen { void_before, .. } => Some(*void_before).filter(|v| *v >= event.time),
                _ => life.state.void_before,
            };
            life.state = Agent { frozen: true, void_before: mark };
        }
        match agent::evolve(&life.state, event) {
            Ok(state) => life.state = state,
            Err(illegal) => {
                self.found.push(Finding::broken(10, place(), format!("{illegal}: who did it may not")))
            }
        }
        if let Fact::AgentFrozen { void_before, .. } = &event.fact {
            let (index, at) = (record.index, record.time);
            self.freezes.push(Freeze { index, agent: id.clone(), at, void_before: *void_before });
        }
    }

    fn number(&mut self, agent: &AgentId, record: &Record) {
        self.numbered += 1;
        let numbers = &mut self.agents.entry(agent.clone()).or_default().numbers;
        let seen = Seen { index: record.index, time: record.time };
        let what = match record.rno {
            None => "the request has no number",
            Some(0) => "numbers begin with 1",
            Some(rno) if !numbers.take(rno, seen) => "another request of its agent has its number",
            Some(_) => return,
        };
        self.found.push(Finding::broken(8, Place::of(record), what));
    }

    /// Holds what ran against the freezes, both of the same leaves, in the log's order.
    pub fn settle(&mut self, mut ran: Vec<Ran>) {
        ran.sort_unstable_by_key(|ran| ran.index);
        let mut freezes = std::mem::take(&mut self.freezes).into_iter().peekable();
        for ran in ran {
            while let Some(freeze) = freezes.next_if(|freeze| freeze.index < ran.index) {
                self.freeze(freeze);
            }
            let parties = [&ran.agent, &ran.by];
            let lives = parties.iter().filter_map(|id| self.agents.get(id));
            let findings = lives.flat_map(|life| &life.freezes).filter_map(|freeze| void(freeze, &ran));
            self.found.extend(findings.take(1));
            if self.ran.len() == REMEMBERED {
                self.ran.pop_front();
            }
            self.ran.push_back(ran);
        }
        freezes.for_each(|freeze| self.freeze(freeze));
        if let Some((latest, _)) = self.latest {
            while self.ran.front().is_some_and(|ran| ran.at.millis() < latest.millis() - 2 * LATE) {
                self.ran.pop_front();
            }
        }
    }

    fn freeze(&mut self, freeze: Freeze) {
        let concerned = self.ran.iter().filter(|ran| ran.agent == freeze.agent || ran.by == freeze.agent);
        self.found.extend(concerned.filter_map(|ran| void(&freeze, ran)));
        let life = self.agents.entry(freeze.agent.clone()).or_default();
        // A later freeze voids all that an earlier one does, but from a later time on.
        life.freezes.push(freeze);
    }

    /// What only the end can tell.
    pub fn end(&mut self) {
        let Some((latest, last)) = self.latest else { return };
        self.silence(latest, Place::Leaf { index: last, event: String::new() });
        let mut agents: Vec<_> = self.agents.iter().collect();
        agents.sort_unstable_by_key(|(id, _)| *id);
        for (id, life) in agents {
            for gap in life.numbers.gaps(self.start == Start::Genesis) {
                let what = format!("requests {} to {} of {id} are not in the log", gap.from, gap.to);
                let place = Place::Leaf { index: gap.after.index, event: String::new() };
                let begun = match (self.start, gap.before) {
                    (Start::Middle(first), Some(seen)) => seen.time.millis() <= first.millis() + LATE,
                    _ => false,
                };
                if begun {
                    continue;
                }
                let recent = gap.after.time.millis() >= latest.millis() - LATE;
                self.found.push(match recent {
                    true => Finding::exception(8, place, format!("{what} so far: the range ends soon after")),
                    false => Finding::broken(8, place, format!("{what}, and the one after them is")),
                });
            }
        }
    }
}

/// What a freeze has to say of something that ran.
fn void(freeze: &Freeze, ran: &Ran) -> Option<Finding> {
    let late = ran.at.millis() - freeze.at.millis();
    if ran.created > freeze.void_before || late < 0 {
        return None;
    }
    let place = Place::Leaf { index: ran.index, event: format!("{}.{}", request_id(ran.key), ran.seq) };
    let what = format!("it ran {} s after {} was frozen (leaf {})", late / 1000, freeze.agent, freeze.index);
    Some(match late > RACE {
        true => Finding::broken(10, place, what),
        false => Finding::exception(10, place, format!("{what}: the log cannot tell which was first")),
    })
}
