//! The receipt of a request: its decision's leaf, why it is in the log, and the signed checkpoint (C2SP tlog-proof).

use std::collections::{BTreeMap, BTreeSet};

use countersign_app::log::Line;
use countersign_app::ports::{Archive, Ledger, Signer, Table};
use countersign_app::store::StoredEvent;
use countersign_domain::event::Fact;
use countersign_domain::leaf::{Leaf, Subject};
use countersign_domain::review::Outcome;
use countersign_tlog::tile::{ContentError, nodes};
use countersign_tlog::tree::{self, Hash, leaf_hash};
use countersign_tlog::{Proof, Tile};

use crate::log::{Halt, Log, LogError, Logs};

/// That a decision is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The text of the proof.
    pub text: String,
    /// The leaf's place.
    pub index: u64,
    /// The size of the log that the proof is for.
    pub size: u64,
}

impl<T: Table + Ledger, A: Archive, S: Signer> Logs<T, A, S> {
    /// The receipt of the request's decision, if there was one that lets it run. Everything must be in the log.
    pub async fn receipt(&self, subject: &Subject) -> Result<Option<Receipt>, LogError> {
        let events = self.table.events(subject).await.map_err(LogError::Table)?;
        let Some(event) = decision(&events) else { return Ok(None) };
        let Some(index) = event.index else { return Ok(None) };
        let log = self.current().await?;
        if event.log == log.line.n {
            let Some(head) = log.ready().await? else { return Ok(None) };
            return log.prove(&event.bytes, index, (head.size, head.root), Vec::new()).await;
        }
        // It was sealed by a log before, whose newest checkpoint holds for ever.
        let log = self.at(Line { n: event.log, recovered: None })?;
        let Some(newest) = log.newest().await? else { return Ok(None) };
        log.prove(&event.bytes, index, (newest.size(), *newest.root()), Vec::new()).await
    }
}

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// Why the leaf is in the log, where it is. `head` is published.
    pub async fn prove(
        &self,
        leaf: &[u8],
        index: u64,
        (size, root): (u64, Hash),
        extra: Vec<u8>,
    ) -> Result<Option<Receipt>, LogError> {
        if index >= size {
            return Ok(None);
        }
        let hashes = self.path_of(index, size).await?;
        if tree::verify_inclusion(index, size, &leaf_hash(leaf), &hashes, &root).is_err() {
            // What was quarantined has no receipt: the log holds its hash and not itself.
            tracing::error!(origin = %self.origin, index, "an event is not in the log as the table has it");
            return Ok(None);
        }
        let proof = Proof { extra, index, hashes, checkpoint: self.signed(size, &root).await? };
        Ok(Some(Receipt { text: proof.to_string(), index, size }))
    }

    async fn path_of(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let mut wanted = BTreeSet::new();
        // Once to see which tiles it takes.
        let look = nodes(size, |tile| {
            wanted.insert(tile);
            Ok::<_, ContentError>(vec![[0; 32]; tile.width().into()])
        });
        let malformed = |_| LogError::Halted(Halt::Root(size));
        tree::prove_inclusion(index, size, look).map_err(malformed)?;
        let paths = wanted.iter().map(Tile::path);
        let files: BTreeMap<_, _> = self.files(paths).await?.into_iter().collect();
        let read = nodes(size, |tile| {
            let bytes = files.get(&tile.path()).ok_or(ContentError::TooFew(tile))?;
            tile.hashes(bytes).map(<[Hash]>::to_vec)
        });
        tree::prove_inclusion(index, size, read).map_err(malformed)
    }
}

/// The event that says that the request may run: people's approval, or else policy's.
fn decision(events: &[StoredEvent]) -> Option<&StoredEvent> {
    let facts: Vec<_> =
        events.iter().filter_map(|event| Some((event, Leaf::parse(&event.bytes).ok()?.event.fact))).collect();
    let last = |wanted: fn(&Fact) -> bool| {
        facts.iter().rev().find(|(_, fact)| wanted(fact)).map(|(event, _)| *event)
    };
    last(|fact| matches!(fact, Fact::Approved { .. })).or_else(|| {
        last(|fact| matches!(fact, Fact::Evaluated { evaluation, .. } if matches!(evaluation.outcome, Outcome::Allow { .. })))
    })
}
