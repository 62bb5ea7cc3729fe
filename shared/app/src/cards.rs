//! Cards as a view of the request: whatever happened, each card ends up showing the request as it is.
//!
//! Any function may bring the cards up to date at any time. A card is claimed before it is touched, so that an older
//! view does not overwrite a newer one. A claim that was not released runs out and the next look does the work; whoever
//! comes back after that sends the card again, as it is by then.

use countersign_chat::card::{Card, LogShown};
use countersign_chat::slack::{Chat, ChatError, Place, render};
use countersign_domain::Time;
use countersign_domain::ids::{ChannelName, Origin, RequestId};
use countersign_domain::request::{Command, decide};
use countersign_domain::time::Seconds;
use countersign_policy::Policy;
use futures::future::join_all;

use crate::commit::{CommitError, With, execute};
use crate::ports::{Ledger, Notice, PortError, Table};
use crate::store::{CardRecord, Stored, Whole};

mod again;
mod show;

pub use again::{Again, MOST_AGAIN, again};
pub use show::card;
use show::notice;

/// A claim lasts longer than a try and than what came before it since the caller read the clock.
const CLAIM: Seconds = Seconds(20);
/// The wait after a first failed try; it doubles up to the last.
const FIRST_RETRY: u32 = 2;
const LAST_RETRY: u32 = 60;
/// How often a card of an ended request is tried against a permanent error.
const LAST_TRY: u32 = 5;
/// How often the request may change under the hands of one call before it leaves the rest to the next.
const ROUNDS: u32 = 4;

/// What bringing cards up to date needs.
#[derive(Debug)]
pub struct Cards<'a, T, C, N> {
    /// The truth.
    pub table: &'a T,
    /// Slack.
    pub chat: &'a C,
    /// The topic for notices.
    pub notice: &'a N,
    /// For people's names.
    pub policy: Option<&'a Policy>,
    /// Which stack records.
    pub source: &'a str,
    /// The log that cards say the state of.
    pub log: &'a Origin,
}

/// What is left to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Converged {
    /// The request as it was last seen.
    pub stored: Stored,
    /// When a card must be tried again; `None` = all show the request as it is.
    pub due: Option<Time>,
}

/// What came of one card.
enum Done {
    /// It shows the request as it is.
    Sent(ChannelName),
    /// `None` = nobody will try again.
    Failed(ChannelName, String, Option<Time>),
    Later(Time),
}

