//! What of a card is shown: each text revealed and cut to its budget, in groups, with the warnings that belong to it.
//!
//! It knows how much a card may hold, but no platform's markup. Every string of a [`Piece`] is foreign text and
//! belongs where nothing is interpreted; everything else here is made of our own words.

use countersign_domain::Time;
use countersign_domain::event::Ballot;

use crate::card::{Card, CardState};
use crate::json;
use crate::lookalike::{Findings, Reading};
use crate::text::{Limit, Lines, encoded_len, fit, pages, reveal};

/// A card ready to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where the request stands, in fixed words.
    pub headline: &'static str,
    /// The instants that matter and what they are.
    pub moments: Vec<(&'static str, Time)>,
    /// What people said that brought it here: who ended it and why, or what was asked.
    pub outcome: Vec<Piece>,
    /// What would run, who asks, and what we computed of it: action and target first, arguments last.
    pub deciding: Vec<Piece>,
    /// How far each gate is met. Our words and names from the policy directory.
    pub gates: Vec<String>,
    /// The votes so far, where [`Shown::outcome`] does not name them all.
    pub votes: Option<Piece>,
    /// Why to look twice, in fixed words.
    pub warnings: Vec<String>,
    /// The words that the warnings are about, spelled out.
    pub spelled: Option<Piece>,
    /// What the agent says of itself. Unverified.
    pub claims: Vec<Piece>,
    /// What reviewers asked and the agent answered.
    pub exchanges: Vec<Piece>,
    /// Whether something that a decision rests on is left out.
    pub cut: bool,
}

/// A foreign text with our label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is, in fixed words.
    pub label: &'static str,
    /// The text, revealed and cut.
    pub text: String,
}

/// What all foreign texts of a card may take, as bytes of JSON strings. With the frame around them a message stays
/// under 12,000 bytes.
const ALL: usize = 6_500;
const ARGUMENTS_LEAST: usize = 1_200;
const ARGUMENTS_MOST: usize = 3_000;
const ARGUMENTS_LINES: usize = 30;
const ACTION: Limit = Limit { bytes: 250, lines: 1 };
const TARGET: Limit = Limit { bytes: 600, lines: 1 };
const NAME: Limit = Limit { bytes: 200, lines: 1 };
const CHAIN: Limit = Limit { bytes: 300, lines: 6 };
const PROSE: Limit = Limit { bytes: 600, lines: 12 };
const EXCHANGE: Limit = Limit { bytes: 260, lines: 5 };
const FACTS: Limit = Limit { bytes: 500, lines: 10 };
const VOTES: Limit = Limit { bytes: 500, lines: 10 };
const SPELLED: Limit = Limit { bytes: 300, lines: 6 };
const EXCHANGES: usize = 2;
const ASKED: &str = "A reviewer asked";
const ANSWERED: &str = "The agent answered (unverified)";
const GATES: usize = 4;

/// How many UTF-16 code units stand on one page of a full view, how many pages it has at most, and how many bytes of
/// JSON they take together: Slack takes 100 blocks and 250 KB.
const PAGE: usize = 2_900;
const PAGES: usize = 85;
const FULL: usize = 200_000;

/// Collects pieces under their limits and remembers what was spent and cut.
#[derive(Default)]
struct Budget {
    used: usize,
    cut: bool,
}

impl Budget {
    fn piece(&mut self, label: &'static str, text: &str, lines: Lines, limit: Limit) -> Piece {
        self.revealed(label, &reveal(text, lines), limit)
    }

    fn revealed(&mut self, label: &'static str, text: &str, limit: Limit) -> Piece {
        let fitted = fit(text, limit);
        self.cut |= fitted.cut;
        self.used += encoded_len(&fitted.text);
        Piece { label, text: fitted.text }
    }
}

