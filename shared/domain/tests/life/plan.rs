//! A history to be lived through: who does what and when, decided before anything has happened.

use countersign_domain::agent::{self, AgentRef};
use countersign_domain::event::{Decision, ExecutionOutcome, RefusedDecision, RevokedBecause};
use countersign_domain::request::{Command, Consume, Create, Decide, NewRevision};
use countersign_domain::review::{Evaluation, Relation};
use countersign_domain::time::Seconds;
use countersign_domain::{Code, Digest, Refusal, Request, Status, Time, decide};

use crate::history::History;
use crate::kit::{PEOPLE, agent as agent_id, api, at, digest, groups_of, hash, id, request_id};
use crate::kit::{since_start, slack};

/// Who may ask, run and meddle, in the order of the numbers in an [`Act`].
pub const AGENTS: [&str; 3] = ["agent", "executor", "stranger"];

/// When a step happens.
#[derive(Debug, Clone)]
pub enum Pass {
    /// So many milliseconds after the last, or before.
    By(i64),
    /// So near to what is due next.
    Due(i64),
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// What leads on from where it stands: this decision by the first person from `who` on who may, an answer, a
    /// use, an outcome.
    LeadOn {
        who: usize,
        decision: Decision,
        new: Option<Box<Evaluation>>,
    },
    Decide {
        who: usize,
        decision: Decision,
        stale: bool,
        groups: Option<usize>,
        bound: bool,
        age: Age,
        words: bool,
    },
    Respond {
        by: usize,
        revision: Option<Box<Evaluation>>,
    },
    Withdraw {
        by: usize,
    },
    Consume {
        by: usize,
        attempt: u8,
        stale: bool,
    },
    Report {
        by: usize,
        outcome: ExecutionOutcome,
    },
    Revoke {
        because: u8,
        who: usize,
        mark: i64,
    },
    Erase {
        who: usize,
    },
    Tick,
    Sent {
        channel: &'static str,
    },
    NotSent {
        channel: &'static str,
    },
    RefusedDecision {
        who: Option<usize>,
        code: Code,
    },
    RefusedExecution {
        by: usize,
        code: Code,
    },
    Freeze {
        agent: usize,
        who: usize,
    },
    Unfreeze {
        agent: usize,
        who: usize,
    },
}

/// The age of a sign-in: none at all for chat.
#[derive(Debug, Clone, Copy)]
pub enum Age {
    Chat,
    Unknown,
    Millis(i64),
}

/// A history to be lived through.
#[derive(Debug, Clone)]
pub struct Plan {
    pub evaluation: Evaluation,
    pub executor: bool,
    pub acts_for: Option<(usize, bool)>,
    pub expires: Option<u32>,
    pub consume: Option<u8>,
    pub steps: Vec<(Pass, Act)>,
}

impl Plan {
    /// Lives through the plan. `look` sees each step: the request before it, the act, and what it came to.
    pub fn live(&self, mut look: impl FnMut(&Request, &Act, Result<&Request, &Refusal>)) -> History {
        let mut history = History::default();
        history.execute(self.ask(), at(0)).expect("an ask");
        let mut now = 0;
        let mut after_end = 0;
        for (pass, act) in &self.steps {
            after_end += usize::from(history.status().is_end());
            if after_end > 3 {
                break;
            }
            let due = history.request.as_ref().and_then(|r| r.next_deadline()).map(since_start);
            now = match (pass, due) {
                (Pass::By(millis), _) => now + millis,
                (Pass::Due(near), Some(due)) => due + near,
                (Pass::Due(_), None) => now,
            };
            let before = history.request.clone().expect("a request");
            let act = act.resolve(&history, now);
            let done = act.execute(&mut history, now);
            look(&before, &act, done.as_ref().map(|()| history.request.as_ref().expect("a request")));
        }
        history
    }

    fn ask(&self) -> Command {
        Command::Create(Box::new(Create {
            id: request_id(),
            agent: AgentRef { id: agent_id("agent"), name: "aws:123456789012:role/agent".into() },
            action: "s3.sync".into(),
            digest: digest(1),
            executor: self.executor.then(|| agent_id("executor")),
            on_behalf_of: self
                .acts_for
                .into_iter()
                .map(|(who, verified)| (id(PEOPLE[who].0), verified))
                .collect(),
            expires_in: self.expires.map(Seconds),
            justification: Some(hash("because")),
            evaluation: self.evaluation.clone(),
            recorded: Default::default(),
            consume: self.consume.map(|attempt| consume("agent", attempt, digest(1), None)),
        }))
    }
}

fn consume(by: &str, attempt: u8, digest: Digest, void_before: Option<Time>) -> Consume {
    Consume {
        by: agent_id(by),
        digest,
        attempt: hash(&format!("attempt {attempt}")),
        void_before,
        recovered: None,
    }
}

