//! A card as a Slack message.
//!
//! Foreign text stands only in `rich_text_preformatted` text elements, where Slack interprets nothing. Everything
//! else is made of fixed words, our own ids and numbers, and names from the policy directory.

use countersign_domain::Time;
use countersign_domain::event::Decision;
use serde::Serialize;
use serde_json::{Value, json};

use crate::card::{Approval, Card, CardState};
use crate::shown::{Piece, Shown};
use crate::slack::about::About;

/// The most blocks and bytes that a message has. Slack allows 50 and a little over 13,000.
pub const MAX_BLOCKS: usize = 40;
/// See [`MAX_BLOCKS`].
pub const MAX_BYTES: usize = 12_000;

/// What is posted: the fields of `chat.postMessage` that depend on the card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// What a notification and a screen reader say. Fixed words and the request's id.
    pub text: String,
    /// The Block Kit blocks.
    pub blocks: Vec<Value>,
    /// `{event_type, event_payload}`, by which a posted card is found again.
    pub metadata: Value,
}

/// The message that shows `card`: at most [`MAX_BLOCKS`] blocks and [`MAX_BYTES`] bytes of JSON, whatever the agent
/// sent.
pub fn render(card: &Card) -> Message {
    let shown = card.shown();
    let mut blocks = vec![header(shown.headline)];
    if let Some(times) = moments(&shown) {
        blocks.push(times);
    }
    if !shown.outcome.is_empty() {
        blocks.push(rich_text(pieces(&shown.outcome)));
    }
    blocks.push(rich_text(pieces(&shown.deciding)));
    if !shown.warnings.is_empty() {
        blocks.push(rich_text(said("⚠ Look twice", &shown.warnings, shown.spelled.as_ref())));
    }
    if !shown.claims.is_empty() {
        blocks.push(rich_text(titled("Agent says (unverified)", &shown.claims)));
    }
    if !shown.exchanges.is_empty() {
        blocks.push(rich_text(pieces(&shown.exchanges)));
    }
    if !shown.gates.is_empty() {
        blocks.push(rich_text(said("Approvals", &shown.gates, shown.votes.as_ref())));
    }
    let approval = card.approval_when(shown.cut);
    let offers = card.offers_when(approval);
    if card.erased {
        let note = "Erased: its target, its arguments and all that was said of it were removed.";
        blocks.push(json!({ "type": "section", "text": text(note) }));
    }
    if let Some(note) = note(&card.state, shown.cut, approval) {
        blocks.push(json!({ "type": "section", "text": text(note) }));
    }
    if !offers.is_empty() {
        let value = About::card(card).to_value();
        let buttons: Vec<Value> = offers.iter().map(|offer| button(*offer, approval, &value)).collect();
        blocks.push(json!({ "type": "actions", "block_id": "decide", "elements": buttons }));
    }
    blocks.push(ids(card));

    Message {
        text: format!("{} · {}", shown.headline, card.request),
        blocks,
        metadata: json!({
            "event_type": "countersign_request",
            "event_payload": { "request_id": card.request, "revision": card.revision },
        }),
    }
}

/// What a decision is called in `action_id` and in a view.
pub fn action_id(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::RequestInfo => "request_info",
    }
}

/// A label in bold and, below it, the text as it is.
pub(crate) fn pieces(pieces: &[Piece]) -> Vec<Value> {
    pieces
        .iter()
        .flat_map(|piece| {
            let label = json!({ "type": "rich_text_section", "elements": [strong(piece.label)] });
            [label, preformatted(&piece.text)]
        })
        .collect()
}

