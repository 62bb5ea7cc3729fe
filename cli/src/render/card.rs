//! One answer as a person reads it: the deciding facts first, then the rest, then what comes next.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{Paint, Rows, ago_or_ahead, indented, visible};
use crate::view::{Consumed, Explanation, Gate, View};

/// Who reads the card: it ends with what they can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The agent that asked.
    Agent,
    /// A reviewer.
    Reviewer,
}

const WIDTH: usize = 13;

/// A request.
pub fn card(view: &View, audience: Audience, now: Timestamp, paint: Paint) -> String {
    let mut rows = Rows::new(paint, WIDTH);
    rows.add("action", &view.action);
    rows.maybe("target", Some(view.target.as_str()).filter(|target| !target.is_empty()));
    if !view.agent.id.is_empty() {
        rows.add("agent", &named(&view.agent.name, &view.agent.id));
    }
    times(&mut rows, view, now);
    for gate in &view.gates {
        rows.add("gate", &gate_words(gate));
    }
    ask(&mut rows, view);
    votes(&mut rows, view);
    answers(&mut rows, view, now);
    rows.maybe("digest", view.digest.as_deref());
    rows.maybe("code", view.code.as_deref());
    let next = next(view, audience);
    if view.code.is_some() || next.is_none() {
        rows.maybe("guidance", view.agent_guidance.as_deref());
    }
    rows.maybe("next", next.as_deref());
    format!("{}  {}\n{}", paint.strong(&visible(&view.id)), headline(view, paint), rows.into_text())
}

fn headline(view: &View, paint: Paint) -> String {
    let status = paint.status(&visible(&view.status));
    let overdue = if view.overdue { ", overdue" } else { "" };
    let revision = match view.revision {
        Some(revision) if revision > 1 => format!(", revision {revision}"),
        _ => String::new(),
    };
    format!("{status}{overdue}{revision}")
}

fn named(name: &str, id: &str) -> String {
    if name.is_empty() { id.to_owned() } else { format!("{name} ({id})") }
}

fn times(rows: &mut Rows, view: &View, now: Timestamp) {
    let open = matches!(view.status.as_str(), "pending" | "needs_info");
    if let Some(time) = view.expires_at.as_deref().filter(|_| open) {
        rows.add("review ends", &ago_or_ahead(time, now));
    }
    if let Some(time) = view.valid_until.as_deref().filter(|_| view.status == "approved") {
        rows.add("use until", &ago_or_ahead(time, now));
    }
    if let Some(time) = &view.created_at {
        rows.add("asked", &ago_or_ahead(time, now));
    }
}

fn gate_words(gate: &Gate) -> String {
    let level =
        if gate.level > 0 { format!(", escalated to level {}", gate.level + 1) } else { String::new() };
    format!("{}: approvals {} of {}{level}", gate.profile, gate.approvals, gate.quorum)
}

fn ask(rows: &mut Rows, view: &View) {
    rows.maybe("executor", view.executor.as_deref());
    rows.maybe("on behalf of", view.on_behalf_of.as_deref());
    if let Some(chain) = view.delegation_chain.as_ref().filter(|chain| !chain.is_empty()) {
        rows.add("delegation", &chain.join(" → "));
    }
    if let Some(json) = &view.arguments {
        arguments(rows, json);
    }
    if let Some(justification) = &view.justification {
        rows.add("agent says", &format!("(unverified)\n{justification}"));
    }
}

fn arguments(rows: &mut Rows, json: &RawValue) {
    // Already visible, and these line breaks are ours.
    for (number, line) in indented(json.get()).lines().enumerate() {
        rows.own(if number == 0 { "arguments" } else { "" }, line);
    }
}

fn votes(rows: &mut Rows, view: &View) {
    for vote in &view.votes {
        let channel = vote.channel.as_deref().map(|c| format!(" by {c}")).unwrap_or_default();
        let at = vote.at.as_deref().map(|t| format!(", {t}")).unwrap_or_default();
        let gates =
            if vote.gates.is_empty() { String::new() } else { format!(", for {}", vote.gates.join(" and ")) };
        rows.add("vote", &format!("{}: {}{channel}{at}{gates}", vote.person, vote.decision));
    }
    for excluded in &view.excluded {
        rows.add("may not vote", &format!("{} ({})", excluded.person, excluded.reasons.join(", ")));
    }
}