impl<T: Table + Ledger, C: Chat, N: Notice> Cards<'_, T, C, N> {
    /// Brings every card of the request up to date, and posts those that its level asks for.
    ///
    /// # Errors
    /// When the table does not answer. That chat does not is no error: it is recorded and tried again.
    pub async fn converge(&self, id: &RequestId, now: Time) -> Result<Option<Converged>, PortError> {
        let mut result = None;
        for _ in 0..ROUNDS {
            let Some(whole) = self.table.whole(id).await? else { return Ok(None) };
            let seen = whole.stored.version();
            let converged = self.round(whole, now).await?;
            let moved =
                self.table.state(id).await?.is_some_and(|s| s.version() != converged.stored.version());
            let again =
                moved || converged.stored.version() != seen || converged.due.is_some_and(|due| due <= now);
            result = Some(converged);
            if !again {
                break;
            }
        }
        Ok(result)
    }

    /// When a card wants its next try; `None` = all show the request as it is, and that they were sent is recorded.
    pub fn owed(&self, whole: &Whole, now: Time) -> Option<Time> {
        let shows = card(whole, self.policy)?.hash();
        let owed = |card: CardRecord| {
            if card.shows.as_ref() != Some(&shows) {
                return Some(card.due.unwrap_or(now));
            }
            let sent = Command::RecordSent { to: card.channel };
            let events = decide(Some(&whole.stored.request), sent, now);
            events.is_ok_and(|events| !events.is_empty()).then_some(now)
        };
        wanted(whole).into_iter().filter_map(owed).min()
    }

    async fn round(&self, whole: Whole, now: Time) -> Result<Converged, PortError> {
        let Some(mut card) = card(&whole, self.policy) else {
            return Ok(Converged { stored: whole.stored, due: None });
        };
        let (wanted, shows) = (wanted(&whole), card.hash());
        if wanted.iter().any(|read| read.shows.as_ref() != Some(&shows)) {
            card.log = self.log_now().await;
        }
        let tries = wanted.iter().map(|read| self.one(&whole, &card, read, now));
        let mut converged = Converged { stored: whole.stored.clone(), due: None };
        for done in join_all(tries).await {
            let (command, retry) = match done? {
                Done::Later(at) => (None, Some(at)),
                Done::Sent(to) => (Some(Command::RecordSent { to }), None),
                Done::Failed(to, error, at) => (Some(Command::RecordNotSent { to, error }), at),
            };
            converged.due = [converged.due, retry].into_iter().flatten().min();
            if let Some(command) = command {
                converged.stored = self.record(converged.stored, command, now).await?;
            }
        }
        Ok(converged)
    }

    /// The log as it is committed: of one size one root alone is ever signed, so whoever keeps this line holds the log to
    /// it. A card does without where the table does not answer, or the log has not begun.
    async fn log_now(&self) -> Option<LogShown> {
        let origin = self.table.line(self.log).await.ok()?.origin(self.log).ok()?;
        let head = self.table.log_head(&origin).await.ok()??;
        Some(LogShown { size: head.size, root: head.root })
    }

    async fn record(&self, stored: Stored, command: Command, now: Time) -> Result<Stored, PortError> {
        match execute(self.table, self.source, stored.clone(), command, With::default(), now).await {
            Ok(stored) => Ok(stored),
            Err(CommitError::Port(error)) => Err(error),
            Err(CommitError::Refused { .. } | CommitError::NotFound | CommitError::Illegal(_)) => Ok(stored),
        }
    }

    async fn one(&self, whole: &Whole, card: &Card, read: &CardRecord, now: Time) -> Result<Done, PortError> {
        let (id, channel) = (&whole.stored.request.id, &read.channel);
        let shows = card.hash();
        // That it was sent is recorded once. If that failed after an earlier try, it is recorded now.
        if read.shows.as_ref() == Some(&shows) {
            return Ok(Done::Sent(channel.clone()));
        }
        if let Some(later) = read.due.filter(|due| now < *due) {
            return Ok(Done::Later(later));
        }
        let Some(mut claimed) = self.table.claim_card(id, read, now, now + CLAIM).await? else {
            return Ok(Done::Later(now + CLAIM));
        };
        let newest = whole.cards.iter().all(|c| c.channel != *channel || c.n <= read.n);
        let outcome = self.try_it(&mut claimed, newest, card).await;
        let done = match outcome {
            Ok(()) => {
                claimed = CardRecord { shows: Some(shows), due: None, tries: 0, ..claimed };
                Done::Sent(channel.clone())
            }
            Err(error) => {
                let word = error.word().to_owned();
                tracing::warn!(request.id = %id, channel = %channel, error = word, "a card could not be brought up to date");
                let tries = claimed.tries + 1;
                // Nobody decides on it any more, and it will not come right: a token would, with the next secret.
                let in_vain = !whole.stored.request.status.is_live()
                    && error.is_permanent()
                    && !error.is_of_token()
                    && tries >= LAST_TRY;
                let at = (!in_vain).then(|| now + wait(&error, claimed.tries));
                claimed = CardRecord {
                    due: at,
                    tries,
                    shows: if in_vain { Some(shows) } else { claimed.shows },
                    ..claimed
                };
                Done::Failed(channel.clone(), word, at)
            }
        };
        if self.table.release_card(id, &claimed).await? {
            return Ok(done);
        }
        self.overtaken(id, claimed, now).await?;
        Ok(Done::Later(now))
    }

    /// The claim ran out before the try ended, so what it sent may stand over what a later claimant sent. Nobody
    /// knows what the card shows: whoever looks next sends it again, and a claimant at work finds out like this one.
    async fn overtaken(&self, id: &RequestId, late: CardRecord, now: Time) -> Result<(), PortError> {
        let whole = self.table.whole(id).await?;
        let Some(card) = whole.and_then(|w| w.cards.into_iter().find(|c| c.is(&late))) else {
            return Ok(());
        };
        let unknown =
            CardRecord { shows: None, due: None, posted: card.posted.clone().or(late.posted), ..card };
        self.table.claim_card(id, &unknown, now, now).await?;
        Ok(())
    }

    async fn try_it(&self, claimed: &mut CardRecord, newest: bool, card: &Card) -> Result<(), ChatError> {
        let channel = claimed.channel.clone();
        let Some(slack) = channel.as_str().strip_prefix("slack:") else {
            if claimed.posted.is_none() {
                let text = notice(card);
                let subject = "Countersign: approval needed";
                let sent = self.notice.publish(subject, &text).await;
                sent.map_err(|_| ChatError::Unreachable("the topic does not answer".into()))?;
                claimed.posted = Some((channel.to_string(), card.request.to_string()));
            }
            return Ok(());
        };
        let message = render(card);
        if let Some((channel, ts)) = claimed.posted.clone() {
            match self.chat.update(&Place { channel, ts }, &message).await {
                // Of an older card nobody misses the message.
                Err(error) if error.is_gone() && !newest => return Ok(()),
                Err(error) if error.is_gone() => {}
                done => return done,
            }
        }
        let place = self.chat.post(slack, &message).await?;
        claimed.posted = Some((place.channel, place.ts));
        Ok(())
    }
}

fn wait(error: &ChatError, tries: u32) -> Seconds {
    match error {
        ChatError::RateLimited { retry_after } => *retry_after,
        error if error.is_permanent() => Seconds(LAST_RETRY),
        _ => Seconds(FIRST_RETRY.saturating_mul(1 << tries.min(5)).min(LAST_RETRY)),
    }
}

/// The cards to look at: those that the level asks for while people decide, and all that were posted.
fn wanted(whole: &Whole) -> Vec<CardRecord> {
    let request = &whole.stored.request;
    let there = whole.cards.iter().filter(|c| c.posted.is_some() || request.status.is_open());
    let mut wanted: Vec<CardRecord> = there.cloned().collect();
    let review = request.review.as_ref().filter(|_| request.status.is_open());
    let channels = review.map(|review| review.channels()).into_iter().flatten();
    let new = channels.filter(|channel| whole.cards.iter().all(|c| c.channel != *channel));
    wanted.extend(new.map(|channel| CardRecord::new(channel, 1)));
    wanted
}
