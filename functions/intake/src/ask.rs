//! What an agent asks, put together: the ask in clear, its digest, what policy says, and what stands in the log.

use std::collections::BTreeMap;

use countersign_app::policy::{PolicySource, of};
use countersign_app::ports::{PortError, Table};
use countersign_app::store::{AgentRecord, Ask};
use countersign_domain::ids::{AgentId, PersonId};
use countersign_domain::review::{Evaluation, Outcome, Relation};
use countersign_domain::{Code, Time};
use serde_json::Value;

/// What policy says of an ask, with what is outside its files: a frozen agent, and an ask that people just rejected.
pub async fn evaluate<T: Table>(
    table: &T,
    policy: &PolicySource,
    agent: &AgentId,
    record: &AgentRecord,
    ask: &Ask,
    now: Time,
) -> Result<Evaluation, PortError> {
    let evaluation = policy.evaluate(ask);
    let (code, why) = if record.agent.frozen {
        (Code::AgentFrozen, "agent frozen")
    } else if matches!(evaluation.outcome, Outcome::Review { .. })
        && table.cooling(&ask.action.ask_hash(agent), now).await?
    {
        (Code::PolicyDenied, "cool-down after a reject")
    } else {
        return Ok(evaluation);
    };
    Ok(Evaluation { outcome: Outcome::Deny { code }, determining: vec![why.into()], ..evaluation })
}

/// The fields that the log holds in clear, as policy lists them.
pub fn recorded(evaluation: &Evaluation, ask: &Ask) -> BTreeMap<String, Value> {
    let record = match &evaluation.outcome {
        Outcome::Allow { record, .. } => record,
        Outcome::Review { rules, .. } => &rules.record,
        Outcome::Deny { .. } => return BTreeMap::new(),
    };
    let value = |field: &String| match field.strip_prefix("arguments.") {
        Some(name) => ask.action.arguments.get(name).cloned(),
        None => Some(Value::from(ask.action.target.clone())),
    };
    record.iter().filter_map(|field| Some((field.clone(), value(field)?))).collect()
}

/// The people that the agent acts for or was delegated by, as it claims.
pub fn claimed(policy: &PolicySource, ask: &Ask) -> BTreeMap<PersonId, bool> {
    let Ok(policy) = policy.current() else { return BTreeMap::new() };
    let claimed = |relation: &Relation| matches!(relation, Relation::OnBehalfOf | Relation::Delegation);
    let bound = policy.relations(&of(ask)).into_iter();
    bound.filter(|(_, relations)| relations.iter().any(claimed)).map(|(person, _)| (person, false)).collect()
}
