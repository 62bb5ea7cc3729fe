//! Listings in memory. A page ends after `limit` entries were looked at, wanted or not, as the real ones do, so the
//! last page may be empty.

use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::{Status, Time};

use super::table::Inner;
use crate::store::{Page, Part, Stored};

impl Inner {
    pub(super) fn due(&self, until: Time, cursor: Option<&str>, limit: u32) -> Part<RequestId> {
        let entry = |s: &Stored| {
            let due = s.due.filter(|due| *due <= until)?;
            Some((format!("due#{:020}#{}", due.epoch_seconds(), s.request.id), s.request.id.clone()))
        };
        part(self.states().filter_map(entry).collect(), "due#", cursor, limit)
    }

    pub(super) fn live(&self, agent: Option<&AgentId>, cursor: Option<&str>, limit: u32) -> Page {
        let wanted = |s: &&Stored| s.request.status.is_live() && agent.is_none_or(|a| *a == s.request.agent);
        let key = |s: &Stored| format!("live#{}#{}", s.request.agent, s.request.id);
        let entries = self.states().filter(wanted).map(|s| (key(s), s)).collect();
        page(entries, &format!("live#{}", agent.map_or("", AgentId::as_str)), cursor, limit, |_| true)
    }

    pub(super) fn of_agent(
        &self,
        agent: &AgentId,
        status: Option<Status>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Page {
        let its = self.states().filter(|s| s.request.agent == *agent);
        let entries = its.map(|s| (format!("{agent}#{:020}", s.rno), s)).collect();
        page(entries, agent.as_str(), cursor, limit, |s| {
            status.is_none_or(|wanted| wanted == s.request.status)
        })
    }

    fn states(&self) -> impl Iterator<Item = &Stored> {
        self.requests.values().map(|entry| &entry.stored)
    }
}

/// The entries below the cursor, greatest key first. A cursor that is not of this listing begins anew.
fn page(
    mut entries: Vec<(String, &Stored)>,
    listing: &str,
    cursor: Option<&str>,
    limit: u32,
    wanted: impl Fn(&Stored) -> bool,
) -> Page {
    let limit = size(limit.clamp(1, 100));
    entries.sort_by(|(a, _), (b, _)| b.cmp(a));
    let below = cursor.filter(|cursor| cursor.starts_with(listing));
    entries.retain(|(key, _)| below.is_none_or(|below| key.as_str() < below));
    entries.truncate(limit);
    let last = entries.last().filter(|_| entries.len() == limit);
    Page {
        next: last.map(|(key, _)| key.clone()),
        requests: entries.into_iter().map(|(_, stored)| stored).filter(|s| wanted(s)).cloned().collect(),
    }
}

/// The names above the cursor, least key first.
fn part<I>(mut entries: Vec<(String, I)>, listing: &str, cursor: Option<&str>, limit: u32) -> Part<I> {
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let above = cursor.filter(|cursor| cursor.starts_with(listing));
    entries.retain(|(key, _)| above.is_none_or(|above| key.as_str() > above));
    entries.truncate(size(limit));
    let next = entries.last().filter(|_| entries.len() == size(limit)).map(|(key, _)| key.clone());
    Part { items: entries.into_iter().map(|(_, item)| item).collect(), next }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
