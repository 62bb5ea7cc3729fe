//! What the API answers, read leniently: a member that is missing or new does not stop an older or newer command.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a member that is only shown: one of another form is left out, so that it cannot hide the status.
fn shown<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// A request as its agent or a reviewer sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct View {
    /// Request id.
    pub id: String,
    /// Status word.
    pub status: String,
    /// Policy's answer: allow, review or deny.
    #[serde(default, deserialize_with = "shown")]
    pub outcome: Option<String>,
    /// Revision number, from 1.
    #[serde(default, deserialize_with = "shown")]
    pub revision: Option<u64>,
    /// Digest of the revision.
    #[serde(default, deserialize_with = "shown")]
    pub digest: Option<String>,
    /// Action name.
    #[serde(default, deserialize_with = "shown")]
    pub action: String,
    /// What it acts on.
    #[serde(default, deserialize_with = "shown")]
    pub target: String,
    /// Arguments, exactly as the service holds them. Reviewers only.
    #[serde(default)]
    pub arguments: Option<Box<RawValue>>,
    /// The agent's reason. Reviewers only.
    #[serde(default, deserialize_with = "shown")]
    pub justification: Option<String>,
    /// Whom it acts for. Reviewers only.
    #[serde(default, deserialize_with = "shown")]
    pub on_behalf_of: Option<String>,
    /// Through whom. Reviewers only.
    #[serde(default, deserialize_with = "shown")]
    pub delegation_chain: Option<Vec<String>>,
    /// Who asked.
    #[serde(default, deserialize_with = "shown")]
    pub agent: Agent,
    /// Who may consume.
    #[serde(default, deserialize_with = "shown")]
    pub executor: Option<String>,
    /// When it was asked.
    #[serde(default, deserialize_with = "shown")]
    pub created_at: Option<String>,
    /// When the review ends.
    #[serde(default, deserialize_with = "shown")]
    pub expires_at: Option<String>,
    /// Until when the approval may be used.
    #[serde(default, deserialize_with = "shown")]
    pub valid_until: Option<String>,
    /// Past its deadline, and that is not recorded yet.
    #[serde(default, deserialize_with = "shown")]
    pub overdue: bool,
    /// Conditions of the review.
    #[serde(default, deserialize_with = "shown")]
    pub gates: Vec<Gate>,
    /// What a reviewer asks.
    #[serde(default, deserialize_with = "shown")]
    pub question: Option<Question>,
    /// What was decided.
    #[serde(default, deserialize_with = "shown")]
    pub decision: Option<Decision>,
    /// Code of a denial.
    #[serde(default, deserialize_with = "shown")]
    pub code: Option<String>,
    /// What an agent can do.
    #[serde(default, deserialize_with = "shown")]
    pub agent_guidance: Option<String>,
    /// The single use.
    #[serde(default, deserialize_with = "shown")]
    pub consume: Option<Consume>,
    /// Proof that the decision is in the log.
    #[serde(default, deserialize_with = "shown")]
    pub receipt: Option<String>,
    /// Votes. Reviewers only.
    #[serde(default, deserialize_with = "shown")]
    pub votes: Vec<Vote>,
    /// Who may not decide. Reviewers only.
    #[serde(default, deserialize_with = "shown")]
    pub excluded: Vec<Excluded>,
}

/// The principal that asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// Stable id.
    pub id: String,
    /// Readable name.
    pub name: String,
}

/// One condition of a review.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Profile that it came from.
    pub profile: String,
    /// Approvals needed.
    pub quorum: u64,
    /// Approvals so far.
    pub approvals: u64,
    /// Level reached.
    pub level: u64,
}

/// A reviewer's question.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Question {
    /// The words.
    pub text: String,
    /// Until when an answer counts.
    pub answer_by: Option<String>,
}

/// The decision.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// approve or reject.
    pub decision: String,
    /// The people.
    pub by: Vec<String>,
    /// When.
    pub at: Option<String>,
    /// Their words.
    pub comment: Option<String>,
}

