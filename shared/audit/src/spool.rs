//! A log read once from its first leaf to its newest checkpoint, kept on this disk as it was verified: whatever is
//! written from it afterwards was under the signed root.

use std::fs;
use std::path::PathBuf;

use countersign_tlog::tile::{ContentError, FULL, encode_entries, nodes};
use countersign_tlog::tree::{self, Frontier, Hash, leaf_hash};
use countersign_tlog::{Bundle, Tile};

use crate::export::ExportError;
use crate::source::LogSource;

/// The entries of a whole log.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    size: u64,
    /// The root of each full bundle: the hashes of level 1.
    roots: Vec<Hash>,
}

impl Spool {
    /// Reads `size` leaves, gives each to `look` with its place, and keeps them in the directory.
    pub async fn read<S: LogSource>(
        source: &S,
        dir: PathBuf,
        size: u64,
        mut look: impl FnMut(u64, &[u8]),
    ) -> Result<Self, ExportError> {
        fs::create_dir_all(&dir)?;
        let mut spool = Self { dir, size, roots: Vec::new() };
        for bundle in (0..size.div_ceil(FULL.into())).filter_map(|index| Bundle::of(index, size)) {
            let bytes = whole(source, bundle).await?;
            let broken = |error| ExportError::Content { path: bundle.path(), error };
            let entries = bundle.entries(&bytes).map_err(broken)?;
            for (index, entry) in (bundle.tile().index() * u64::from(FULL)..).zip(&entries) {
                look(index, entry);
            }
            if bundle.tile().is_full() {
                let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
                spool.roots.push(tree::root(&hashes));
            }
            fs::write(spool.file(bundle.tile().index()), &bytes)?;
        }
        Ok(spool)
    }

    /// The bundle's bytes as they stand in a tree of `size` leaves.
    pub fn bundle(&self, index: u64, size: u64) -> Result<Option<(Bundle, Vec<u8>)>, ExportError> {
        let (Some(wanted), Some(whole)) = (Bundle::of(index, size), Bundle::of(index, self.size)) else {
            return Ok(None);
        };
        let bytes = fs::read(self.file(index))?;
        if wanted == whole {
            return Ok(Some((wanted, bytes)));
        }
        let content = |error| ExportError::Content { path: whole.path(), error };
        let mut entries = whole.entries(&bytes).map_err(content)?;
        entries.truncate(wanted.tile().width().into());
        Ok(Some((wanted, encode_entries(&entries).map_err(content)?)))
    }

    /// The hashes of a tile, made of the entries.
    pub fn tile(&self, tile: Tile) -> Result<Vec<Hash>, ExportError> {
        let Some(above) = tile.level().checked_sub(1) else {
            let size = tile.index() * u64::from(FULL) + u64::from(tile.width());
            let Some((bundle, bytes)) = self.bundle(tile.index(), size)? else { return Ok(Vec::new()) };
            let content = |error| ExportError::Content { path: bundle.path(), error };
            return Ok(bundle
                .entries(&bytes)
                .map_err(content)?
                .iter()
                .map(|entry| leaf_hash(entry))
                .collect());
        };
        // How many bundles are under one hash.
        let under = 1 << (8 * usize::from(above));
        let first = (tile.index() as usize) * usize::from(FULL) * under;
        let roots = self.roots.get(first..).unwrap_or_default();
        Ok(roots.chunks_exact(under).take(tile.width().into()).map(tree::root).collect())
    }

    /// The root over the first `size` leaves.
    pub fn root(&self, size: u64) -> Result<Hash, ExportError> {
        Ok(Frontier::read(size, nodes(size, |tile| self.tile(tile)))?.root())
    }

    /// Takes away what was kept.
    pub fn remove(self) -> Result<(), ExportError> {
        Ok(fs::remove_dir_all(self.dir)?)
    }

    fn file(&self, index: u64) -> PathBuf {
        self.dir.join(index.to_string())
    }
}

/// A bundle from where it is; where it has grown since and the shorter one is gone, the first part of the longer.
async fn whole<S: LogSource>(source: &S, bundle: Bundle) -> Result<Vec<u8>, ExportError> {
    if let Some(bytes) = source.read(&bundle.path()).await? {
        return Ok(bytes);
    }
    let missing = || ExportError::Missing(bundle.path());
    let index = bundle.tile().index();
    let full = Bundle::of(index, (index + 1) * u64::from(FULL))
        .filter(|full| *full != bundle)
        .ok_or_else(missing)?;
    let bytes = source.read(&full.path()).await?.ok_or_else(missing)?;
    let content = |error: ContentError| ExportError::Content { path: full.path(), error };
    let mut entries = full.entries(&bytes).map_err(content)?;
    entries.truncate(bundle.tile().width().into());
    encode_entries(&entries).map_err(content)
}
