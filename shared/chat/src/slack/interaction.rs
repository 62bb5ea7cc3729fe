//! What a person pressed or submitted in Slack.
//!
//! The body is a form with one field `payload`, which is JSON. `Ok(None)` = not for us (another app's block, a view
//! that was closed, …); `Err` = for us, but wrong. What is pressed is a wish: who the person is, whether they may
//! decide and whether the revision is still the one they saw is judged elsewhere.
//!
//! ```text
//! click       type block_actions,   actions[0].action_id = approve | reject | request_info,
//!             actions[0].value = {r, d, v, n, w, h?}
//! submission  type view_submission, view.callback_id = countersign,
//!             view.private_metadata = {r, d, v, n, w, h?, k, c, t}, view.state.values.words.words.value = text
//! ```

use countersign_domain::Digest;
use countersign_domain::canonical::jcs;
use countersign_domain::event::Decision;
use serde_json::{Value, json};

use crate::slack::about::{About, Place, is_slack_id, is_ts};
use crate::slack::blocks::action_id;
use crate::slack::modals::{CALLBACK_ID, Private, WORDS};
use crate::slack::signature::Verified;

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// A button of a card.
    Click(Click),
    /// A view of ours, submitted.
    Submission(Submission),
}

/// A button of a card, pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Which button.
    pub decision: Decision,
    /// What it is about.
    pub about: About,
    /// Who pressed it.
    pub by: By,
    /// Where the card stands.
    pub place: Place,
    /// Opens a view within 3 s.
    pub trigger_id: String,
    /// The same for the same press, however often it is delivered.
    pub once: Digest,
}

/// A view, submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What the view was for.
    pub decision: Decision,
    /// What it is about.
    pub about: About,
    /// Who submitted it.
    pub by: By,
    /// Where the card stands.
    pub place: Place,
    /// What the person wrote, without space around it; `None` when that is nothing.
    pub text: Option<String>,
    /// The view.
    pub view_id: String,
    /// The same for the same submission, however often it is delivered.
    pub once: Digest,
}

/// Whose hand it was, as the payload says. [`crate::slack::identity`] judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person's account.
    pub user: SlackUser,
    /// The app that the payload is for.
    pub app: String,
}

/// An account of Slack's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackUser {
    /// The account's own workspace. In a shared channel it is not always ours.
    pub team: String,
    /// The enterprise that the payload names, if any.
    pub enterprise: Option<String>,
    /// The account.
    pub id: String,
}

/// Why a payload that is for us cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// Not a form with exactly one `payload`.
    #[error("the body must be a form with exactly one field `payload`")]
    NoPayload,
    /// Not JSON.
    #[error("`payload` is not a JSON object")]
    NotJson,
    /// A field is missing or not what it must be.
    #[error("payload{0} is missing or not {1}")]
    Field(&'static str, &'static str),
}

/// Reads a verified body.
///
/// # Errors
/// [`InteractionError`] when it is for us but wrong.
pub fn parse(body: Verified<'_>) -> Result<Option<Interaction>, InteractionError> {
    let payload = payload(body.bytes())?;
    match payload["type"].as_str() {
        Some("block_actions") => click(&payload),
        Some("view_submission") => submission(&payload),
        Some(_) => Ok(None),
        None => Err(InteractionError::Field("/type", "text")),
    }
}

fn payload(body: &[u8]) -> Result<Value, InteractionError> {
    let mut fields = url::form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
    let (Some((_, payload)), None) = (fields.next(), fields.next()) else {
        return Err(InteractionError::NoPayload);
    };
    let payload: Value = serde_json::from_str(&payload).map_err(|_| InteractionError::NotJson)?;
    if payload.is_object() { Ok(payload) } else { Err(InteractionError::NotJson) }
}