fn answers(rows: &mut Rows, view: &View, now: Timestamp) {
    if let Some(question) = view.question.as_ref().filter(|_| view.status == "needs_info") {
        rows.add("question", &question.text);
        if let Some(time) = &question.answer_by {
            rows.add("answer by", &ago_or_ahead(time, now));
        }
    }
    if let Some(decision) = &view.decision {
        let by =
            if decision.by.is_empty() { String::new() } else { format!(" by {}", decision.by.join(", ")) };
        let at = decision.at.as_deref().map(|t| format!(", {t}")).unwrap_or_default();
        rows.add("decision", &format!("{}{by}{at}", decision.decision));
        rows.maybe("comment", decision.comment.as_deref());
    }
    if let Some(time) = view.consume.as_ref().and_then(|c| c.consumed_at.as_deref()) {
        rows.add("consumed", &ago_or_ahead(time, now));
    }
    if let Some(receipt) = &view.receipt {
        rows.add("receipt", &place(receipt));
    }
}

/// Where the decision stands, as its receipt (C2SP tlog-proof) says. Whether that is so is not looked at here.
fn place(receipt: &str) -> String {
    let parts = || {
        let index = receipt.lines().find_map(|line| line.strip_prefix("index "))?;
        let mut checkpoint = receipt.split("\n\n").nth(1)?.lines();
        Some((index, checkpoint.next()?, checkpoint.next()?))
    };
    match parts() {
        Some((index, origin, size)) => format!("leaf {index} of {size} in {origin}"),
        None => "of a form that this version does not know".into(),
    }
}

fn next(view: &View, audience: Audience) -> Option<String> {
    let id = &view.id;
    let digest = view.digest.as_deref().unwrap_or("DIGEST");
    match (audience, view.status.as_str()) {
        (Audience::Agent, "pending") => Some(format!("countersign wait {id}")),
        (Audience::Agent, "needs_info") => Some(format!("countersign respond {id} --answer TEXT")),
        (Audience::Agent, "approved") => Some(format!("countersign consume {id} --digest {digest}")),
        (Audience::Agent, "consumed") => {
            Some(format!("countersign outcome {id} --succeeded, --failed or --unknown"))
        }
        (Audience::Reviewer, "pending") => Some(format!(
            "countersign decide {id} approve, reject or request_info --digest {digest} --token-stdin"
        )),
        (Audience::Reviewer, "approved") => Some(format!("countersign revoke {id} --token-stdin")),
        _ => None,
    }
}

/// The right to run once.
pub fn consumed(consumed: &Consumed, now: Timestamp, paint: Paint) -> String {
    let mut rows = Rows::new(paint, WIDTH);
    if let Some(approved) = &consumed.approved {
        rows.add("action", &approved.action);
        rows.add("target", &approved.target);
        arguments(&mut rows, &approved.arguments);
    }
    if let Some(time) = &consumed.consumed_at {
        rows.add("consumed", &ago_or_ahead(time, now));
    }
    rows.add("digest", &consumed.digest);
    rows.maybe("nonce", consumed.nonce.as_deref());
    rows.add("receipt", &consumed.receipt.as_deref().map_or("none yet".into(), place));
    rows.add(
        "next",
        &format!("run it once, then countersign outcome {} --succeeded or --failed", consumed.id),
    );
    format!("{}  {}\n{}", paint.strong(&visible(&consumed.id)), paint.status("consumed"), rows.into_text())
}

/// What policy would say.
pub fn explanation(explanation: &Explanation, paint: Paint) -> String {
    let mut rows = Rows::new(paint, WIDTH);
    for (label, names) in [("because of", &explanation.determining), ("profiles", &explanation.profiles)] {
        if !names.is_empty() {
            rows.add(label, &names.join(", "));
        }
    }
    for gate in &explanation.gates {
        rows.add("gate", &format!("{}: approvals needed: {}", gate.profile, gate.quorum));
    }
    rows.maybe("code", explanation.code.as_deref());
    rows.maybe("guidance", explanation.agent_guidance.as_deref());
    format!("policy says {}\n{}", paint.status(&visible(&explanation.outcome)), rows.into_text())
}
