//! What a policy says of one ask.
//!
//! Claims of the agent only ever add excluded people: they are read nowhere else.

use std::collections::BTreeSet;

use countersign_domain::ids::PersonId;
use countersign_domain::refusal::Code;
use countersign_domain::review::{Evaluation, Excluded, Gate, Outcome, Relation, Rules};

use crate::alias::Alias;
use crate::load::resolve;
use crate::{Answer, Policy, Profile, Registration};

/// What policy is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// The action's name.
    pub action: &'a str,
    /// The agent's full readable name, e.g. `aws:123456789012:role/deploy`, with what may name a person in it.
    pub agent: &'a str,
    /// The verified session of an SSO role, where it is kept beside the name. What the name holds counts as well.
    pub sso_session: Option<&'a str>,
    /// Whom a verified token says that the agent acts for.
    pub verified: &'a [Alias],
    /// Whom the agent claims to act for, in its words.
    pub on_behalf_of: Option<&'a str>,
    /// The delegation chain that it claims, in its words.
    pub delegation_chain: &'a [String],
}

impl Policy {
    /// What this policy says of `ask`: allow, review or deny, and who may not decide.
    ///
    /// An agent that no pattern knows is denied. A review is denied when for any gate fewer independent people than its
    /// quorum are left, over all levels that the review can reach.
    pub fn evaluate(&self, ask: &Ask<'_>) -> Evaluation {
        let evaluation = |determining: &str, outcome, excluded| Evaluation {
            policy_digest: self.digest.clone(),
            determining: vec![determining.to_owned()],
            outcome,
            excluded,
        };
        if self.registrations(ask.agent).next().is_none() {
            let outcome = Outcome::Deny { code: Code::AgentUnknown };
            return evaluation("agents.toml", outcome, Excluded::new());
        }
        let route = self.routes.iter().find(|route| route.action.matches(ask.action));
        let determining = route.map_or("default".to_owned(), |route| format!("route {}", route.action));
        let (first, rest) = match route.map(|route| &route.answer) {
            Some(Answer::Allow) => {
                let Rules { approval_ttl, record, .. } = self.default.rules.clone();
                return evaluation(&determining, Outcome::Allow { approval_ttl, record }, Excluded::new());
            }
            Some(Answer::Deny) => {
                let outcome = Outcome::Deny { code: Code::PolicyDenied };
                return evaluation(&determining, outcome, Excluded::new());
            }
            Some(Answer::Review(first, rest)) => (first, rest.as_slice()),
            None => (&self.default, [].as_slice()),
        };
        let (outcome, excluded) = self.review(first, rest, &self.relations(ask));
        evaluation(&determining, outcome, excluded)
    }

    /// Everybody bound to the agent of `ask`, whether or not they could decide on it.
    pub fn relations(&self, ask: &Ask<'_>) -> Excluded {
        let mut bound = Excluded::new();
        let mut bind = |people: BTreeSet<PersonId>, relation| {
            people.into_iter().for_each(|person| {
                bound.entry(person).or_default().insert(relation);
            });
        };
        for registration in self.registrations(ask.agent) {
            bind(registration.owners.clone(), Relation::Owner);
            bind(registration.can_act_as.clone(), Relation::CanActAs);
        }
        // A person's own token or SSO session, used as an agent.
        bind(self.people_named(ask.agent), Relation::CanActAs);
        for session in sso_session(ask.agent).into_iter().chain(ask.sso_session) {
            bind(self.people_named(session), Relation::CanActAs);
        }
        for alias in ask.verified {
            bind(self.people_named(&alias.to_string()), Relation::OnBehalfOf);
        }
        if let Some(claim) = ask.on_behalf_of {
            bind(self.people_named(claim), Relation::OnBehalfOf);
        }
        for claim in ask.delegation_chain {
            bind(self.people_named(claim), Relation::Delegation);
        }
        bound
    }

    fn registrations(&self, agent: &str) -> impl Iterator<Item = &Registration> {
        self.agents.iter().filter(move |registration| registration.pattern.matches(agent))
    }

    fn review(&self, first: &Profile, rest: &[Profile], bound: &Excluded) -> (Outcome, Excluded) {
        let (gates, rules) = together(first, rest);
        let mut excluded = Excluded::new();
        let mut decidable = true;
        for gate in &gates {
            let eligible = resolve(&self.members, gate.levels.iter().flat_map(|level| &level.reviewers));
            let independent = eligible.iter().filter(|person| !bound.contains_key(*person)).count();
            decidable &= independent >= usize::from(gate.quorum);
            let here = bound.iter().filter(|(person, _)| eligible.contains(*person));
            excluded.extend(here.map(|(person, relations)| (person.clone(), relations.clone())));
        }
        let outcome = if decidable {
            Outcome::Review { gates, rules }
        } else {
            Outcome::Deny { code: Code::NoEligibleReviewer }
        };
        (outcome, excluded)
    }
}

/// What the profiles of a route come to: a gate each, and of each rule the stricter.
pub(crate) fn together(first: &Profile, rest: &[Profile]) -> (Vec<Gate>, Rules) {
    let rules = rest.iter().fold(first.rules.clone(), |rules, profile| stricter(rules, &profile.rules));
    let mut gates: Vec<Gate> = [first].into_iter().chain(rest).map(|p| p.gate.clone()).collect();
    for gate in &mut gates {
        // A level of one profile may begin after the shorter review of another has ended.
        gate.levels.retain(|level| level.after < rules.review_for);
    }
    (gates, rules)
}

/// Of each rule the stricter.
fn stricter(a: Rules, b: &Rules) -> Rules {
    Rules {
        review_for: a.review_for.min(b.review_for),
        approval_ttl: a.approval_ttl.min(b.approval_ttl),
        answer_within: a.answer_within.min(b.answer_within),
        rejects: a.rejects.min(b.rejects),
        require_comment: a.require_comment || b.require_comment,
        max_auth_age: a.max_auth_age.min(b.max_auth_age),
        cool_down: a.cool_down.max(b.cool_down),
        record: a.record.intersection(&b.record).cloned().collect(),
    }
}

/// The session in `aws:<account>:sso/<role>/<session>`.
fn sso_session(agent: &str) -> Option<&str> {
    let principal = agent.strip_prefix("aws:")?.split_once(':')?.1;
    Some(principal.strip_prefix("sso/")?.split_once('/')?.1)
}