fn click(payload: &Value) -> Result<Option<Interaction>, InteractionError> {
    let decision = match payload["actions"].as_array().map(Vec::as_slice) {
        Some([action]) => decision(&action["action_id"]),
        Some(actions) if actions.iter().all(|a| decision(&a["action_id"]).is_none()) => None,
        _ => return Err(InteractionError::Field("/actions", "a list of one")),
    };
    let Some(decision) = decision else { return Ok(None) };
    let about = text(payload, "/actions/0/value", "text", |v| v.len() <= 2_000)?;
    let about = serde_json::from_str(about)
        .map_err(|_| InteractionError::Field("/actions/0/value", "the value of a button of ours"))?;
    let place = Place {
        channel: text(payload, "/container/channel_id", "a channel id", is_slack_id)?.to_owned(),
        ts: text(payload, "/container/message_ts", "a message timestamp", is_ts)?.to_owned(),
    };
    let by = by(payload)?;
    let trigger_id = text(payload, "/trigger_id", "a trigger id", is_token)?.to_owned();
    let action_ts = text(payload, "/actions/0/action_ts", "a timestamp", is_ts)?;
    let once = once(&["click", &by.user.team, &by.user.id, action_id(decision), action_ts, &trigger_id]);
    Ok(Some(Interaction::Click(Click { decision, about, by, place, trigger_id, once })))
}

fn submission(payload: &Value) -> Result<Option<Interaction>, InteractionError> {
    if payload["view"]["callback_id"] != CALLBACK_ID {
        return Ok(None);
    }
    let private = text(payload, "/view/private_metadata", "text", |v| v.len() <= 3_000)?;
    let private: Private = serde_json::from_str(private)
        .map_err(|_| InteractionError::Field("/view/private_metadata", "that of a view of ours"))?;
    let (about, decision, place) = private.into_parts();
    if !is_slack_id(&place.channel) || !is_ts(&place.ts) {
        return Err(InteractionError::Field("/view/private_metadata", "that of a view of ours"));
    }
    let by = by(payload)?;
    let view_id = text(payload, "/view/id", "a view id", is_slack_id)?.to_owned();
    let trigger_id = text(payload, "/trigger_id", "a trigger id", is_token)?;
    let text = match &payload["view"]["state"]["values"][WORDS][WORDS]["value"] {
        Value::Null => None,
        Value::String(words) => Some(words.trim().to_owned()).filter(|words| !words.is_empty()),
        _ => return Err(InteractionError::Field("/view/state/values/words/words/value", "text")),
    };
    let once = once(&["submission", &by.user.team, &by.user.id, action_id(decision), &view_id, trigger_id]);
    Ok(Some(Interaction::Submission(Submission { decision, about, by, place, text, view_id, once })))
}

fn by(payload: &Value) -> Result<By, InteractionError> {
    let enterprise = match &payload["enterprise"] {
        Value::Null => None,
        _ => Some(text(payload, "/enterprise/id", "an enterprise id", is_slack_id)?.to_owned()),
    };
    let user = SlackUser {
        team: text(payload, "/user/team_id", "a workspace id", is_slack_id)?.to_owned(),
        enterprise,
        id: text(payload, "/user/id", "a user id", is_slack_id)?.to_owned(),
    };
    Ok(By { user, app: text(payload, "/api_app_id", "an app id", is_slack_id)?.to_owned() })
}

fn decision(action: &Value) -> Option<Decision> {
    [Decision::Approve, Decision::Reject, Decision::RequestInfo]
        .into_iter()
        .find(|d| *action == action_id(*d))
}

fn text<'a>(
    payload: &'a Value,
    pointer: &'static str,
    expected: &'static str,
    valid: impl Fn(&str) -> bool,
) -> Result<&'a str, InteractionError> {
    let found = payload.pointer(pointer).and_then(Value::as_str).filter(|text| valid(text));
    found.ok_or(InteractionError::Field(pointer, expected))
}

fn is_token(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn once(parts: &[&str]) -> Digest {
    Digest::of(&jcs(&json!(parts)))
}