pub(crate) fn shown(card: &Card) -> Shown {
    let findings = findings(card);
    // Of these no decision rests on the part that may be cut.
    let mut around = Budget::default();
    let outcome = outcome(card, &mut around);
    let votes = votes(card, &mut around);
    let spelled = findings.spelled().map(|text| around.revealed("Looked at closely", &text, SPELLED));

    let mut budget = Budget { used: around.used, cut: false };
    let claims = claims(card, &mut budget);
    let exchanges = exchanges(card, &mut budget);
    let mut deciding = deciding(card, &mut budget);
    let left = ALL.saturating_sub(budget.used).clamp(ARGUMENTS_LEAST, ARGUMENTS_MOST);
    let limit = Limit { bytes: left, lines: ARGUMENTS_LINES };
    if !card.erased {
        let arguments = reveal(&json::pretty(&card.arguments), Lines::Many);
        deciding.push(budget.revealed("Arguments", &arguments, limit));
    }

    Shown {
        headline: card.state.headline(),
        moments: card.state.moments(),
        outcome,
        deciding,
        gates: gates(card),
        votes,
        warnings: findings.sentences(),
        spelled,
        claims,
        exchanges,
        cut: budget.cut,
    }
}

/// Every foreign text of the card whole, in pages; `None` when even that is too much for chat.
pub(crate) fn full_view(card: &Card) -> Option<Vec<Piece>> {
    let one = |text: &String| reveal(text, Lines::One);
    let many = |text: &String| reveal(text, Lines::Many);
    let mut texts = vec![("Action", one(&card.action)), ("Target", one(&card.target))];
    texts.extend(Some(facts(card)).filter(|t| !t.is_empty()).map(|text| ("Computed facts", text)));
    texts.push(("Agent", one(&card.agent_name)));
    texts.extend(card.on_behalf_of.iter().map(|text| ("For (the agent says, unverified)", one(text))));
    texts.extend(card.executor.iter().map(|text| ("May also be run by", one(text))));
    texts.push(("Arguments", reveal(&json::pretty(&card.arguments), Lines::Many)));
    texts.extend(
        Some(chain(card))
            .filter(|t| !t.is_empty())
            .map(|text| ("Delegated by (the agent says, unverified)", text)),
    );
    texts.extend(card.justification.iter().map(|text| ("Why (the agent says, unverified)", many(text))));
    for answer in &card.answers {
        texts.push((ASKED, question(&answer.asked_by, &answer.question)));
        texts.push((ANSWERED, many(&answer.answer)));
    }
    if texts.iter().map(|(_, text)| encoded_len(text)).sum::<usize>() > FULL {
        return None;
    }
    let mut all = Vec::new();
    for (label, text) in texts {
        for (i, text) in pages(&text, PAGE).into_iter().enumerate() {
            all.push(Piece { label: if i == 0 { label } else { "(continued)" }, text });
        }
    }
    Some(all).filter(|pages| pages.len() <= PAGES)
}

fn deciding(card: &Card, budget: &mut Budget) -> Vec<Piece> {
    let mut pieces = vec![budget.piece("Action", &card.action, Lines::One, ACTION)];
    if !card.erased {
        pieces.push(budget.piece("Target", &card.target, Lines::One, TARGET));
    }
    if !card.facts.is_empty() {
        pieces.push(budget.revealed("Computed facts", &facts(card), FACTS));
    }
    pieces.push(budget.piece("Agent", &card.agent_name, Lines::One, NAME));
    if let Some(who) = &card.on_behalf_of {
        pieces.push(budget.piece("For (the agent says, unverified)", who, Lines::One, NAME));
    }
    if let Some(executor) = &card.executor {
        pieces.push(budget.piece("May also be run by", executor, Lines::One, NAME));
    }
    pieces
}

fn claims(card: &Card, budget: &mut Budget) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if let Some(why) = &card.justification {
        pieces.push(budget.piece("Why", why, Lines::Many, PROSE));
    }
    if !card.delegation_chain.is_empty() {
        pieces.push(budget.revealed("Delegated by", &chain(card), CHAIN));
    }
    if let CardState::Withdrawn { reason: Some(reason), .. } = &card.state {
        pieces.push(budget.piece("Why it was withdrawn", reason, Lines::Many, EXCHANGE));
    }
    pieces
}

fn exchanges(card: &Card, budget: &mut Budget) -> Vec<Piece> {
    let earlier = card.answers.len().saturating_sub(EXCHANGES);
    budget.cut |= earlier > 0;
    let mut pieces = Vec::new();
    for answer in &card.answers[earlier..] {
        let asked = question(&answer.asked_by, &answer.question);
        pieces.push(budget.revealed(ASKED, &asked, EXCHANGE));
        pieces.push(budget.piece(ANSWERED, &answer.answer, Lines::Many, EXCHANGE));
    }
    pieces
}

