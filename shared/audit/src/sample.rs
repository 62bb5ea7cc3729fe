//! Drawing requests from a pack by the auditor's own seed, and writing a page and a proof of each.
//!
//! The rule is simple enough to be done by hand: of the requests that a selected event touches, those that were given
//! out to run, ordered by SHA-256 of `<seed>`, a newline and `<request id>`; the first `n` of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use countersign_domain::RequestId;
use countersign_domain::leaf::Subject;
use data_encoding::BASE64;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::files::Draft;
use crate::leaf::LeafView;
use crate::page::request::{Drawn, Proved, page};
use crate::policy::TrustPolicy;
use crate::select::Filter;
use crate::shelf::{Shelf, ShelfError};

/// The type of the event by which the right to run is given out.
const RAN: &str = "execution.consumed";

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum SampleError {
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error("this is not a pack: it has no query.json")]
    NoPack,
    #[error("samples cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// What was drawn: `sample.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// How it is drawn.
    pub rule: &'static str,
    /// The auditor's own words.
    pub seed: String,
    /// How many requests there were to draw from.
    pub population: usize,
    /// What was drawn, in this order.
    pub drawn: Vec<RequestId>,
}

/// How it is drawn, in words.
pub const RULE: &str =
    "requests of the pack that have an execution.consumed, by rising SHA-256(seed, newline, request id)";

/// Draws, and writes a page and a proof for each into the new directory `out`.
pub fn sample(
    shelf: &Shelf,
    policy: &TrustPolicy,
    n: usize,
    seed: &str,
    out: &Path,
) -> Result<Sample, SampleError> {
    let filter = &shelf.query.as_ref().ok_or(SampleError::NoPack)?.filter;
    let ran = population(shelf, filter)?;
    let drawn = draw(&ran, n, seed);
    let stories = shelf.stories(&drawn.iter().cloned().collect())?;
    let draft = Draft::begin(out)?;
    let checkpoint = &shelf.trusted.checkpoint;
    for story in &stories {
        let mut proved = Proved {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: BASE64.encode(checkpoint.root()),
            signers: shelf.signers(policy),
            proved: Vec::new(),
            file: format!("{}.tlog-proof", story.id),
        };
        for entry in &story.entries {
            let proof = shelf.prove(entry.index, &entry.bytes)?;
            proved.proved.push(entry.index);
            if story.decision().is_some_and(|decision| decision.index == entry.index) {
                draft.write(&proved.file, proof.to_string().as_bytes())?;
            }
        }
        let place = drawn.iter().position(|id| *id == story.id).map_or(0, |at| at + 1);
        let how = Drawn { seed: seed.to_owned(), place, of: drawn.len(), population: ran.len() };
        draft.write(&format!("{}.html", story.id), page(story, &proved, &how).as_bytes())?;
    }
    let sample = Sample { rule: RULE, seed: seed.to_owned(), population: ran.len(), drawn };
    let text = serde_json::to_string_pretty(&sample).map_err(io::Error::from)?;
    draft.write("sample.json", format!("{text}\n").as_bytes())?;
    draft.publish()?;
    Ok(sample)
}

/// The requests that a selected event touches and that were given out to run.
fn population(shelf: &Shelf, filter: &Filter) -> Result<BTreeSet<RequestId>, ShelfError> {
    let (mut touched, mut ran) = (BTreeSet::new(), BTreeSet::new());
    shelf.each(|_, bytes| {
        let Ok(leaf) = LeafView::read(bytes) else { return };
        let Ok(Subject::Request(id)) = leaf.subject() else { return };
        if leaf.kind == RAN {
            ran.insert(id.clone());
        }
        if filter.admits(&leaf) {
            touched.insert(id);
        }
    })?;
    Ok(ran.intersection(&touched).cloned().collect())
}

fn draw(from: &BTreeSet<RequestId>, n: usize, seed: &str) -> Vec<RequestId> {
    let rank = |id: &RequestId| -> [u8; 32] { Sha256::digest(format!("{seed}\n{id}")).into() };
    let ranked: BTreeMap<[u8; 32], &RequestId> = from.iter().map(|id| (rank(id), id)).collect();
    ranked.into_values().take(n).cloned().collect()
}
