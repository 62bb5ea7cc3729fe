//! What is to go into the log: subjects' events in the order of the table, each looked at whether it is one.

use std::collections::BTreeSet;

use countersign_app::log::{EventKey, RawEvent, Unsealed};
use countersign_app::ports::{Archive, Ledger, Signer};
use countersign_domain::event::Flaw;
use countersign_domain::leaf::{Frame, Head, LeafHash, Subject};
use futures::future::join_all;

use crate::log::{LogError, Logs};

/// How many subjects are read at a time.
const AT_ONCE: usize = 16;

/// An event that goes into the log, or of which only the hash does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub key: EventKey,
    /// As the table has it.
    pub raw: RawEvent,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

impl<T: Ledger, A: Archive, S: Signer> Logs<T, A, S> {
    /// The subjects' events that are not in the log. A subject that cannot be read holds up no other: the last error
    /// comes beside what was read.
    pub async fn collect(&self, subjects: &BTreeSet<Subject>) -> (Vec<Taken>, Option<LogError>) {
        let (mut all, mut failed) = (Vec::new(), None);
        let subjects: Vec<_> = subjects.iter().collect();
        for some in subjects.chunks(AT_ONCE) {
            let found = join_all(some.iter().map(|subject| self.table.unsealed(subject))).await;
            for (subject, found) in some.iter().zip(found) {
                match found {
                    Ok(unsealed) => all.extend(taken(subject, unsealed)),
                    Err(error) => {
                        tracing::error!(subject = %subject, error = %error, "a subject's events could not be read");
                        failed = Some(LogError::Table(error));
                    }
                }
            }
        }
        (all, failed)
    }
}

fn taken(subject: &Subject, unsealed: Unsealed) -> Vec<Taken> {
    let mut before = unsealed.before.as_ref().map_or(Head::EMPTY, end);
    let look = |raw: RawEvent| {
        let flaw = flaw(subject, &before, &raw);
        before = end(&raw);
        Taken { key: EventKey { subject: subject.clone(), seq: raw.seq }, raw, flaw }
    };
    unsealed.events.into_iter().map(look).collect()
}

/// The end of a chain, by what its writer wrote beside it, where that can be read.
fn end(raw: &RawEvent) -> Head {
    let written = raw.hash.clone().and_then(|hash| LeafHash::try_from(hash).ok());
    Head { seq: raw.seq, hash: written.unwrap_or_else(|| LeafHash::of(&raw.bytes)) }
}

/// What a fact says is nobody's business here: a newer program may have written it.
fn flaw(subject: &Subject, before: &Head, raw: &RawEvent) -> Option<Flaw> {
    if raw.hash != Some(LeafHash::of(&raw.bytes).into()) {
        return Some(Flaw::Hash);
    }
    let Ok(frame) = Frame::read(&raw.bytes) else { return Some(Flaw::Malformed) };
    if (&frame.subject, frame.seq) != (subject, raw.seq) {
        return Some(Flaw::Misplaced);
    }
    let follows = (frame.seq, frame.prev) == (before.seq + 1, before.hash);
    (!follows).then_some(Flaw::Chain)
}