/// The single use of an approval.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Consume {
    /// When.
    pub consumed_at: Option<String>,
    /// Opens the digest. It is there only for who holds the right to run.
    pub nonce: Option<String>,
}

/// One person's vote.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vote {
    /// Who.
    pub person: String,
    /// approve, reject or request_info.
    pub decision: String,
    /// When.
    pub at: Option<String>,
    /// Over which channel.
    pub channel: Option<String>,
    /// In which gates it counts.
    pub gates: Vec<String>,
}

/// Somebody who may not decide.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Excluded {
    /// Who.
    pub person: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// A page of requests.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Page {
    /// The requests.
    pub requests: Vec<View>,
    /// Where the next page begins.
    #[serde(default)]
    pub next: Option<String>,
}

/// The right to run once.
#[derive(Debug, Clone, Deserialize)]
pub struct Consumed {
    /// Request id.
    pub id: String,
    /// `consumed`.
    pub status: String,
    /// What may run.
    pub digest: String,
    /// Opens the digest.
    #[serde(default)]
    pub nonce: Option<String>,
    /// When.
    #[serde(default)]
    pub consumed_at: Option<String>,
    /// What was approved, exactly.
    #[serde(default, deserialize_with = "shown")]
    pub approved: Option<Approved>,
    /// Proof that the decision is in the log.
    #[serde(default, deserialize_with = "shown")]
    pub receipt: Option<String>,
}

/// The action that may run.
#[derive(Debug, Clone, Deserialize)]
pub struct Approved {
    /// Action name.
    pub action: String,
    /// What it acts on.
    pub target: String,
    /// Its arguments, exactly as the service holds them.
    pub arguments: Box<RawValue>,
}

/// What policy would say.
#[derive(Debug, Clone, Deserialize)]
pub struct Explanation {
    /// allow, review or deny.
    pub outcome: String,
    /// The policies or routes that determine it.
    #[serde(default, deserialize_with = "shown")]
    pub determining: Vec<String>,
    /// Profiles that would apply.
    #[serde(default, deserialize_with = "shown")]
    pub profiles: Vec<String>,
    /// Conditions of the review.
    #[serde(default, deserialize_with = "shown")]
    pub gates: Vec<Gate>,
    /// Code of a denial.
    #[serde(default)]
    pub code: Option<String>,
    /// What an agent can do.
    #[serde(default)]
    pub agent_guidance: Option<String>,
}

/// The recorded facts of a request.
#[derive(Debug, Clone, Deserialize)]
pub struct Events {
    /// The leaves, in order.
    pub events: Vec<Leaf>,
}

/// One recorded fact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Number within the request.
    pub seq: u64,
    /// Kind of fact.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub time: String,
    /// The fact's members.
    pub data: BTreeMap<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_whatever_stands_beside_it() {
        fn check(json: &str, expect: Option<(&str, bool, usize)>) {
            let view: Option<View> = serde_json::from_str(json).ok();
            let got = view.as_ref().map(|v| (v.status.as_str(), v.overdue, v.gates.len()));
            assert_eq!(got, expect, "{json}");
        }
        check(r#"{"id":"req_1","status":"approved"}"#, Some(("approved", false, 0)));
        check(
            r#"{"id":"req_1","status":"pending","overdue":true,"gates":[{"profile":"p","x":1}]}"#,
            Some(("pending", true, 1)),
        );
        check(
            r#"{"id":"req_1","status":"pending","gates":null,"agent":7,"votes":"?","question":[]}"#,
            Some(("pending", false, 0)),
        );
        check(
            r#"{"id":"req_1","status":"approved","from_a_later_version":{"deep":[1]}}"#,
            Some(("approved", false, 0)),
        );
        check(r#"{"id":"req_1"}"#, None);
        check(r#"{"id":"req_1","status":7}"#, None);
        check("[]", None);
    }
}