impl Act {
    fn resolve(&self, history: &History, now: i64) -> Act {
        let Act::LeadOn { who, decision, new } = self else { return self.clone() };
        let decides = |who: usize| Act::Decide {
            who: who % PEOPLE.len(),
            decision: *decision,
            stale: false,
            groups: None,
            bound: false,
            age: Age::Chat,
            words: true,
        };
        let request = history.request.as_ref();
        match request.map(|r| r.status) {
            Some(Status::Pending) => (*who..*who + PEOPLE.len())
                .map(decides)
                .find(|act| decide(request, act.command(history, now), at(now)).is_ok())
                .unwrap_or(Act::Tick),
            Some(Status::NeedsInfo) => Act::Respond { by: 0, revision: new.clone() },
            Some(Status::Approved) => Act::Consume { by: who % 2, attempt: 1, stale: false },
            Some(Status::Consumed) => Act::Report { by: who % 2, outcome: ExecutionOutcome::Succeeded },
            _ => Act::Tick,
        }
    }

    /// Does it at `now`.
    pub fn execute(&self, history: &mut History, now: i64) -> Result<(), Refusal> {
        let done = match self {
            Act::Freeze { agent, who } => {
                let groups = groups_of(PEOPLE[*who].0);
                let command = agent::Command::Freeze { by: slack(PEOPLE[*who].0), groups, reason: None };
                history.execute_agent(&agent_id(AGENTS[*agent]), command, at(now))
            }
            Act::Unfreeze { agent, who } => {
                let groups = groups_of(PEOPLE[*who].0);
                let command = agent::Command::Unfreeze { by: slack(PEOPLE[*who].0), groups, reason: None };
                history.execute_agent(&agent_id(AGENTS[*agent]), command, at(now))
            }
            _ => history.execute(self.command(history, now), at(now)),
        };
        done.map(drop)
    }

    fn command(&self, history: &History, now: i64) -> Command {
        let revision = history.request.as_ref().map_or(1, |r| r.revision);
        let shown = |stale: bool| digest(if stale { revision.saturating_sub(1) } else { revision });
        match self.clone() {
            Act::Decide { who, decision, stale, groups, bound, age, words } => {
                Command::Decide(Box::new(Decide {
                    actor: match age {
                        Age::Chat => slack(PEOPLE[who].0),
                        Age::Unknown => api(PEOPLE[who].0, None),
                        Age::Millis(age) => api(PEOPLE[who].0, Some(at(now - age))),
                    },
                    groups: groups_of(PEOPLE[groups.unwrap_or(who)].0),
                    relations: bound.then_some(Relation::Owner).into_iter().collect(),
                    decision,
                    digest: shown(stale),
                    answers: None,
                    text: words.then(|| hash("words")),
                    shown: Some(hash("card")),
                }))
            }
            Act::Respond { by, revision: new } => Command::Respond {
                agent: agent_id(AGENTS[by]),
                answer: hash("an answer"),
                revision: new.map(|evaluation| {
                    Box::new(NewRevision {
                        digest: digest(revision + 1),
                        justification: None,
                        evaluation: *evaluation,
                        recorded: Default::default(),
                    })
                }),
            },
            Act::Withdraw { by } => Command::Withdraw { agent: agent_id(AGENTS[by]), reason: None },
            Act::Consume { by, attempt, stale } => {
                let mark = history.void_before(&agent_id(AGENTS[by]));
                Command::Consume(consume(AGENTS[by], attempt, shown(stale), mark))
            }
            Act::Report { by, outcome } => {
                Command::Report { by: agent_id(AGENTS[by]), outcome, detail: None }
            }
            Act::Revoke { because, who, mark } => {
                let person = PEOPLE[who].0;
                let because = match because {
                    0 => RevokedBecause::Policy,
                    1 => RevokedBecause::Recovery,
                    2 => return Command::void(at(mark)),
                    _ => RevokedBecause::Person(slack(person)),
                };
                Command::Revoke { because, groups: groups_of(person), reason: None }
            }
            Act::Erase { who } => {
                let (by, groups) = (slack(PEOPLE[who].0), groups_of(PEOPLE[who].0));
                Command::Erase { by, groups, reason: None }
            }
            Act::Tick | Act::LeadOn { .. } | Act::Freeze { .. } | Act::Unfreeze { .. } => Command::Tick,
            Act::Sent { channel } => Command::RecordSent { to: id(channel) },
            Act::NotSent { channel } => {
                Command::RecordNotSent { to: id(channel), error: "is_archived".into() }
            }
            Act::RefusedDecision { who, code } => Command::RecordRefusedDecision(RefusedDecision {
                person: who.map(|who| id(PEOPLE[who].0)),
                evidence: None,
                decision: None,
                digest: None,
                code,
                relations: Default::default(),
            }),
            Act::RefusedExecution { by, code } => {
                Command::RecordRefusedExecution { by: agent_id(AGENTS[by]), code }
            }
        }
    }
}
