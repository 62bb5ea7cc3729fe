//! Cards as a view of the request: whatever happened, each card ends up showing the request as it is.
//!
//! Any function may bring the cards up to date at any time. A card is claimed before it is touched, so that an older
//! view does not overwrite a newer one. A claim that was not released runs out and the next look does the work; whoever
//! comes back after that sends the card again, as it is by then.

use std::collections::BTreeSet;

use countersign_chat::card::{Answer, Card, CardState, GateState, VoteShown};
use countersign_chat::slack::{Chat, ChatError, Place, render};
use countersign_domain::ids::{ChannelName, PersonId, RequestId};
use countersign_domain::request::{Command, Review, decide};
use countersign_domain::time::Seconds;
use countersign_domain::{Status, Time};
use countersign_policy::Policy;
use futures::future::join_all;

use crate::commit::{CommitError, With, execute};
use crate::ports::{Notice, PortError, Table};
use crate::store::{CardRecord, Stored, Whole};

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
    /// Slack; `None` where the stack has none.
    pub chat: Option<&'a C>,
    /// The topic for notices.
    pub notice: &'a N,
    /// For people's names.
    pub policy: Option<&'a Policy>,
    /// Which stack records.
    pub source: &'a str,
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

impl<T: Table, C: Chat, N: Notice> Cards<'_, T, C, N> {
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
        let owed = |channel: ChannelName| match whole.cards.iter().find(|c| c.channel == channel) {
            Some(card) if card.shows.as_ref() == Some(&shows) => {
                let events = decide(Some(&whole.stored.request), Command::RecordSent { to: channel }, now);
                events.is_ok_and(|events| !events.is_empty()).then_some(now)
            }
            card => Some(card.and_then(|card| card.due).unwrap_or(now)),
        };
        wanted(whole).into_iter().filter_map(owed).min()
    }

    async fn round(&self, whole: Whole, now: Time) -> Result<Converged, PortError> {
        let Some(card) = card(&whole, self.policy) else {
            return Ok(Converged { stored: whole.stored, due: None });
        };
        let wanted = wanted(&whole);
        let tries = wanted.iter().map(|channel| self.one(&whole, &card, channel, now));
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

    async fn record(&self, stored: Stored, command: Command, now: Time) -> Result<Stored, PortError> {
        match execute(self.table, self.source, stored.clone(), command, With::default(), now).await {
            Ok(stored) => Ok(stored),
            Err(CommitError::Port(error)) => Err(error),
            Err(CommitError::Refused { .. } | CommitError::NotFound | CommitError::Illegal(_)) => Ok(stored),
        }
    }

    async fn one(
        &self,
        whole: &Whole,
        card: &Card,
        channel: &ChannelName,
        now: Time,
    ) -> Result<Done, PortError> {
        let id = &whole.stored.request.id;
        let shows = card.hash();
        let read = whole.cards.iter().find(|c| c.channel == *channel);
        // That it was sent is recorded once. If that failed after an earlier try, it is recorded now.
        if read.is_some_and(|c| c.shows.as_ref() == Some(&shows)) {
            return Ok(Done::Sent(channel.clone()));
        }
        if let Some(later) = read.and_then(|c| c.due).filter(|due| now < *due) {
            return Ok(Done::Later(later));
        }
        let Some(mut claimed) = self.table.claim_card(id, channel, read, now, now + CLAIM).await? else {
            return Ok(Done::Later(now + CLAIM));
        };
        let outcome = self.try_it(channel, &mut claimed, card).await;
        let done = match outcome {
            Ok(()) => {
                claimed = CardRecord { shows: Some(shows), due: None, tries: 0, ..claimed };
                Done::Sent(channel.clone())
            }
            Err(error) => {
                let word = error.word().to_owned();
                tracing::warn!(request.id = %id, channel = %channel, error = word, "a card could not be brought up to date");
                let tries = claimed.tries + 1;
                // Nobody decides on it any more, and it will not come right by itself.
                let in_vain =
                    !whole.stored.request.status.is_live() && error.is_permanent() && tries >= LAST_TRY;
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
        let Some(card) = whole.and_then(|w| w.cards.into_iter().find(|c| c.channel == late.channel)) else {
            return Ok(());
        };
        let unknown =
            CardRecord { shows: None, due: None, posted: card.posted.clone().or(late.posted), ..card };
        self.table.claim_card(id, &late.channel, Some(&unknown), now, now).await?;
        Ok(())
    }

    async fn try_it(
        &self,
        channel: &ChannelName,
        claimed: &mut CardRecord,
        card: &Card,
    ) -> Result<(), ChatError> {
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
        let Some(chat) = self.chat else {
            return Err(ChatError::Refused { code: "not_configured".into(), needed: None });
        };
        let message = render(card);
        if let Some((channel, ts)) = claimed.posted.clone() {
            match chat.update(&Place { channel, ts }, &message).await {
                Err(error) if error.is_gone() => {}
                done => return done,
            }
        }
        let place = chat.post(slack, &message).await?;
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

/// The channels to look at: those that the level asks for while people decide, and all that have a card.
fn wanted(whole: &Whole) -> BTreeSet<ChannelName> {
    let request = &whole.stored.request;
    let posted = whole.cards.iter().filter(|c| c.posted.is_some() || request.status.is_open());
    let mut wanted: BTreeSet<ChannelName> = posted.map(|c| c.channel.clone()).collect();
    if let Some(review) = request.review.as_ref().filter(|_| request.status.is_open()) {
        wanted.extend(review.channels());
    }
    wanted
}

/// A notice holds no word of the agent's: e-mail clients make links of anything.
fn notice(card: &Card) -> String {
    let gates: Vec<_> = card.gates.iter().map(|g| format!("{} ({} needed)", g.profile, g.quorum)).collect();
    format!(
        "An agent asks for approval.\n\nRequest: {}\nAgent: {}\nNeeds: {}\n\nDecide in chat or by API; nothing can be decided from this notice.\n",
        card.request,
        card.agent,
        gates.join(", "),
    )
}

/// The card of a request; `None` when its arguments were erased or nobody was ever to decide.
pub fn card(whole: &Whole, policy: Option<&Policy>) -> Option<Card> {
    let request = &whole.stored.request;
    let review = request.review.as_ref()?;
    let ask = whole.ask.as_ref()?;
    let text = |seq: u32| whole.texts.get(&seq).map(|words| words.text.clone());
    Some(Card {
        request: request.id.clone(),
        digest: request.digest.clone(),
        revision: request.revision,
        version: u64::from(whole.stored.version()),
        state: state(whole, policy)?,
        action: request.action.clone(),
        target: ask.action.target.clone(),
        arguments: ask.action.arguments.clone(),
        agent_name: ask.agent_name.clone(),
        agent: request.agent.clone(),
        on_behalf_of: ask.on_behalf_of.clone(),
        delegation_chain: ask.delegation_chain.clone(),
        executor: request.executor.as_ref().map(ToString::to_string),
        justification: ask.justification.as_ref().map(|words| words.text.clone()),
        answers: review
            .answered
            .iter()
            .map(|a| Answer {
                asked_by: name(&a.asked_by, policy),
                question: text(a.question).unwrap_or_default(),
                answer: text(a.answer).unwrap_or_default(),
            })
            .collect(),
        // What policy allows needs nobody.
        gates: if request.outcome.as_deref() == Some("allow") { Vec::new() } else { gates(review) },
        votes: votes(review, policy),
        facts: Vec::new(),
        require_comment: review.rules.require_comment,
        nonce: ask.nonce.clone(),
    })
}

/// Each person's vote once, also where it was cast again for one more gate.
fn votes(review: &Review, policy: Option<&Policy>) -> Vec<VoteShown> {
    let mut seen = BTreeSet::new();
    let first = review.votes.iter().filter(|v| seen.insert(&v.actor.person));
    first.map(|v| VoteShown { person: name(&v.actor.person, policy), ballot: v.ballot }).collect()
}

fn gates(review: &Review) -> Vec<GateState> {
    let state = |gate: &countersign_domain::review::Gate| GateState {
        profile: gate.profile.clone(),
        quorum: gate.quorum,
        approvals: u8::try_from(review.approvals(gate)).unwrap_or(u8::MAX),
        level: review.level_of(gate),
    };
    review.gates.iter().map(state).collect()
}

fn state(whole: &Whole, policy: Option<&Policy>) -> Option<CardState> {
    let request = &whole.stored.request;
    let at = request.changed.at;
    let by = || request.changed.by.iter().map(|person| name(person, policy)).collect::<Vec<_>>();
    let words = |seq: u32| whole.texts.get(&seq).map(|words| words.text.clone());
    let reason = words(request.changed.seq);
    Some(match request.status {
        Status::Pending => CardState::Pending { deadline: request.review.as_ref()?.deadline },
        Status::NeedsInfo => {
            let question = request.review.as_ref()?.question.as_ref()?;
            CardState::NeedsInfo {
                question: words(question.seq).unwrap_or_default(),
                asked_by: name(&question.actor.person, policy),
                answer_by: question.answer_by,
            }
        }
        Status::Approved => CardState::Approved { by: by(), at, valid_until: request.valid_until? },
        // The reason came with the vote, which stands just before.
        Status::Rejected => {
            CardState::Rejected { by: by(), at, reason: words(request.changed.seq.checked_sub(1)?) }
        }
        Status::Expired => CardState::Expired { at },
        Status::Withdrawn => CardState::Withdrawn { at, reason },
        Status::Revoked => CardState::Revoked { by: by().into_iter().next(), at, reason },
        Status::Undeliverable => CardState::Undeliverable { at },
        Status::Lapsed => CardState::Lapsed { at },
        Status::Denied => CardState::Denied { code: request.code?, at },
        Status::Consumed => CardState::Consumed { at },
        Status::Succeeded => CardState::Succeeded { at },
        Status::Failed => CardState::Failed { at },
        Status::Unknown => CardState::Unknown { at },
    })
}

fn name(person: &PersonId, policy: Option<&Policy>) -> String {
    policy.and_then(|p| p.person(person)).map_or_else(|| person.to_string(), |p| p.name.clone())
}
