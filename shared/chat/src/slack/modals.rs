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
    n: u32,
    w: bool,
    h: Option<Digest>,
    k: Decision,
    c: String,
    t: String,
}

impl Private {
    fn new(about: About, decision: Decision, place: &Place) -> Self {
        let About { request: r, digest: d, revision: v, answers: n, whole: w, shown: h } = about;
        Self { r, d, v, n, w, h, k: decision, c: place.channel.clone(), t: place.ts.clone() }
    }

    pub(crate) fn into_parts(self) -> (About, Decision, Place) {
        let Self { r: request, d: digest, v: revision, n: answers, w: whole, h: shown, .. } = self;
        let about = About { request, digest, revision, answers, whole, shown };
        (about, self.k, Place { channel: self.c, ts: self.t })
    }
}

/// What a click for `decision` leads to: on a button that says `about`, of a message at `place`, while the request is
/// as `card` shows it.
///
/// An approval of a card that is or was cut, or that needs a comment, is taken only from the view made here: submitting
/// it is the proof that the view was opened. A view is about what its button was about; the full view shows all anew.
pub fn next(card: &Card, decision: Decision, about: &About, place: &Place) -> Next {
    let open = |about: &About, (title, submit, blocks): Form| {
        let private = Private::new(about.clone(), decision, place);
        Next::Open(view(card, &private, title, submit, blocks))
    };
    match (decision, card.approval()) {
        (Decision::Approve, Approval::AtOnce) if about.whole => Next::Decide,
        (Decision::Approve, Approval::WithComment) if about.whole => open(about, approve(card, None)),
        (Decision::Approve, _) => match shown::full_view(card) {
            Some(pages) => open(&About { whole: true, ..About::card(card) }, approve(card, Some(&pages))),
            None => Next::TooLong,
        },
        (Decision::Reject, _) => open(about, reject(card)),
        (Decision::RequestInfo, _) => open(about, request_info(card)),
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

/// A view's title, the word on its button, and its blocks.
type Form = (&'static str, &'static str, Vec<Value>);

fn approve(card: &Card, whole: Option<&[shown::Piece]>) -> Form {
    let (title, mut blocks) = match whole {
        Some(pages) => (
            "Read all and approve",
            pages.iter().map(|p| rich_text(pieces(std::slice::from_ref(p)))).collect(),
        ),
        None => ("Approve", vec![summary(card)]),
    };
    let label = if card.require_comment { "Why it is right" } else { "Comment" };
    blocks.push(input(label, !card.require_comment));
    (title, "Approve", blocks)
}

fn reject(card: &Card) -> Form {
    ("Reject", "Reject", vec![summary(card), input("Reason, for the agent", false)])
}

fn request_info(card: &Card) -> Form {
    ("Ask for more", "Ask", vec![summary(card), input("Question, for the agent", false)])
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

fn view(card: &Card, private: &Private, title: &str, submit: &str, mut blocks: Vec<Value>) -> View {
    blocks.push(ids(card));
    View(json!({
        "type": "modal",
        "callback_id": CALLBACK_ID,
        "title": text(title),
        "submit": text(submit),
        "close": text("Back"),
        "private_metadata": serde_json::to_string(private).unwrap_or_default(),
        "blocks": blocks,
    }))
}
