//! The views that a click opens, and the answers to their submissions.
//!
//! A view's `private_metadata` says what it is about and where its card stands; [`crate::slack::interaction`] reads
//! it back. Foreign text stands only in preformatted text, as on the card.

use countersign_domain::event::Decision;
use countersign_domain::{Digest, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::card::{Approval, Card};
use crate::shown;
use crate::slack::about::{About, Place};
use crate::slack::blocks::{ids, pieces, rich_text, text};

/// The `callback_id` of every view of ours.
pub const CALLBACK_ID: &str = "countersign";
/// The `block_id` and `action_id` of the words that a person types.
pub const WORDS: &str = "words";
/// The longest comment, reason or question, in characters.
pub const MAX_WORDS: usize = 1_000;

/// A view, as `views.open` takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct View(pub Value);

/// What a click on a card's button leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nothing more is needed: it is the decision.
    Decide,
    /// A view is opened first; its submission is the decision.
    Open(View),
    /// The card cannot be approved in chat, not even in the full view.
    TooLong,
}

/// What a view carries through Slack and back: [`About`], the decision and the card's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Private {
    r: RequestId,
    d: Digest,
    v: u32,
    h: Option<Digest>,
    k: Decision,
    c: String,
    t: String,
}

impl Private {
    fn new(about: About, decision: Decision, place: &Place) -> Self {
        let About { request: r, digest: d, revision: v, shown: h } = about;
        Self { r, d, v, h, k: decision, c: place.channel.clone(), t: place.ts.clone() }
    }

    pub(crate) fn into_parts(self) -> (About, Decision, Place) {
        let about = About { request: self.r, digest: self.d, revision: self.v, shown: self.h };
        (about, self.k, Place { channel: self.c, ts: self.t })
    }
}

/// What a click for `decision` on `card`, which stands at `place`, leads to.
///
/// An approval of a card that is cut, or that needs a comment, is taken only from the view made here: submitting it
/// is the proof that the view was opened.
pub fn next(card: &Card, decision: Decision, place: &Place) -> Next {
    match (decision, card.approval()) {
        (Decision::Approve, Approval::AtOnce) => Next::Decide,
        (Decision::Approve, Approval::WithComment) => Next::Open(approve(card, place, None)),
        (Decision::Approve, _) => match shown::full_view(card) {
            Some(pages) => Next::Open(approve(card, place, Some(&pages))),
            None => Next::TooLong,
        },
        (Decision::Reject, _) => Next::Open(reject(card, place)),
        (Decision::RequestInfo, _) => Next::Open(request_info(card, place)),
    }
}

/// The answer to a submission that could not be taken: the view stays open and says why, in our own words.
pub fn refuse(words: &str) -> Value {
    json!({ "response_action": "errors", "errors": { WORDS: words } })
}

/// The answer to a submission that was taken: every view of ours closes.
pub fn close() -> Value {
    json!({ "response_action": "clear" })
}

fn approve(card: &Card, place: &Place, whole: Option<&[shown::Piece]>) -> View {
    let (title, mut blocks) = match whole {
        Some(pages) => (
            "Read all and approve",
            pages.iter().map(|p| rich_text(pieces(std::slice::from_ref(p)))).collect(),
        ),
        None => ("Approve", vec![summary(card)]),
    };
    let label = if card.require_comment { "Why it is right" } else { "Comment" };
    blocks.push(input(label, !card.require_comment));
    view(card, Decision::Approve, place, title, "Approve", blocks)
}

fn reject(card: &Card, place: &Place) -> View {
    view(
        card,
        Decision::Reject,
        place,
        "Reject",
        "Reject",
        vec![summary(card), input("Reason, for the agent", false)],
    )
}

fn request_info(card: &Card, place: &Place) -> View {
    let blocks = vec![summary(card), input("Question, for the agent", false)];
    view(card, Decision::RequestInfo, place, "Ask for more", "Ask", blocks)
}

/// Action and target as on the card, so that nobody decides on the wrong one.
fn summary(card: &Card) -> Value {
    rich_text(pieces(&card.shown().deciding[..2]))
}

fn input(label: &str, optional: bool) -> Value {
    json!({
        "type": "input",
        "block_id": WORDS,
        "optional": optional,
        "label": text(label),
        "element": {
            "type": "plain_text_input",
            "action_id": WORDS,
            "multiline": true,
            "max_length": MAX_WORDS,
        },
    })
}

fn view(
    card: &Card,
    decision: Decision,
    place: &Place,
    title: &str,
    submit: &str,
    mut blocks: Vec<Value>,
) -> View {
    let private = Private::new(About::card(card), decision, place);
    blocks.push(ids(card));
    View(json!({
        "type": "modal",
        "callback_id": CALLBACK_ID,
        "title": text(title),
        "submit": text(submit),
        "close": text("Back"),
        "private_metadata": serde_json::to_string(&private).unwrap_or_default(),
        "blocks": blocks,
    }))
}
