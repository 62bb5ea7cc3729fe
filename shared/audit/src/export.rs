//! Making a pack: reads the log once, verifies it up to its newest signed checkpoint, and writes what the filter's
//! events need to be checked alone.
//!
//! Nothing is written that was not under the signed root. It has no clock and no network: whoever calls gives the
//! log's files, records the export, and hands the receipt back.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;

use countersign_domain::Time;
use countersign_domain::ids::{InvalidId, Origin};
use countersign_domain::time::Seconds;
use countersign_tlog::tile::{ContentError, FULL};
use countersign_tlog::tree::{leaf_hash, verify_inclusion};
use countersign_tlog::{Checkpoint, Note, Proof, Tile};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::files::Draft;
use crate::leaf::LeafView;
use crate::pack::{self, Manifest, Query};
use crate::page::readme;
use crate::policy::TrustPolicy;
use crate::select::Filter;
use crate::source::{LogSource, SourceError};
use crate::spool::Spool;
use crate::tables::{Tabled, Tables};

/// How far the times of neighbours in the log may be out of order.
pub const SKEW: Seconds = Seconds(15 * 60);

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ExportError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{0} is missing")]
    Missing(String),
    #[error("{path}: {error}")]
    Content { path: String, error: ContentError },
    #[error("{path} is not to be trusted: {why}")]
    Untrusted { path: String, why: String },
    #[error("{0} does not hold what the entries under the signed root lead to")]
    Differs(String),
    #[error("the entries do not lead to the root that was signed for {0} leaves")]
    Root(u64),
    #[error("the log has no entries")]
    Empty,
    #[error("the pack cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the log's tree cannot be: {0}")]
    Tree(#[from] ContentError),
}

/// What is to be exported.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which events.
    pub filter: Filter,
    /// Sizes of older checkpoints from which it must be possible to prove that the log only grew.
    pub pins: Vec<u64>,
    /// Whether the export will be recorded in the log.
    pub recorded: bool,
    /// The program that exports.
    pub tool: String,
}

/// A pack that is written but for its proof.
#[derive(Debug)]
pub struct Made {
    draft: Draft,
    /// What it holds.
    pub query: Query,
    /// `sha256:` and hex over its list of files.
    pub manifest: String,
}

/// Writes a pack of a log that the policy trusts.
pub async fn export<S: LogSource>(
    source: &S,
    policy: &TrustPolicy,
    wanted: &Wanted,
    out: &Path,
    tell: impl Fn(&str),
) -> Result<Made, ExportError> {
    let draft = Draft::begin(out)?;
    let newest =
        signed(source, policy, "checkpoint").await?.ok_or(ExportError::Missing("checkpoint".into()))?;
    let size = newest.1.size();
    if size == 0 {
        return Err(ExportError::Empty);
    }
    tell(&format!("reading {size} entries of {}", newest.1.origin()));
    let mut seen = Seen::default();
    let look = |index, bytes: &[u8]| seen.look(&wanted.filter, index, bytes);
    let spool = Spool::read(source, draft.dir().join(".spool"), size, look).await?;
    let log = Log { source, policy, spool: &spool, newest: &newest };
    log.check(&newest.1)?;

    let (start, before) = log.last_up_to(seen.start(size)).await?;
    let (end, after) = log.first_from(seen.end(size).max(start + 1)).await?;
    tell(&format!("writing entries {start} to {end}"));
    for (size, bytes) in [(start, before), (end, Some(after.clone()))] {
        if let Some(bytes) = bytes {
            draft.write(&pack::checkpoint_at(size), &bytes)?;
        }
    }
    let cosigned = log.witnessed(end).await?;
    if let Some(bytes) = &cosigned {
        draft.write(&pack::witness_at(end), bytes)?;
    }
    draft.write(pack::CHECKPOINT, cosigned.as_ref().unwrap_or(&after))?;
    log.write_tiles(&draft, start, end, &wanted.pins).await?;
    let tabled = write_entries(&spool, &draft, start..end, &wanted.filter)?;
    spool.remove()?;

    let untrusted = |why| ExportError::Untrusted { path: "checkpoint".into(), why };
    let origin: Origin = newest.1.origin().parse().map_err(|e: InvalidId| untrusted(e.to_string()))?;
    let (tool, filter, counts) = (wanted.tool.clone(), wanted.filter.clone(), tabled.counts);
    let query = Query { tool, origin, start, end, filter, counts };
    let text = serde_json::to_string_pretty(&query).map_err(std::io::Error::from)?;
    draft.write(pack::QUERY, format!("{text}\n").as_bytes())?;
    let page = readme::page(&query, &tabled.exceptions, wanted.recorded);
    draft.write(pack::README, page.as_bytes())?;
    let manifest = Manifest::of(draft.dir())?.to_string();
    draft.write(pack::MANIFEST, manifest.as_bytes())?;
    let manifest = format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(manifest)));
    Ok(Made { draft, query, manifest })
}