fn outcome(card: &Card, budget: &mut Budget) -> Vec<Piece> {
    match &card.state {
        CardState::NeedsInfo { question: text, asked_by, .. } => {
            vec![budget.revealed("The question", &question(asked_by, text), PROSE)]
        }
        CardState::Approved { by, .. } => ended("Approved by", by, None, budget),
        CardState::Rejected { by, reason, .. } => ended("Rejected by", by, reason.as_deref(), budget),
        CardState::Revoked { by, reason, .. } => {
            ended("Revoked by", by.as_slice(), reason.as_deref(), budget)
        }
        _ => Vec::new(),
    }
}

fn ended(label: &'static str, by: &[String], reason: Option<&str>, budget: &mut Budget) -> Vec<Piece> {
    let names = by.iter().map(|n| name(n)).collect::<Vec<_>>().join("\n");
    let by = (!by.is_empty()).then(|| budget.revealed(label, &names, VOTES));
    let reason = reason.map(|text| budget.piece("Reason", text, Lines::Many, PROSE));
    by.into_iter().chain(reason).collect()
}

fn votes(card: &Card, budget: &mut Budget) -> Option<Piece> {
    let named = match &card.state {
        CardState::Approved { by, .. } | CardState::Rejected { by, .. } => by.len(),
        _ => 0,
    };
    let lines: Vec<String> =
        card.votes.iter().map(|vote| format!("{} {}", ballot(vote.ballot), name(&vote.person))).collect();
    (lines.len() > named).then(|| budget.revealed("Votes", &lines.join("\n"), VOTES))
}

fn gates(card: &Card) -> Vec<String> {
    let mut lines: Vec<String> = card
        .gates
        .iter()
        .take(GATES)
        .map(|gate| {
            let level = match gate.level {
                0 => String::new(),
                level => format!(", escalated to level {}", u32::from(level) + 1),
            };
            format!("{}: {} of {}{level}", gate.profile, gate.approvals, gate.quorum)
        })
        .collect();
    if card.gates.len() > GATES {
        lines.push(format!("and {} more", card.gates.len() - GATES));
    }
    lines
}

fn findings(card: &Card) -> Findings {
    let mut findings = Findings::default();
    findings.look("Action", &card.action, Reading::Exact);
    findings.look("Target", &card.target, Reading::Exact);
    for (key, value) in &card.arguments {
        findings.look("Arguments", key, Reading::Exact);
        look_into(&mut findings, value);
    }
    findings.look("Agent", &card.agent_name, Reading::Exact);
    for text in card.on_behalf_of.iter().chain(&card.delegation_chain).chain(&card.executor) {
        findings.look("Names", text, Reading::Exact);
    }
    for text in card.justification.iter().chain(card.answers.iter().map(|a| &a.answer)) {
        findings.look("What the agent says", text, Reading::Prose);
    }
    findings
}

fn look_into(findings: &mut Findings, value: &serde_json::Value) {
    match value {
        serde_json::Value::String(text) => findings.look("Arguments", text, Reading::Exact),
        serde_json::Value::Array(values) => values.iter().for_each(|v| look_into(findings, v)),
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                findings.look("Arguments", key, Reading::Exact);
                look_into(findings, value);
            }
        }
        _ => {}
    }
}

fn chain(card: &Card) -> String {
    card.delegation_chain.iter().map(|who| reveal(who, Lines::One)).collect::<Vec<_>>().join("\n")
}

fn facts(card: &Card) -> String {
    let line = |(label, value): &(String, String)| {
        format!("{}: {}", reveal(label, Lines::One), reveal(value, Lines::One))
    };
    card.facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn question(asked_by: &str, question: &str) -> String {
    format!("{}: {}", name(asked_by), reveal(question, Lines::Many))
}

/// A person's name on one line, short enough that no name pushes the others out.
fn name(person: &str) -> String {
    fit(&reveal(person, Lines::One), Limit { bytes: 120, lines: 1 }).text
}

fn ballot(ballot: Ballot) -> &'static str {
    match ballot {
        Ballot::Approve => "✓ approve:",
        Ballot::Reject => "✗ reject:",
    }
}
