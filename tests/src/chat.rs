//! A chat account that looks at cards and presses their buttons.

use serde_json::{Value, json};

use crate::agent::id;
use crate::http::Call;
use crate::{eventually, seconds, stack};

/// An account of the workspace.
#[derive(Debug, Clone)]
pub struct Chat {
    /// Its id, e.g. `U0ALICE`.
    pub user: String,
}

/// The fields that a modal's words are typed in.
const WORDS: &str = "words";

impl Chat {
    /// The account of this id.
    pub fn new(user: &str) -> Self {
        Self { user: user.to_owned() }
    }

    /// Presses a button of the request's card in `channel`, once it is there. Gives what the stand-in saw.
    pub async fn press(&self, request: &Value, channel: &str, button: &str) -> Value {
        let card = card(request, channel).await;
        self.press_on(&card, button, json!({})).await
    }

    /// Presses a button of this very card, with deliberate wrongs.
    pub async fn press_on(&self, card: &Value, button: &str, overrides: Value) -> Value {
        let body = json!({
            "channel": card["channel"], "ts": card["ts"], "action_id": button, "user": self.user, "overrides": overrides,
        });
        control("click", &body).await
    }

    /// Presses a button as the card showed it when it was first posted, as a client does that has not seen more.
    pub async fn press_on_old(&self, card: &Value, button: &str) -> Value {
        let body = json!({
            "channel": card["channel"], "ts": card["ts"], "action_id": button, "user": self.user, "version": 0,
        });
        control("click", &body).await
    }

    /// Presses a button that opens a view, types into it and submits it.
    pub async fn press_and_say(&self, request: &Value, channel: &str, button: &str, words: &str) -> Value {
        let pressed = self.press(request, channel, button).await;
        assert_eq!(pressed["status"], 200, "{pressed}");
        let view = self.view(request).await.unwrap_or_else(|| panic!("no view opened: {pressed}"));
        self.submit(&view, words).await
    }

    /// The view that is open for this account about the request.
    pub async fn view(&self, request: &Value) -> Option<Value> {
        let answer =
            Call::get(format!("{}/_standin/views?user={}", stack().slack_url, self.user)).send().await;
        let views = answer.expect(200)["views"].as_array().cloned().unwrap_or_default();
        let about =
            |v: &Value| v["open"] == true && v["view"]["private_metadata"].to_string().contains(id(request));
        views.into_iter().rev().find(about).map(|v| v["view"]["id"].clone())
    }

    /// Submits a view with these words.
    pub async fn submit(&self, view: &Value, words: &str) -> Value {
        let body = json!({"view_id": view, "user": self.user, "values": {WORDS: {WORDS: words}}});
        control("submit", &body).await
    }

    /// What this account was told about the card's request where nobody else sees it.
    pub async fn told(&self, card: &Value) -> Vec<String> {
        let channel = card["channel"].as_str().unwrap_or_default();
        let request = card["request_id"].as_str().unwrap_or_else(|| panic!("a card of no request: {card}"));
        let url = format!("{}/_standin/ephemerals?channel={channel}&user={}", stack().slack_url, self.user);
        let told = Call::get(url).send().await.expect(200);
        let texts = told["ephemerals"].as_array().cloned().unwrap_or_default();
        texts.iter().map(Value::to_string).filter(|text| text.contains(request)).collect()
    }
}

/// Sends the stand-in a control call.
pub async fn control(route: &str, body: &Value) -> Value {
    let answer = Call::post(format!("{}/_standin/{route}", stack().slack_url), body).send().await;
    assert!(answer.status < 300, "{route}: {}", String::from_utf8_lossy(&answer.bytes));
    answer.body
}

/// The cards of a request, oldest first, in all channels.
pub async fn cards(request: &Value) -> Vec<Value> {
    let url = format!("{}/_standin/messages?contains={}", stack().slack_url, id(request));
    Call::get(url).send().await.expect(200)["messages"].as_array().cloned().unwrap_or_default()
}

/// The request's card in a channel, once it is there.
pub async fn card(request: &Value, channel: &str) -> Value {
    let what = format!("a card of {} in {channel}", id(request));
    let look = async || cards(request).await.into_iter().find(|m| m["channel"] == channel);
    eventually(&what, seconds(20), look).await
}

/// Waits until the request's card in a channel shows this text.
pub async fn shows(request: &Value, channel: &str, text: &str) -> Value {
    let what = format!("the card of {} in {channel} shows {text:?}", id(request));
    let look = async || {
        let card = cards(request).await.into_iter().find(|m| m["channel"] == channel)?;
        card["blocks"].to_string().contains(text).then_some(card)
    };
    eventually(&what, seconds(20), look).await
}
