//! Histories in a compact notation, and the one helper of the tables.
//!
//! A history is steps with `;` between. A step is `@<seconds>`, if time passes before it, and a command:
//!
//! - `ask …`, `answer`, `answer new …`: see [`crate::policy::read`]
//! - `approve ann`, `reject ann`, `question ann`, each with `#1` (the digest of revision 1 instead of the current),
//!   `in=ops+leads` or `in=` (groups instead of the person's), `bound=owner` (today's relation), `api=60` or `api=none`
//!   (a token, and the age of its sign-in), `silent` (without words) or `said` (with)
//! - `consume`, with `executor` or `stranger`, `a2` (another attempt), `#1`, `void=60` or `recovered=60` (a mark)
//! - `succeeded`, `failed`, `unknown`, with `executor` or `stranger`; `withdraw`, with `stranger`
//! - `revoke ann` (as in `approve`), `revoke policy`, `revoke recovery`, `revoke void=60`
//! - `erase root` (as in `approve`)
//! - `tick`, `sent COPS0`, `unsent COPS0`, `refused ann not_eligible`, `refused - not_eligible`,
//!   `refused-run stranger forbidden`

use std::collections::BTreeSet;

use countersign_domain::event::{Actor, Decision, ExecutionOutcome, RefusedDecision, RevokedBecause};
use countersign_domain::request::{Command, Consume, Create, Decide, NewRevision};
use countersign_domain::review::Relation;
use countersign_domain::{AgentId, Code, Digest, GroupName, Refusal, Time};

use countersign_domain::agent::AgentRef;
use countersign_domain::event::Event;

use crate::history::History;
use crate::kit::{agent, api, at, digest, groups, groups_of, hash, id, request_id, since_start, slack};
use crate::policy::{code, read};

/// What the last step did, and the history with it.
pub struct Ran {
    pub last: Result<Vec<Event>, Refusal>,
    pub history: History,
}

/// Lives through a history. Only its last step may be refused.
pub fn run(text: &str) -> Ran {
    go_on(History::default(), text)
}

/// The same from where another stands. Time starts anew.
pub fn go_on(mut history: History, text: &str) -> Ran {
    let mut now = 0;
    let mut last = Ok(Vec::new());
    for step in text.split(';') {
        if let Err(refusal) = last {
            panic!("{text}: refused before {step:?}: {refusal}");
        }
        let mut words: Vec<&str> = step.split_whitespace().collect();
        if let Some(time) = words.first().and_then(|w| w.strip_prefix('@')) {
            now = millis(time);
            words.remove(0);
        }
        last = history.execute(command(&history, &words, at(now)), at(now));
    }
    Ran { last, history }
}

/// Whether the last step of the history has this effect: the events it makes, `nothing`, or the code of its refusal; then the
/// status, and perhaps until when nothing happens by itself (`: pending until 3600`).
#[track_caller]
pub fn check(history: &str, expect: &str) {
    let Ran { last, history: after } = run(history);
    let effect = match &last {
        Ok(events) if events.is_empty() => "nothing".to_owned(),
        Ok(events) => events.iter().map(|e| e.fact.kind()).collect::<Vec<_>>().join(" "),
        Err(refusal) => refusal.code().as_str().to_owned(),
    };
    let request = after.request.as_ref().expect("a request");
    let mut shown = format!("{effect}: {}", request.status);
    if expect.contains(" until ") {
        let until = request.next_deadline().map(since_start).unwrap_or_default();
        shown = format!("{shown} until {}", until as f64 / 1000.0);
    }
    assert_eq!(shown, expect, "{history}");
}

fn millis(seconds: &str) -> i64 {
    (seconds.parse::<f64>().unwrap_or_else(|e| panic!("@{seconds}: {e}")) * 1000.0).round() as i64
}

fn command(history: &History, words: &[&str], now: Time) -> Command {
    let (verb, words) = words.split_first().expect("a command");
    match *verb {
        "ask" => ask(words),
        "answer" => Command::Respond {
            agent: who(words),
            answer: hash("an answer"),
            revision: words
                .iter()
                .position(|w| *w == "new")
                .map(|i| Box::new(revision(history, &words[i + 1..]))),
        },
        "approve" => decision(history, words, Decision::Approve, now),
        "reject" => decision(history, words, Decision::Reject, now),
        "question" => decision(history, words, Decision::RequestInfo, now),
        "withdraw" => Command::Withdraw { agent: who(words), reason: Some(hash("a reason")) },
        "consume" => Command::Consume(Consume {
            by: who(words),
            digest: shown(history, words),
            attempt: hash(words.iter().find(|w| w.starts_with('a') && w.len() == 2).unwrap_or(&"a1")),
            void_before: value(words, "void=").map(|mark| at(millis(mark))),
            recovered: value(words, "recovered=").map(|mark| at(millis(mark))),
        }),
        "succeeded" | "failed" | "unknown" => Command::Report {
            by: who(words),
            outcome: match *verb {
                "succeeded" => ExecutionOutcome::Succeeded,
                "failed" => ExecutionOutcome::Failed,
                _ => ExecutionOutcome::Unknown,
            },
            detail: None,
        },
        "revoke" => revoke(words, now),
        "erase" => {
            let (by, groups) = person(words, now);
            Command::Erase { by, groups, reason: Some(hash("a reason")) }
        }
        "tick" => Command::Tick,
        "sent" => Command::RecordSent { to: channel(words) },
        "unsent" => Command::RecordNotSent { to: channel(words), error: "channel_not_found".into() },
        "refused" => Command::RecordRefusedDecision(RefusedDecision {
            person: Some(words[0]).filter(|w| *w != "-").map(id),
            evidence: None,
            decision: None,
            digest: None,
            code: code(words[1]),
            relations: BTreeSet::new(),
        }),
        "refused-run" => Command::RecordRefusedExecution { by: agent(words[0]), code: code(words[1]) },
        other => panic!("{other} is no command"),
    }
}

