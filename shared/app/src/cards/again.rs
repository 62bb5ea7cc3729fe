//! Cards posted again: one more for each channel, beside those that are there. All go on showing the request as it is.

use std::collections::BTreeMap;

use countersign_domain::Time;
use countersign_domain::ids::ChannelName;

use crate::ports::{PortError, Table};
use crate::store::{CardRecord, Whole};

/// How often the request may change under the hands of one call.
const ROUNDS: u32 = 8;

/// How often the cards of one request may be posted again in one channel: each is kept up to date for ever.
pub const MOST_AGAIN: u32 = 5;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Whoever brings the cards up to date next posts them.
    Reserved,
    /// Every channel has had all it may have. Nothing was written.
    Exhausted,
}

/// Reserves one more card for each channel of an open request. A channel whose newest card is still to be posted gets
/// no other.
///
/// # Errors
/// When the table does not answer, or the request changes all the time. It may be repeated: what is reserved stays so.
pub async fn again<T: Table>(table: &T, whole: &Whole, now: Time) -> Result<Again, PortError> {
    let mut newest: BTreeMap<&ChannelName, &CardRecord> = BTreeMap::new();
    for card in &whole.cards {
        let known = newest.entry(&card.channel).or_insert(card);
        *known = if known.n < card.n { card } else { *known };
    }
    let may = |card: &&CardRecord| card.posted.is_none() || card.n <= MOST_AGAIN;
    if !newest.is_empty() && !newest.values().any(may) {
        return Ok(Again::Exhausted);
    }
    let id = &whole.stored.request.id;
    for card in newest.into_values().filter(|card| card.posted.is_some() && card.n <= MOST_AGAIN) {
        // Due at once. Where another reserved the same one, one is enough.
        table.claim_card(id, &CardRecord::new(card.channel.clone(), card.n + 1), now, now).await?;
    }
    // Whoever looks meanwhile may not have seen the new card, and leaves it to the next.
    let mut stored = whole.stored.clone();
    for _ in 0..ROUNDS {
        if table.set_view(&stored, Some(now), stored.workflow).await? {
            return Ok(Again::Reserved);
        }
        let Some(moved) = table.state(id).await? else { break };
        stored = moved;
    }
    Err(PortError::Conflict)
}
