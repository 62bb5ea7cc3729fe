//! Many subjects at once: first what others wait for, for all of them, and then the cards, until time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use countersign_app::metrics::Swept;
use countersign_app::ports::{Ledger, Notice, PortError, Table, Tokens, Workflow};
use countersign_chat::slack::Chat;
use countersign_domain::Time;
use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::leaf::Subject;
use countersign_domain::time::Seconds;
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::heal::{Healer, Left, Outcome};

/// How many subjects are looked at at once.
const LANES: usize = 8;

/// How many requests are asked for at a time.
const PAGE: u32 = 50;

/// How long after a recovery what it made void is looked for. What is found later is ended at its next look.
const RECENTLY: Seconds = Seconds(24 * 60 * 60);

/// Nothing is begun after this. What runs may end, up to the time at which the function must still answer.
const BEGIN_FOR: Duration = Duration::from_secs(40);
const END_AFTER: Duration = Duration::from_secs(50);

/// What came of a round.
#[derive(Debug, Default)]
pub struct Round {
    /// Of each subject that was reached.
    pub outcomes: BTreeMap<Subject, Outcome>,
    /// Why the subjects could not all be listed, if so.
    pub broken: Option<PortError>,
    /// Whether time was up before the end.
    pub cut: bool,
    /// Whose cards are left.
    left: BTreeSet<(Subject, RequestId)>,
}

impl Round {
    /// What came of it as a sweep.
    pub fn swept(&self) -> Swept {
        let unhealed = self.outcomes.values().filter(|outcome| **outcome != Outcome::Healed).count();
        let unlooked = usize::from(self.cut || self.broken.is_some());
        Swept { looked: self.outcomes.len(), failures: unhealed + unlooked }
    }

    fn note(&mut self, subject: Subject, outcome: Outcome) {
        let known = self.outcomes.entry(subject).or_insert(outcome);
        *known = outcome.max(*known);
    }
}

/// An agent's requests that a freeze made void, or one request.
type First = (Outcome, Vec<Left>);

impl<T, K, W, S, N, F> Healer<'_, T, K, W, S, N, F>
where
    T: Table + Ledger,
    K: Tokens,
    W: Workflow,
    S: Chat,
    N: Notice,
    F: Fn() -> Time,
{
    /// Requests that are due at `until`, longest overdue first.
    pub fn due(&self, until: Time) -> impl Stream<Item = Result<Subject, PortError>> {
        let parts = stream::try_unfold(Some(None::<String>), move |cursor| async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let part = self.stack.table.due(until, cursor.as_deref(), PAGE).await?;
            Ok(Some((stream::iter(part.items), part.next.map(Some))))
        });
        parts.flat_map(|part| match part {
            Ok(ids) => ids.map(|id| Ok(Subject::Request(id))).left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        })
    }

    /// Requests that a recovery of the log within the last day made void, whatever they are due for.
    pub fn voided(&self, now: Time) -> impl Stream<Item = Result<Subject, PortError>> {
        let pages = stream::try_unfold(Some(None::<String>), move |cursor| async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let mark = self.stack.table.recovered().await?;
            let Some(mark) = mark.filter(|mark| *mark + RECENTLY > now) else { return Ok(None) };
            let page = self.stack.table.live(None, cursor.as_deref(), PAGE).await?;
            let void = page.requests.into_iter().filter(move |stored| stored.request.created <= mark);
            let ids: Vec<_> = void.map(|stored| Ok(Subject::Request(stored.request.id))).collect();
            Ok(Some((stream::iter(ids), page.next.map(Some))))
        });
        pages.flat_map(|page| match page {
            Ok(subjects) => subjects.left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        })
    }

    /// Brings what follows from these subjects up to date.
    pub async fn round(&self, subjects: impl Stream<Item = Result<Subject, PortError>>) -> Round {
        let begun = Instant::now();
        let mut round = Round::default();
        let all = self.all(subjects, begun + BEGIN_FOR, &mut round);
        round.cut |= timeout_at(begun + END_AFTER, all).await.is_err();
        for (subject, id) in std::mem::take(&mut round.left) {
            tracing::warn!(request.id = %id, "time was up before the cards");
            round.note(subject, Outcome::Failed);
        }
        round
    }

    async fn all(
        &self,
        subjects: impl Stream<Item = Result<Subject, PortError>>,
        until: Instant,
        round: &mut Round,
    ) {
        let begin = || ready(Instant::now() < until);
        let firsts = subjects.take_while(|_| begin()).map(|subject| async {
            let subject = subject?;
            let first = self.first_of(&subject).await;
            Ok((subject, first))
        });
        let mut firsts = pin!(firsts.buffer_unordered(LANES));
        let mut cards = Vec::new();
        while let Some(first) = firsts.next().await {
            match first {
                Ok((subject, (outcome, left))) => {
                    round.left.extend(left.iter().map(|left| (subject.clone(), left.id.clone())));
                    cards.extend(left.into_iter().map(|left| (subject.clone(), left)));
                    round.note(subject, outcome);
                }
                Err(error) => round.broken = Some(error),
            }
        }
        round.cut = Instant::now() >= until;

        let cards = stream::iter(cards).take_while(|_| begin()).map(|(subject, left)| async {
            let id = left.id.clone();
            let done = self.cards(left).await.map_err(|error| must_come_again(&subject, &error));
            (subject, id, done.map_or(Outcome::Failed, |()| Outcome::Healed))
        });
        let mut cards = pin!(cards.buffer_unordered(LANES));
        while let Some((subject, id, outcome)) = cards.next().await {
            round.left.remove(&(subject.clone(), id));
            round.note(subject, outcome);
        }
    }

    async fn first_of(&self, subject: &Subject) -> First {
        match subject {
            Subject::Request(id) => self.first_of_request(subject, id).await,
            Subject::Agent(id) => self.void(subject, id).await,
            // Nothing follows from what the log says of itself.
            Subject::Log(_) => (Outcome::Healed, Vec::new()),
        }
    }

    async fn first_of_request(&self, subject: &Subject, id: &RequestId) -> First {
        match self.first(id).await {
            Ok((outcome, left)) => (outcome, left.into_iter().collect()),
            Err(error) => {
                must_come_again(subject, &error);
                (Outcome::Failed, Vec::new())
            }
        }
    }

    /// Ends what a frozen agent asked before its mark. One that cannot be ended now does not hold up the others.
    async fn void(&self, subject: &Subject, agent: &AgentId) -> First {
        let (mut outcome, mut left) = (Outcome::Healed, Vec::new());
        let listed = async {
            if self.stack.table.agent(agent).await?.agent.void_before.is_none() {
                return Ok(());
            }
            let mut cursor = None;
            loop {
                let page = self.stack.table.live(Some(agent), cursor.as_deref(), PAGE).await?;
                let firsts = stream::iter(page.requests)
                    .map(|stored| async move { self.first_of_request(subject, &stored.request.id).await });
                let mut firsts = pin!(firsts.buffer_unordered(LANES));
                while let Some((worse, more)) = firsts.next().await {
                    outcome = outcome.max(worse);
                    left.extend(more);
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(());
                }
            }
        };
        if let Err(error) = listed.await {
            must_come_again(subject, &error);
            outcome = Outcome::Failed;
        }
        (outcome, left)
    }
}

fn must_come_again(subject: &Subject, error: &PortError) {
    tracing::warn!(subject = %subject, error = %error, "a subject must come again");
}
