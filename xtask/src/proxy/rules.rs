//! Which calls are disturbed, and how. A rule is JSON, checked strictly when it is set:
//!
//! ```json
//! {"match": {"target": "TransactWriteItems", "path": "…", "method": "POST", "body": "req_01…"},
//!  "action": {"status": 400, "body": {"__type": "…"}, "headers": {"x-a": "b"}}, "times": 1, "skip": 0}
//! ```
//!
//! Actions: `{"reset":true}` closes without forwarding · `{"status":N,"body":…,"headers":{…}}` answers
//! without forwarding · `{"lose_answer":true}` forwards and drops the answer · `{"delay_ms":N}` waits, then
//! forwards · `{"hang":true}` holds the call until the caller gives up or the rule is removed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{Facts, means};

/// Which calls a rule is for: all given parts must agree; none given = every call.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    /// The whole target, or what follows its last dot.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// A part of the path with its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// A part of the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Match {
    fn fits(&self, call: &Facts) -> bool {
        self.target.as_ref().is_none_or(|t| means(&call.target, t))
            && self.path.as_ref().is_none_or(|p| call.path.contains(p.as_str()))
            && self.method.as_ref().is_none_or(|m| call.method.eq_ignore_ascii_case(m))
            && self.body.as_ref().is_none_or(|b| memchr::memmem::find(&call.body, b.as_bytes()).is_some())
    }
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Reset,
    Answer { status: u16, body: Vec<u8>, headers: BTreeMap<String, String> },
    LoseAnswer,
    Delay(Duration),
    Hang,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ActionJson {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reset: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lose_answer: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hang: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
}

impl ActionJson {
    fn parse(self) -> Result<Action, String> {
        if self.status.is_none() && (self.body.is_some() || self.headers.is_some()) {
            return Err("action: body and headers need a status".to_owned());
        }
        let mut found = Vec::new();
        if self.reset {
            found.push(Action::Reset);
        }
        if self.lose_answer {
            found.push(Action::LoseAnswer);
        }
        if self.hang {
            found.push(Action::Hang);
        }
        if let Some(ms) = self.delay_ms {
            found.push(Action::Delay(Duration::from_millis(ms)));
        }
        if let Some(status) = self.status {
            if !(200..=599).contains(&status) {
                return Err(format!("action: status {status} is not between 200 and 599"));
            }
            let body = match self.body {
                None => Vec::new(),
                Some(Value::String(text)) => text.into_bytes(),
                Some(value) => value.to_string().into_bytes(),
            };
            found.push(Action::Answer { status, body, headers: self.headers.unwrap_or_default() });
        }
        match (found.pop(), found.is_empty()) {
            (Some(action), true) => Ok(action),
            _ => Err("action: exactly one of reset, status, lose_answer, delay_ms, hang".to_owned()),
        }
    }
}

/// A rule as it is set and shown.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RuleJson {
    #[serde(default)]
    r#match: Match,
    action: ActionJson,
    /// How often it strikes; null = always.
    #[serde(default)]
    times: Option<u64>,
    /// How many fitting calls pass before it strikes.
    #[serde(default)]
    skip: u64,
}

struct Rule {
    id: u64,
    shown: RuleJson,
    action: Action,
    seen: u64,
    hits: u64,
}

#[derive(Default)]
struct State {
    last_id: u64,
    rules: Vec<Rule>,
}

/// All rules, in the order they were set.
#[derive(Default)]
pub(crate) struct Rules(Mutex<State>);

impl Rules {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a rule and returns its id.
    pub(crate) fn add(&self, json: &[u8]) -> Result<u64, String> {
        let shown: RuleJson = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let action = shown.action.clone().parse()?;
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state.rules.push(Rule { id, shown, action, seen: 0, hits: 0 });
        Ok(id)
    }

    /// The action of the first rule that strikes this call, with its rule's id.
    pub(crate) fn strike(&self, call: &Facts) -> Option<(u64, Action)> {
        let mut state = self.state();
        for rule in &mut state.rules {
            let spent = rule.shown.times.is_some_and(|times| rule.hits >= times);
            if spent || !rule.shown.r#match.fits(call) {
                continue;
            }
            rule.seen += 1;
            if rule.seen > rule.shown.skip {
                rule.hits += 1;
                return Some((rule.id, rule.action.clone()));
            }
        }
        None
    }

    pub(crate) fn exists(&self, id: u64) -> bool {
        self.state().rules.iter().any(|rule| rule.id == id)
    }

    /// Removes one rule; false when there is none with this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut state = self.state();
        let before = state.rules.len();
        state.rules.retain(|rule| rule.id != id);
        state.rules.len() < before
    }

    pub(crate) fn clear(&self) {
        self.state().rules.clear();
    }

    /// The rules with their hit counts.
    pub(crate) fn shown(&self) -> Value {
        let state = self.state();
        let rules: Vec<Value> = state
            .rules
            .iter()
            .map(|rule| {
                serde_json::json!({
                    "id": rule.id, "match": rule.shown.r#match, "action": rule.shown.action,
                    "times": rule.shown.times, "skip": rule.shown.skip, "hits": rule.hits,
                })
            })
            .collect();
        serde_json::json!({ "rules": rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(target: &str, path: &str, body: &str) -> Facts {
        Facts {
            target: target.to_owned(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            body: body.into(),
        }
    }

    fn strikes(rule: &str, call: &Facts) -> bool {
        let rules = Rules::default();
        rules.add(rule.as_bytes()).unwrap();
        rules.strike(call).is_some()
    }

    #[test]
    fn every_given_part_must_agree() {
        let put = call("Dyn.PutItem", "/a/b?c=d", r#"{"id":"req_1"}"#);
        let check = |part: &str, expect: bool| {
            assert_eq!(
                strikes(&format!(r#"{{"match":{part},"action":{{"reset":true}}}}"#), &put),
                expect,
                "{part}"
            );
        };
        check("{}", true);
        check(r#"{"target":"PutItem"}"#, true);
        check(r#"{"target":"Item"}"#, false);
        check(r#"{"path":"b?c"}"#, true);
        check(r#"{"method":"post"}"#, true);
        check(r#"{"method":"GET"}"#, false);
        check(r#"{"body":"req_1\""}"#, true);
        check(r#"{"target":"PutItem","body":"req_2"}"#, false);
    }

    #[test]
    fn a_rule_strikes_so_often_after_so_many() {
        let rules = Rules::default();
        rules.add(br#"{"action":{"reset":true},"times":2,"skip":1}"#).unwrap();
        let any = call("X", "/", "");
        let struck: Vec<bool> = (0..5).map(|_| rules.strike(&any).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(rules.shown()["rules"][0]["hits"], 2);
        assert!(rules.remove(1) && !rules.remove(1) && !rules.exists(1));
    }

    #[test]
    fn a_wrong_rule_is_refused_with_what_is_wrong() {
        let check = |rule: &str, expect: &str| {
            let error = Rules::default().add(rule.as_bytes()).unwrap_err();
            assert!(error.contains(expect), "{rule}: {error}");
        };
        check(r#"{"action":{}}"#, "exactly one of");
        check(r#"{"action":{"reset":true,"hang":true}}"#, "exactly one of");
        check(r#"{"action":{"body":{}}}"#, "need a status");
        check(r#"{"action":{"status":99}}"#, "not between");
        check(r#"{"action":{"rest":true}}"#, "unknown field `rest`");
        check(r#"{"match":{"taget":"x"},"action":{"reset":true}}"#, "unknown field `taget`");
        check("{}", "missing field `action`");
    }
}