impl Made {
    /// Puts the pack where it belongs, with the proof that the log recorded just this one.
    pub fn publish(self, proof: Option<&[u8]>, policy: &TrustPolicy) -> Result<(), ExportError> {
        if let Some(proof) = proof {
            let path = pack::MANIFEST_PROOF.to_owned();
            self.check(proof, policy).map_err(|why| ExportError::Untrusted { path, why })?;
            self.draft.write(pack::MANIFEST_PROOF, proof)?;
        }
        Ok(self.draft.publish()?)
    }

    fn check(&self, proof: &[u8], policy: &TrustPolicy) -> Result<(), String> {
        let proof = Proof::parse(proof).map_err(|error| error.to_string())?;
        let trusted = policy.open(&proof.checkpoint, self.query.origin.as_str());
        let checkpoint = trusted.map_err(|error| error.to_string())?.checkpoint;
        let (size, leaf) = (checkpoint.size(), leaf_hash(&proof.extra));
        verify_inclusion(proof.index, size, &leaf, &proof.hashes, checkpoint.root())
            .map_err(|error| error.to_string())?;
        let leaf = LeafView::read(&proof.extra).map_err(|error| error.to_string())?;
        let named = serde_json::from_str::<Recorded>(leaf.data.get())
            .is_ok_and(|data| data.manifest == self.manifest);
        if leaf.kind == "log.exported" && named { Ok(()) } else { Err("it is not of this export".into()) }
    }
}

/// What `log.exported` says of a pack.
#[derive(serde::Deserialize)]
struct Recorded {
    manifest: String,
}

/// What is seen of a log while it is read, to find the range.
#[derive(Debug, Default)]
struct Seen {
    /// The first event of each request.
    firsts: BTreeMap<String, u64>,
    /// The first event of the earliest request that a selected event touches.
    earliest: Option<u64>,
    last: Option<u64>,
    /// The first event that is not surely before the filter's time.
    begun: Option<u64>,
    /// The first event that is surely after it.
    over: Option<u64>,
}

impl Seen {
    fn look(&mut self, filter: &Filter, index: u64, bytes: &[u8]) {
        let Ok(leaf) = LeafView::read(bytes) else { return };
        let touched = match self.firsts.get(leaf.subject) {
            Some(first) => *first,
            None if leaf.subject.starts_with("req_") => {
                self.firsts.insert(leaf.subject.to_owned(), index);
                index
            }
            None => index,
        };
        let at = |limit: Time| leaf.time >= limit;
        if at(filter.from - SKEW) {
            self.begun.get_or_insert(index);
        }
        if at(filter.to + SKEW) {
            self.over.get_or_insert(index);
        }
        if filter.admits(&leaf) {
            self.earliest = Some(self.earliest.map_or(touched, |earliest| earliest.min(touched)));
            self.last = Some(index);
        }
    }

    /// The range begins here or before: one event before the filter's time shows that none of it is left out.
    fn start(&self, size: u64) -> u64 {
        let before = self.begun.unwrap_or(size).saturating_sub(1);
        self.earliest.map_or(before, |earliest| earliest.min(before))
    }

    /// It ends here or later: one event after the filter's time, where there is one yet, shows the same.
    fn end(&self, size: u64) -> u64 {
        let after = self.over.map_or(size, |over| over + 1);
        self.last.map_or(after, |last| after.max(last + 1))
    }
}

struct Log<'a, S> {
    source: &'a S,
    policy: &'a TrustPolicy,
    spool: &'a Spool,
    newest: &'a (Vec<u8>, Checkpoint),
}