fn channel(words: &[&str]) -> countersign_domain::ids::ChannelName {
    id(&format!("slack:{}", words.first().unwrap_or(&"COPS0")))
}

fn ask(words: &[&str]) -> Command {
    let (evaluation, rest) = read(words);
    let consume = rest.consume.map(|attempt| Consume {
        by: agent("agent"),
        digest: digest(1),
        attempt: hash(attempt),
        void_before: rest.void.map(|mark| at(millis(mark))),
        recovered: None,
    });
    Command::Create(Box::new(Create {
        id: request_id(),
        agent: AgentRef { id: agent("agent"), name: "aws:123456789012:role/agent".into() },
        action: "s3.sync".into(),
        digest: digest(1),
        executor: rest.executor.then(|| agent("executor")),
        on_behalf_of: rest.acts_for,
        expires_in: rest.expires,
        justification: None,
        evaluation,
        recorded: [("target".to_owned(), "arn:aws:s3:::reports".into())].into(),
        consume,
    }))
}

fn revision(history: &History, words: &[&str]) -> NewRevision {
    let number = history.request.as_ref().map_or(1, |r| r.revision) + 1;
    let (evaluation, _) = read(words);
    NewRevision { digest: digest(number), justification: None, evaluation, recorded: Default::default() }
}

fn decision(history: &History, words: &[&str], decision: Decision, now: Time) -> Command {
    let (actor, groups) = person(words, now);
    let has_words = match decision {
        Decision::Approve => words.contains(&"said"),
        Decision::Reject | Decision::RequestInfo => !words.contains(&"silent"),
    };
    Command::Decide(Box::new(Decide {
        actor,
        groups,
        relations: value(words, "bound=").map(relation).into_iter().collect(),
        decision,
        digest: shown(history, words),
        answers: value(words, "seen=").map(|n| n.parse().expect("a number")),
        text: has_words.then(|| hash("words")),
        shown: Some(hash("card")),
    }))
}

fn revoke(words: &[&str], now: Time) -> Command {
    let because = match (words[0], value(words, "void=")) {
        (_, Some(mark)) => return Command::void(at(millis(mark))),
        ("policy", _) => RevokedBecause::Policy,
        ("recovery", _) => RevokedBecause::Recovery,
        _ => RevokedBecause::Person(person(words, now).0),
    };
    let groups = match &because {
        RevokedBecause::Person(_) => person(words, now).1,
        _ => BTreeSet::new(),
    };
    Command::Revoke { because, groups, reason: None }
}

fn person(words: &[&str], now: Time) -> (Actor, BTreeSet<GroupName>) {
    let name = words[0];
    let actor = match value(words, "api=") {
        None => slack(name),
        Some("none") => api(name, None),
        Some(age) => api(name, Some(at(since_start(now) - millis(age)))),
    };
    (actor, value(words, "in=").map_or_else(|| groups_of(name), groups))
}

fn relation(name: &str) -> Relation {
    match name {
        "owner" => Relation::Owner,
        "can_act_as" => Relation::CanActAs,
        "on_behalf_of" => Relation::OnBehalfOf,
        "delegation" => Relation::Delegation,
        other => panic!("{other} is no relation"),
    }
}

fn who(words: &[&str]) -> AgentId {
    let other = words.iter().find(|w| matches!(**w, "executor" | "stranger"));
    agent(other.unwrap_or(&"agent"))
}

fn shown(history: &History, words: &[&str]) -> Digest {
    let current = history.request.as_ref().map_or(1, |r| r.revision);
    digest(value(words, "#").map_or(current, |n| n.parse().expect("a revision")))
}

fn value<'a>(words: &[&'a str], prefix: &str) -> Option<&'a str> {
    words.iter().find_map(|w| w.strip_prefix(prefix))
}

/// The refusal of the last step, in the words that the caller sees.
#[track_caller]
pub fn check_refused(history: &str, code: Code, words: &str) {
    let refusal = run(history).last.expect_err(history);
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, words), "{history}");
}
