//! A small company's life with its agents, by the domain's decider, as the leaves of a log in the order of commits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::fmt::Debug;
use std::str::FromStr;

use countersign_domain::agent::{self, Agent, AgentRef};
use countersign_domain::canonical::jcs;
use countersign_domain::event::{
    Actor, Decision, Evidence, ExecutionOutcome, RefusedDecision, RevokedBecause,
};
use countersign_domain::leaf::{Head, Leaf, LeafHash, Place, Subject};
use countersign_domain::request::{Command, Consume, Create, Decide, NewRevision};
use countersign_domain::review::{Evaluation, Gate, Level, Outcome, Relation, Reviewer, Rules};
use countersign_domain::time::Seconds;
use countersign_domain::{AgentId, Code, Digest, Event, GroupName, Request, RequestId, Time, decide, evolve};
use serde_json::{Value, json};

pub const ORIGIN: &str = "prod.123456789012.eu-west-1/countersign";
pub const START: i64 = 1_795_564_800_000;
const SOURCE: &str = "urn:countersign:prod";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[derive(Debug, Clone, Copy)]
enum Act {
    Sent,
    NotSent,
    Approve(&'static str),
    Reject(&'static str),
    Ask(&'static str),
    Answer(bool),
    Use,
    Report(ExecutionOutcome),
    Withdraw,
    Revoke,
    Tick,
    Refused(&'static str),
    RefusedRun,
}
use Act::*;

/// What policy says, and what happens so many seconds later.
type Script = (&'static str, &'static [(i64, Act)]);

const SCRIPTS: [Script; 14] = [
    ("review", &[(1, Sent), (90, Approve("alice")), (2, Use), (30, Report(ExecutionOutcome::Succeeded))]),
    ("allow", &[(5, Use), (10, Report(ExecutionOutcome::Succeeded))]),
    (
        "two",
        &[
            (1, Sent),
            (60, Approve("alice")),
            (60, Approve("carol")),
            (5, Use),
            (9, Report(ExecutionOutcome::Failed)),
        ],
    ),
    ("review", &[(1, Sent), (40, Reject("bob"))]),
    ("review", &[(1, Sent), (3600, Tick)]),
    ("review", &[(3600, Tick)]),
    ("review", &[(1, Sent), (20, Withdraw)]),
    (
        "review",
        &[
            (1, Sent),
            (50, Ask("bob")),
            (100, Answer(false)),
            (60, Approve("bob")),
            (1, Use),
            (60, Report(ExecutionOutcome::Unknown)),
        ],
    ),
    (
        "review",
        &[
            (1, Sent),
            (50, Ask("bob")),
            (100, Answer(true)),
            (60, Approve("alice")),
            (1, Use),
            (60, Report(ExecutionOutcome::Succeeded)),
        ],
    ),
    ("review", &[(1, Sent), (70, Approve("alice")), (20, Revoke), (2, RefusedRun)]),
    ("review", &[(1, Sent), (70, Approve("alice")), (900, Tick)]),
    ("deny", &[(5, RefusedRun)]),
    (
        "review",
        &[
            (1, Sent),
            (1, NotSent),
            (9, Refused("dan")),
            (70, Approve("bob")),
            (4, Use),
            (8, RefusedRun),
            (30, Report(ExecutionOutcome::Succeeded)),
        ],
    ),
    (
        "escalate",
        &[
            (1, Sent),
            (600, Tick),
            (30, Approve("carol")),
            (4, Use),
            (30, Report(ExecutionOutcome::Succeeded)),
        ],
    ),
];

pub struct World {
    /// In the order of commits.
    pub leaves: Vec<Vec<u8>>,
    /// The time of each.
    pub times: Vec<i64>,
    heads: HashMap<String, Head>,
    requests: Vec<Live>,
    agents: Vec<(AgentRef, u64, Agent)>,
    beat: i64,
}

struct Live {
    id: RequestId,
    agent: usize,
    rno: u64,
    script: usize,
    request: Request,
}

pub fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn hash(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn groups(person: &str) -> BTreeSet<GroupName> {
    let names: &[&str] = match person {
        "alice" | "bob" => &["ops"],
        "carol" => &["leads", "ops"],
        "root" => &["admins"],
        _ => &[],
    };
    names.iter().map(|name| id(name)).collect()
}

fn actor(person: &str) -> Actor {
    Actor { person: id(person), evidence: Evidence::Slack { workspace: "T0SPACE".into() } }
}

fn evaluation(kind: &str) -> Evaluation {
    let reviewer = |text: &str| id::<Reviewer>(text);
    let level = |after: u32, who: &str, channel: &str| Level {
        after: Seconds(after),
        reviewers: BTreeSet::from([reviewer(who)]),
        channels: BTreeSet::from([id(channel)]),
    };
    let gate = |profile: &str, levels: Vec<Level>| Gate { profile: id(profile), quorum: 1, levels };
    let ops = || gate("ops", vec![level(0, "group:ops", "slack:COPS")]);
    let gates = match kind {
        "two" => vec![ops(), gate("leads", vec![level(0, "group:leads", "slack:CLEADS")])],
        "escalate" => {
            vec![gate(
                "night",
                vec![level(0, "person:nobody", "slack:CNIGHT"), level(600, "group:leads", "slack:CLEADS")],
            )]
        }
        _ => vec![ops()],
    };
    let outcome = match kind {
        "allow" => Outcome::Allow { approval_ttl: Seconds(900), record: BTreeSet::from(["target".into()]) },
        "deny" => Outcome::Deny { code: Code::PolicyDenied },
        _ => Outcome::Review {
            gates,
            rules: Rules {
                review_for: Seconds(3600),
                approval_ttl: Seconds(900),
                answer_within: Seconds(600),
                rejects: 1,
                require_comment: false,
                max_auth_age: Seconds(900),
                cool_down: Seconds(0),
                record: BTreeSet::from(["target".into()]),
            },
        },
    };
    Evaluation {
        policy_digest: hash("policy").into(),
        determining: vec!["route s3.*".into()],
        outcome,
        excluded: BTreeMap::from([(id("dan"), BTreeSet::from([Relation::Owner]))]),
    }
}

impl World {
    /// So many requests by `agents` agents, a new one every `every` milliseconds.
    pub fn live(requests: usize, agents: usize, every: i64) -> Self {
        Self::of(requests, agents, every, START)
    }

    /// The same by one agent, and the log never says that it is alive.
    pub fn quiet(requests: usize, every: i64) -> Self {
        Self::of(requests, 1, every, i64::MAX / 2)
    }

    fn of(requests: usize, agents: usize, every: i64, beat: i64) -> Self {
        let agent = |n: usize| {
            let name = format!("deploy-{n}");
            let name_of = format!("aws:123456789012:role/{name}");
            (AgentRef { id: AgentId::of("role", "123456789012", &name), name: name_of }, 0, Agent::default())
        };
        let mut world = World {
            leaves: Vec::new(),
            times: Vec::new(),
            heads: HashMap::new(),
            requests: Vec::new(),
            agents: (0..agents).map(agent).collect(),
            beat,
        };
        let key = super::log::keys().log.to_string();
        world.own(START, "log.genesis", &json!({"origin": ORIGIN, "key": key}));
        let mut due = BinaryHeap::new();
        let last = START + requests as i64 * every;
        for n in 0..requests {
            let now = START + 1000 + n as i64 * every;
            world.until(&mut due, now);
            let request = world.create(n, now);
            world.requests.push(request);
            world.schedule(&mut due, n, 0, now);
            // An agent is frozen for a while, in the middle of its asks.
            if n == requests / 2 {
                world.freeze(now + 500);
            }
        }
        world.until(&mut due, last + 3 * HOUR);
        world
    }

    fn schedule(&self, due: &mut BinaryHeap<Reverse<(i64, usize, usize)>>, n: usize, step: usize, now: i64) {
        if let Some((seconds, _)) = SCRIPTS[self.requests[n].script].1.get(step) {
            due.push(Reverse((now + seconds * 1000 + n as i64 % 7, n, step)));
        }
    }

    fn until(&mut self, due: &mut BinaryHeap<Reverse<(i64, usize, usize)>>, now: i64) {
        while let Some(Reverse((time, n, step))) =
            due.peek().copied().filter(|Reverse((time, ..))| *time <= now)
        {
            due.pop();
            self.beats(time);
            if self.act(n, SCRIPTS[self.requests[n].script].1[step].1, time) {
                self.schedule(due, n, step + 1, time);
            }
        }
        self.beats(now);
    }

    /// An event of the log itself an hour.
    fn beats(&mut self, now: i64) {
        while self.beat + HOUR <= now {
            self.beat += HOUR;
            self.own(self.beat, "log.heartbeat", &json!({}));
        }
    }

    fn create(&mut self, n: usize, now: i64) -> Live {
        let script = n % SCRIPTS.len();
        let agent = n % self.agents.len();
        self.beats(now);
        self.agents[agent].1 += 1;
        let (who, rno, _) = self.agents[agent].clone();
        let id = RequestId::from_parts(now as u64, n as u128 * 7919);
        let create = Create {
            id: id.clone(),
            agent: who,
            action: "s3.sync".into(),
            digest: hash(&format!("arguments {n}")),
            executor: None,
            on_behalf_of: BTreeMap::new(),
            expires_in: None,
            justification: Some(hash("why")),
            evaluation: evaluation(SCRIPTS[script].0),
            recorded: BTreeMap::from([("target".into(), json!("arn:aws:s3:::reports"))]),
            consume: None,
        };
        let events = decide(None, Command::Create(Box::new(create)), at(now)).unwrap();
        let mut request = None;
        for event in &events {
            request = Some(evolve(request.as_ref(), event, Some(&id)).unwrap());
            self.write(&Subject::Request(id.clone()), Some(rno), event);
        }
        Live { id, agent, rno, script, request: request.unwrap() }
    }

    /// Whether it went on: a freeze may have ended it.
    fn act(&mut self, n: usize, act: Act, now: i64) -> bool {
        let live = &self.requests[n];
        let agent = self.agents[live.agent].0.id.clone();
        let digest = live.request.digest.clone();
        let person = |person: &str, decision| {
            Command::Decide(Box::new(Decide {
                actor: actor(person),
                groups: groups(person),
                relations: BTreeSet::new(),
                decision,
                digest: digest.clone(),
                answers: None,
                text: Some(hash("words")),
                shown: Some(hash("card")),
            }))
        };
        let command = match act {
            Sent => Command::RecordSent { to: id("slack:COPS") },
            NotSent => Command::RecordNotSent { to: id("sns"), error: "denied".into() },
            Approve(who) => person(who, Decision::Approve),
            Reject(who) => person(who, Decision::Reject),
            Ask(who) => person(who, Decision::RequestInfo),
            Answer(new) => {
                let revision = new.then(|| {
                    Box::new(NewRevision {
                        digest: hash(&format!("new arguments {n}")),
                        justification: None,
                        evaluation: evaluation("review"),
                        recorded: BTreeMap::new(),
                    })
                });
                Command::Respond { agent, answer: hash("answer"), revision }
            }
            Use => Command::Consume(Consume {
                by: agent,
                digest,
                attempt: hash(&format!("attempt {n}")),
                void_before: None,
                recovered: None,
            }),
            Report(outcome) => Command::Report { by: agent, outcome, detail: None },
            Withdraw => Command::Withdraw { agent, reason: None },
            Revoke => Command::Revoke {
                because: RevokedBecause::Person(actor("alice")),
                groups: groups("alice"),
                reason: Some(hash("why")),
            },
            Tick => Command::Tick,
            Refused(who) => Command::RecordRefusedDecision(RefusedDecision {
                person: Some(id(who)),
                evidence: Some(actor(who).evidence),
                decision: Some(Decision::Approve),
                digest: Some(digest.clone()),
                code: Code::SelfApprovalDenied,
                relations: BTreeSet::from([Relation::Owner]),
            }),
            RefusedRun => Command::RecordRefusedExecution { by: agent, code: Code::NotActionable },
        };
        let Ok(events) = decide(Some(&live.request), command, at(now)) else { return false };
        self.record(n, &events);
        true
    }

    fn record(&mut self, n: usize, events: &[Event]) {
        let (subject, rno) = (Subject::Request(self.requests[n].id.clone()), self.requests[n].rno);
        for event in events {
            let next = evolve(Some(&self.requests[n].request), event, None).unwrap();
            self.requests[n].request = next;
            self.write(&subject, Some(rno), event);
        }
    }

    fn freeze(&mut self, now: i64) {
        let (who, groups, reason) = (actor("root"), groups("root"), Some(hash("why")));
        let freeze =
            agent::Command::Freeze { by: who.clone(), groups: groups.clone(), reason: reason.clone() };
        let unfreeze = agent::Command::Unfreeze { by: who, groups, reason };
        for command in [freeze, unfreeze] {
            let (agent, _, state) = self.agents[0].clone();
            for event in agent::decide(&state, command, at(now)).unwrap() {
                self.agents[0].2 = agent::evolve(&self.agents[0].2, &event).unwrap();
                self.write(&Subject::Agent(agent.id.clone()), None, &event);
            }
        }
        for n in 0..self.requests.len() {
            if self.requests[n].agent == 0
                && let Ok(events) = decide(Some(&self.requests[n].request), Command::void(at(now)), at(now))
            {
                self.record(n, &events);
            }
        }
    }

    fn write(&mut self, subject: &Subject, rno: Option<u64>, event: &Event) {
        let head = self.heads.entry(subject.to_string()).or_insert(Head::EMPTY);
        let leaf = Leaf::make(&Place { source: SOURCE, subject, rno }, head, event).unwrap();
        *head = leaf.head();
        self.times.push(event.time.millis());
        self.leaves.push(leaf.bytes);
    }

    /// An event of the log's own, by its type: also of types that come later.
    pub fn own(&mut self, now: i64, kind: &str, data: &Value) {
        let head = self.heads.entry(ORIGIN.to_owned()).or_insert(Head::EMPTY);
        let mut data = data.clone();
        data["controls"] = json!(["CC7.2"]);
        let seq = head.seq + 1;
        let leaf = jcs(&json!({
            "specversion": "1.0", "id": format!("{ORIGIN}.{seq}"), "type": kind, "source": SOURCE,
            "subject": ORIGIN, "time": at(now), "seq": seq, "prev": head.hash, "schema": 1, "data": data,
        }));
        *head = Head { seq, hash: LeafHash::of(&leaf) };
        self.times.push(now);
        self.leaves.push(leaf);
    }
}
