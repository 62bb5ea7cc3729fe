//! What can be said of any fact: its name, its free text, and what it is evidence for.

use super::Fact;
use crate::canonical::Digest;

impl Fact {
    /// The type's name in the log, e.g. `vote.cast`.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Created { .. } => "request.created",
            Fact::Revised { .. } => "request.revised",
            Fact::Evaluated { .. } => "policy.evaluated",
            Fact::Denied { .. } => "request.denied",
            Fact::Expired { .. } => "request.expired",
            Fact::Undeliverable { .. } => "request.undeliverable",
            Fact::Withdrawn { .. } => "request.withdrawn",
            Fact::Revoked { .. } => "request.revoked",
            Fact::Lapsed { .. } => "request.lapsed",
            Fact::Escalated { .. } => "request.escalated",
            Fact::NotificationSent { .. } => "notification.sent",
            Fact::NotificationFailed { .. } => "notification.failed",
            Fact::InfoRequested { .. } => "info.requested",
            Fact::InfoSupplied { .. } => "info.supplied",
            Fact::VoteCast { .. } => "vote.cast",
            Fact::Approved { .. } => "decision.approved",
            Fact::Rejected { .. } => "decision.rejected",
            Fact::DecisionRefused { .. } => "decision.refused",
            Fact::Consumed { .. } => "execution.consumed",
            Fact::ExecutionRefused { .. } => "execution.refused",
            Fact::Succeeded { .. } => "execution.succeeded",
            Fact::Failed { .. } => "execution.failed",
            Fact::Unknown { .. } => "execution.unknown",
            Fact::DataErased { .. } => "data.erased",
            Fact::AgentFrozen { .. } => "agent.frozen",
            Fact::AgentUnfrozen { .. } => "agent.unfrozen",
            Fact::LogGenesis { .. } => "log.genesis",
            Fact::LogHeartbeat {} => "log.heartbeat",
            Fact::LogQuarantined { .. } => "log.quarantined",
            Fact::LogExported { .. } => "log.exported",
            Fact::LogRecovered { .. } => "log.recovered",
            Fact::LogKeyAdded { .. } => "log.key_added",
            Fact::LogKeyRetired { .. } => "log.key_retired",
            Fact::LogTamperSuspected { .. } => "log.tamper_suspected",
        }
    }

    /// The salted hash of the free text that came with the fact, where there is one. The text itself and its salt
    /// are kept beside the event, where they can be erased.
    pub fn text(&self) -> Option<&Digest> {
        match self {
            Fact::Created { justification: text, .. }
            | Fact::Revised { justification: text, .. }
            | Fact::Withdrawn { reason: text, .. }
            | Fact::Revoked { reason: text, .. }
            | Fact::Succeeded { detail: text, .. }
            | Fact::Failed { detail: text, .. }
            | Fact::Unknown { detail: text, .. }
            | Fact::DataErased { reason: text, .. }
            | Fact::AgentFrozen { reason: text, .. }
            | Fact::AgentUnfrozen { reason: text, .. } => text.as_ref(),
            Fact::VoteCast { vote, .. } => vote.comment.as_ref(),
            Fact::LogRecovered { recovery, .. } => Some(&recovery.reason),
            Fact::InfoRequested { question: text, .. } | Fact::InfoSupplied { answer: text } => Some(text),
            _ => None,
        }
    }

    /// The SOC 2 criteria (TSC 2017) that the fact is evidence for.
    pub fn controls(&self) -> &'static [&'static str] {
        match self {
            Fact::VoteCast { .. } | Fact::DecisionRefused { .. } => &["CC6.1", "CC6.2", "CC6.3", "CC8.1"],
            Fact::Approved { .. } | Fact::Rejected { .. } => &["CC6.1", "CC6.3", "CC8.1"],
            Fact::AgentFrozen { .. } | Fact::AgentUnfrozen { .. } | Fact::Revoked { .. } => {
                &["CC6.1", "CC6.2", "CC7.2"]
            }
            Fact::DataErased { .. } => &["CC6.1", "CC6.2"],
            Fact::ExecutionRefused { .. } => &["CC6.1", "CC7.2", "CC8.1"],
            Fact::LogGenesis { .. }
            | Fact::LogHeartbeat {}
            | Fact::LogQuarantined { .. }
            | Fact::LogExported { .. }
            | Fact::LogRecovered { .. }
            | Fact::LogKeyAdded { .. }
            | Fact::LogKeyRetired { .. }
            | Fact::LogTamperSuspected { .. } => &["CC7.2"],
            _ => &["CC8.1"],
        }
    }
}