impl<S: LogSource> Log<'_, S> {
    fn check(&self, checkpoint: &Checkpoint) -> Result<(), ExportError> {
        if self.spool.root(checkpoint.size())? == *checkpoint.root() {
            Ok(())
        } else {
            Err(ExportError::Root(checkpoint.size()))
        }
    }

    /// A signed checkpoint of just so many leaves, if there is one.
    async fn at(&self, size: u64) -> Result<Option<Vec<u8>>, ExportError> {
        let path = format!("checkpoints/{size:020}");
        let Some((bytes, checkpoint)) = signed(self.source, self.policy, &path).await? else {
            return Ok(None);
        };
        if checkpoint.size() != size {
            let why = format!("it is of {} leaves", checkpoint.size());
            return Err(ExportError::Untrusted { path, why });
        }
        self.check(&checkpoint)?;
        Ok(Some(bytes))
    }

    async fn last_up_to(&self, limit: u64) -> Result<(u64, Option<Vec<u8>>), ExportError> {
        for size in (1..=limit).rev() {
            if let Some(bytes) = self.at(size).await? {
                return Ok((size, Some(bytes)));
            }
        }
        Ok((0, None))
    }

    async fn first_from(&self, least: u64) -> Result<(u64, Vec<u8>), ExportError> {
        for size in least..self.newest.1.size() {
            if let Some(bytes) = self.at(size).await? {
                return Ok((size, bytes));
            }
        }
        Ok((self.newest.1.size(), self.newest.0.clone()))
    }

    /// The same checkpoint with witnesses' signatures, if there is one that can be trusted.
    async fn witnessed(&self, size: u64) -> Result<Option<Vec<u8>>, ExportError> {
        let path = format!("witness/{size:020}");
        let found = signed(self.source, self.policy, &path).await?;
        match found {
            Some((_, checkpoint)) if checkpoint.size() != size => {
                Err(ExportError::Untrusted { path, why: format!("it is of {} leaves", checkpoint.size()) })
            }
            Some((bytes, checkpoint)) => self.check(&checkpoint).map(|()| Some(bytes)),
            None => Ok(None),
        }
    }

    async fn write_tiles(
        &self,
        draft: &Draft,
        start: u64,
        end: u64,
        pins: &[u64],
    ) -> Result<(), ExportError> {
        let mut tiles: Vec<Tile> = Tile::edge(start).chain(Tile::edge(end)).collect();
        // What the start's edge has grown into by the end, against which it is held.
        tiles.extend(Tile::edge(start).filter_map(|tile| Tile::of(tile.level(), tile.index(), end)));
        for level in 1..7u8 {
            tiles.extend((0..end >> (8 * (level + 1))).filter_map(|index| Tile::of(level, index, end)));
        }
        // A whole tile is one hash of the level above.
        let pins = pins.iter().filter(|pin| **pin < end && **pin % u64::from(FULL) != 0);
        tiles.extend(pins.filter_map(|pin| Tile::of(0, pin / u64::from(FULL), end)));
        tiles.sort();
        tiles.dedup();
        for tile in tiles {
            let bytes = self.spool.tile(tile)?.as_flattened().to_vec();
            match self.source.read(&tile.path()).await? {
                Some(there) if there != bytes => return Err(ExportError::Differs(tile.path())),
                // What is partial may be gone by now; the entries give the same bytes.
                None if tile.is_full() => return Err(ExportError::Missing(tile.path())),
                _ => draft.write(&format!("log/{}", tile.path()), &bytes)?,
            }
        }
        Ok(())
    }
}

async fn signed<S: LogSource>(
    source: &S,
    policy: &TrustPolicy,
    path: &str,
) -> Result<Option<(Vec<u8>, Checkpoint)>, ExportError> {
    let Some(bytes) = source.read(path).await? else { return Ok(None) };
    let untrusted = |why: String| ExportError::Untrusted { path: path.to_owned(), why };
    let note = Note::parse(&bytes).map_err(|error| untrusted(error.to_string()))?;
    let claimed: Checkpoint = note.text().parse().map_err(|error| untrusted(format!("{error}")))?;
    let trusted = policy.open(&note, claimed.origin()).map_err(|error| untrusted(error.to_string()))?;
    Ok(Some((bytes, trusted.checkpoint)))
}

fn write_entries(
    spool: &Spool,
    draft: &Draft,
    range: Range<u64>,
    filter: &Filter,
) -> Result<Tabled, ExportError> {
    let file = |name: &str| fs::File::create_new(draft.dir().join(name)).map(BufWriter::new);
    let files = [file(pack::POPULATION)?, file(pack::POPULATION_CSV)?, file(pack::REQUESTS_CSV)?];
    let mut tables = Tables::new(filter, range.start, files)?;
    let bundles = range.start / u64::from(FULL)..range.end.div_ceil(FULL.into());
    for number in bundles {
        let Some((bundle, bytes)) = spool.bundle(number, range.end)? else { continue };
        let content = |error| ExportError::Content { path: bundle.path(), error };
        for (index, entry) in (number * u64::from(FULL)..).zip(bundle.entries(&bytes).map_err(content)?) {
            if range.contains(&index) {
                tables.push(index, entry)?;
            }
        }
        draft.write(&format!("log/{}", bundle.path()), &bytes)?;
    }
    Ok(tables.finish()?)
}