pub(crate) fn rich_text(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

/// Fixed words or our own ids, where Slack reads no markup.
pub(crate) fn text(words: &str) -> Value {
    json!({ "type": "plain_text", "text": words, "emoji": false })
}

fn header(words: &str) -> Value {
    json!({ "type": "header", "text": text(words) })
}

/// Our ids, for whoever looks the request up elsewhere, and how the log stands.
pub(crate) fn ids(card: &Card) -> Value {
    let ids = format!("{} · revision {} · {} · {}", card.request, card.revision, card.agent, card.digest);
    let log = card.log.map(|log| text(&log.line()));
    let elements: Vec<Value> = [text(&ids)].into_iter().chain(log).collect();
    json!({ "type": "context", "elements": elements })
}

/// A title, lines of our own words, and the text that belongs to them.
fn said(title: &str, lines: &[String], piece: Option<&Piece>) -> Vec<Value> {
    let words = [strong(&format!("{title}\n")), plain(&lines.join("\n"))];
    let mut elements = vec![json!({ "type": "rich_text_section", "elements": words })];
    elements.extend(piece.map(|piece| preformatted(&piece.text)));
    elements
}

/// A title over several texts with their labels.
fn titled(title: &str, claims: &[Piece]) -> Vec<Value> {
    let mut elements = Vec::new();
    for (i, piece) in claims.iter().enumerate() {
        let title = (i == 0).then(|| strong(&format!("{title}\n")));
        let label = json!({ "type": "text", "text": piece.label, "style": { "italic": true } });
        let words: Vec<Value> = title.into_iter().chain([label]).collect();
        elements.push(json!({ "type": "rich_text_section", "elements": words }));
        elements.push(preformatted(&piece.text));
    }
    elements
}

fn strong(words: &str) -> Value {
    json!({ "type": "text", "text": words, "style": { "bold": true } })
}

fn plain(words: &str) -> Value {
    json!({ "type": "text", "text": words })
}

fn preformatted(foreign: &str) -> Value {
    json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": foreign }] })
}

/// The only markup on a card: our labels and our numbers, so that each reader sees the time where they are.
fn moments(shown: &Shown) -> Option<Value> {
    let lines: Vec<String> =
        shown.moments.iter().map(|(label, time)| format!("*{label}* {}", date(*time))).collect();
    let text = json!({ "type": "mrkdwn", "text": lines.join("\n") });
    (!lines.is_empty()).then(|| json!({ "type": "section", "text": text }))
}

fn date(time: Time) -> String {
    format!("<!date^{}^{{date_short_pretty}} at {{time}}|{time}>", time.millis().div_euclid(1000))
}

fn note(state: &CardState, cut: bool, approval: Approval) -> Option<&'static str> {
    match (cut, state, approval) {
        (false, ..) => None,
        (true, CardState::Pending { .. }, Approval::ByApiOnly) => Some(
            "This is too long for chat, so it cannot be approved here: read the whole and approve by API. You can \
             still reject it or ask for more.",
        ),
        (true, CardState::Pending { .. }, _) => {
            Some("Some of this is cut. Approve opens the whole; an approval counts only from there.")
        }
        (true, ..) => Some("Some of this is cut. The whole is in the API."),
    }
}

fn button(decision: Decision, approval: Approval, value: &str) -> Value {
    let words = match (decision, approval) {
        (Decision::Approve, Approval::AtOnce) => "Approve",
        (Decision::Approve, Approval::WithComment) => "Approve…",
        (Decision::Approve, _) => "Read all and approve…",
        (Decision::Reject, _) => "Reject…",
        (Decision::RequestInfo, _) => "Ask for more…",
    };
    let mut button = json!({
        "type": "button",
        "action_id": action_id(decision),
        "text": text(words),
        "value": value,
    });
    match (decision, approval) {
        (Decision::Approve, Approval::AtOnce) => {
            button["style"] = "primary".into();
            button["confirm"] = json!({
                "title": text("Approve this?"),
                "text": text("It may then run once, exactly as shown on the card."),
                "confirm": text("Approve"),
                "deny": text("Back"),
            });
        }
        (Decision::Approve, _) => button["style"] = "primary".into(),
        (Decision::Reject, _) => button["style"] = "danger".into(),
        (Decision::RequestInfo, _) => {}
    }
    button
}
