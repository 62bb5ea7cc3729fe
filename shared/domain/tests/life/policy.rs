//! Policy's answers in words: `allow`, `deny=code`, or the gates and rules of a review.

use std::collections::BTreeMap;

use countersign_domain::review::{Evaluation, Excluded, Outcome, Relation};
use countersign_domain::time::Seconds;
use countersign_domain::{Code, PersonId};

use crate::kit::{evaluation, gate, id, nobody, rules};

/// What an ask says beside its policy.
#[derive(Debug, Default)]
pub struct Rest<'a> {
    pub executor: bool,
    pub acts_for: BTreeMap<PersonId, bool>,
    pub expires: Option<Seconds>,
    pub consume: Option<&'a str>,
    pub void: Option<&'a str>,
}

/// Reads the words of an ask, or of new arguments:
///
/// - `allow`, `deny`, `deny=agent_frozen`; else a review
/// - `gate=ops:2` two of group ops; `gate=ops:1:0/ops,600/leads+@sam` with levels; more than one `gate=` = all of them
/// - `review=60 ttl=60 answer=60 rejects=2 auth=60 comment quiet` the rules; `quiet` = no channels
/// - `bound=ann` an owner who would be eligible
/// - `executor for=ann expires=60 consume=a1 void=0` the ask
pub fn read<'a>(words: &[&'a str]) -> (Evaluation, Rest<'a>) {
    let mut rules = rules();
    let mut gates = Vec::new();
    let mut excluded: Excluded = nobody();
    let mut rest = Rest::default();
    let mut other = None;
    let mut quiet = false;
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let number = || value.parse().unwrap_or_else(|e| panic!("{word}: {e}"));
        let seconds = || Seconds(number());
        match key {
            "allow" => other = Some(None),
            "deny" => other = Some(Some(code(value))),
            "gate" => {
                let mut parts = value.splitn(3, ':');
                let (profile, quorum) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("1"));
                let levels: Vec<(u32, &str)> = match parts.next() {
                    None => vec![(0, profile)],
                    Some(levels) => levels.split(',').map(level).collect(),
                };
                gates.push(gate(profile, quorum.parse().expect("a quorum"), &levels));
            }
            "review" => rules.review_for = seconds(),
            "ttl" => rules.approval_ttl = seconds(),
            "answer" => rules.answer_within = seconds(),
            "auth" => rules.max_auth_age = seconds(),
            "rejects" => rules.rejects = value.parse().expect("a number"),
            "comment" => rules.require_comment = true,
            "quiet" => quiet = true,
            "bound" => excluded.entry(id(value)).or_default().extend([Relation::Owner]),
            "executor" => rest.executor = true,
            "for" => rest.acts_for.extend([(id(value), false)]),
            "expires" => rest.expires = Some(seconds()),
            "consume" => rest.consume = Some(value),
            "void" => rest.void = Some(value),
            _ => panic!("{word} is no word of an ask"),
        }
    }
    if gates.is_empty() {
        gates.push(gate("ops", 1, &[(0, "ops")]));
    }
    if quiet {
        gates.iter_mut().flat_map(|g| &mut g.levels).for_each(|level| level.channels.clear());
    }
    let outcome = match other {
        Some(None) => Outcome::Allow { approval_ttl: rules.approval_ttl, record: rules.record },
        Some(Some(code)) => Outcome::Deny { code },
        None => Outcome::Review { gates, rules },
    };
    (evaluation(outcome, excluded), rest)
}

fn level(text: &str) -> (u32, &str) {
    let (after, reviewers) = text.split_once('/').expect("after/reviewers");
    (after.parse().expect("seconds"), reviewers)
}

/// The code of this name; `policy_denied` for none.
pub fn code(name: &str) -> Code {
    let name = if name.is_empty() { "policy_denied" } else { name };
    *Code::ALL.iter().find(|c| c.as_str() == name).unwrap_or_else(|| panic!("{name} is no code"))
}
