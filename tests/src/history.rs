//! A request's recorded history, read as an auditor reads it: hash by hash, event by event.

use countersign_domain::Request;
use countersign_domain::leaf::{Head, Leaf, LeafHash, Subject};
use countersign_domain::request::evolve;
use serde_json::Value;

use crate::engine;

/// The request that the recorded events make. Fails where the chain is broken, where an event cannot follow the one
/// before, and where the table's snapshot says anything else.
pub async fn folded(id: &str) -> Request {
    let items = engine::partition(&format!("REQ#{id}")).await;
    let subject: Subject = id.parse().unwrap_or_else(|_| panic!("{id} is no request"));
    let (mut request, mut head, mut rno) = (None, Head::EMPTY, None);
    for bytes in engine::leaves_of(&items) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let leaf = Leaf::parse(&bytes).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!((leaf.seq, leaf.prev), (head.seq + 1, head.hash), "the chain is broken at {text}");
        assert_eq!(leaf.subject, subject, "{text}");
        assert!(leaf.rno.is_some() && (rno.is_none() || rno == leaf.rno), "another request's number: {text}");
        request = Some(
            evolve(request.as_ref(), &leaf.event, id.parse().ok().as_ref())
                .unwrap_or_else(|e| panic!("{e}: {text}")),
        );
        rno = leaf.rno;
        head = Head { seq: leaf.seq, hash: LeafHash::of(&bytes) };
    }
    let state =
        items.iter().find(|item| item["sk"]["S"] == "STATE").unwrap_or_else(|| panic!("{id} has no state"));
    let snapshot: Request = serde_json::from_str(state["body"]["S"].as_str().unwrap()).unwrap();
    let folded = request.unwrap_or_else(|| panic!("{id} has no events"));
    assert_eq!(folded, snapshot, "the fold of the events is the snapshot");
    assert_eq!(
        state["head"]["S"].as_str(),
        Some(String::from(head.hash).as_str()),
        "the head is the last leaf's hash"
    );
    assert_eq!(
        state["ver"]["N"].as_str(),
        Some(head.seq.to_string().as_str()),
        "the version is the last event's number"
    );
    folded
}

/// Checks that what the API shows is what the recorded events make.
pub async fn tells(shown: &Value) {
    let request = folded(crate::agent::id(shown)).await;
    let approvals = |gate: &Value| {
        let profile = gate["profile"].as_str().unwrap_or_default();
        let review = request.review.as_ref().unwrap();
        let gate = review
            .gates
            .iter()
            .find(|g| g.profile.as_str() == profile)
            .unwrap_or_else(|| panic!("no gate {profile}"));
        review.approvals(gate)
    };
    assert_eq!(shown["status"], request.status.as_str(), "{shown}");
    assert_eq!(shown["version"], request.seq, "{shown}");
    assert_eq!(shown["revision"], request.revision, "{shown}");
    assert_eq!(shown["digest"], serde_json::json!(request.digest), "{shown}");
    assert_eq!(shown["action"], request.action, "{shown}");
    assert_eq!(shown["agent"]["id"], request.agent.to_string(), "{shown}");
    assert_eq!(shown["created_at"], serde_json::json!(request.created), "{shown}");
    assert_eq!(shown["code"].as_str(), request.code.map(|c| c.as_str()), "{shown}");
    let gates = shown["gates"].as_array().cloned().unwrap_or_default();
    assert_eq!(gates.len(), request.review.as_ref().map_or(0, |r| r.gates.len()), "{shown}");
    for gate in &gates {
        assert_eq!(gate["approvals"], approvals(gate), "{shown}");
    }
    if let Some(decision) = shown["decision"].as_object() {
        let decided = request.decided.as_ref().unwrap_or_else(|| panic!("nothing was decided: {shown}"));
        assert_eq!(decision["decision"], decided.status.as_str(), "{shown}");
        assert_eq!(decision["by"], serde_json::json!(decided.change.by), "{shown}");
    }
}

/// The types of the request's events in order, but for those of the cards, which come when they come.
pub async fn kinds(id: &str) -> Vec<String> {
    engine::kinds(id).await.into_iter().filter(|kind| !kind.starts_with("notification.")).collect()
}

/// How many of the request's events are of this type.
pub async fn count(id: &str, kind: &str) -> usize {
    engine::kinds(id).await.iter().filter(|k| *k == kind).count()
}
