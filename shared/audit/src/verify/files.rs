//! The manifest: every file is as it says, there is no other, none holds a key, and the log recorded it.

use std::collections::BTreeSet;

use countersign_tlog::note::VerifierKey;
use countersign_tlog::tree::leaf_hash;
use countersign_tlog::{Checkpoint, Proof};
use data_encoding::HEXLOWER;

use crate::leaf::LeafView;
use crate::pack::{self, Entry, MANIFEST, MANIFEST_PROOF, Manifest, Pack, REQUESTS_CSV, SAMPLES};
use crate::policy::TrustPolicy;
use crate::report::{Place, Report};

/// The files of a pack, and which of them were hashed.
pub struct Files {
    manifest: Manifest,
    /// Every path that is there.
    pub there: BTreeSet<String>,
    /// Those that are still to be hashed.
    left: BTreeSet<String>,
    count: u64,
}

/// What holds a private key says so.
const PRIVATE: [&[u8]; 3] = [b"PRIVATE KEY", b"PRIVATE+KEY+", b"AGE-SECRET-KEY-"];

/// Files with these ends are for keys and what is trusted.
const KEY_FILES: [&str; 6] = [".vkey", ".pem", ".key", ".policy", ".der", ".p8"];

impl Files {
    /// Reads the manifest and lists the files.
    pub fn list(pack: &Pack, report: &mut Report) -> Self {
        let manifest = match pack.files().get(MANIFEST) {
            Ok(Some(bytes)) => Manifest::parse(&bytes).unwrap_or_else(|error| {
                report.broken(1, Place::at(MANIFEST, error.offset as u64), error.to_string());
                Manifest::default()
            }),
            Ok(None) => {
                report.broken(1, Place::file(MANIFEST), "it is missing");
                Manifest::default()
            }
            Err(error) => {
                report.broken(1, Place::file(MANIFEST), error.message);
                Manifest::default()
            }
        };
        let there: BTreeSet<String> = match pack::files(pack.files().root()) {
            Ok(paths) => paths.into_iter().collect(),
            Err(error) => {
                report.broken(1, Place::Pack, error.to_string());
                BTreeSet::new()
            }
        };
        let own = |path: &str| path == MANIFEST || path == MANIFEST_PROOF;
        for path in there.iter().filter(|path| !own(path) && !manifest.entries.contains_key(path.as_str())) {
            match path.starts_with(SAMPLES) {
                true => report.exception(1, Place::file(path), "not in the manifest: added after the export"),
                false => report.broken(1, Place::file(path), "not in the manifest"),
            }
        }
        for path in manifest.entries.keys().filter(|path| !there.contains(*path)) {
            report.broken(1, Place::file(path), "in the manifest, and missing");
        }
        let left = manifest.entries.keys().filter(|path| there.contains(*path)).cloned().collect();
        Self { manifest, there, left, count: 0 }
    }

    /// Holds a file that was read against the manifest.
    pub fn hashed(&mut self, path: &str, found: &Entry, report: &mut Report) {
        if !self.left.remove(path) {
            return;
        }
        self.count += 1;
        match self.manifest.entries.get(path) {
            Some(entry) if entry.bytes != found.bytes => {
                let what = format!("{} bytes; the manifest says {}", found.bytes, entry.bytes);
                report.broken(1, Place::file(path), what);
            }
            Some(entry) if entry.hash != found.hash => {
                report.broken(1, Place::file(path), "its hash is not what the manifest says");
            }
            _ => {}
        }
    }

    /// Hashes what nobody else read.
    pub fn hash_rest(&mut self, pack: &Pack, report: &mut Report) {
        for path in self.left.clone() {
            let place = pack.files().root().join(&path);
            match Entry::of(&place) {
                Ok(entry) => self.hashed(&path, &entry, report),
                Err(error) => report.broken(1, Place::file(path), error.to_string()),
            }
        }
        report.count(1, self.count);
        report.done([1]);
    }

    /// Looks for keys: nothing in a pack may tell whom to trust. What is compared with leaves holds none.
    pub fn look_for_keys(&self, pack: &Pack, report: &mut Report) {
        let compared = |path: &str| {
            path.starts_with("log/tile/") || path.starts_with("population.") || path == REQUESTS_CSV
        };
        for path in &self.there {
            if KEY_FILES.iter().any(|end| path.ends_with(end)) {
                report.broken(1, Place::file(path), "a file for keys: what is trusted comes from elsewhere");
            }
            if compared(path) {
                continue;
            }
            let Ok(Some(bytes)) = pack.files().get(path) else { continue };
            if let Some(offset) = PRIVATE.iter().find_map(|mark| find(&bytes, mark)) {
                report.broken(1, Place::at(path, offset), "it holds a private key");
            }
            if let Some(offset) = verifier_key(&bytes) {
                let what = "it holds a verifier key: what is trusted comes from elsewhere";
                report.broken(1, Place::at(path, offset), what);
            }
        }
    }

    /// Whether the log recorded the manifest.
    pub fn recorded(
        &self,
        pack: &Pack,
        policy: &TrustPolicy,
        origin: &str,
        report: &mut Report,
    ) -> Option<Checkpoint> {
        let place = || Place::file(MANIFEST_PROOF);
        let bytes = match pack.files().get(MANIFEST_PROOF) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let what = "it is missing: the log did not record this export, so nobody signed the manifest";
                report.exception(1, place(), what);
                return None;
            }
            Err(error) => {
                report.broken(1, place(), error.message);
                return None;
            }
        };
        match self.proved(&bytes, pack, policy, origin) {
            Ok(checkpoint) => Some(checkpoint),
            Err(what) => {
                report.broken(1, place(), what);
                None
            }
        }
    }

    fn proved(
        &self,
        proof: &[u8],
        pack: &Pack,
        policy: &TrustPolicy,
        origin: &str,
    ) -> Result<Checkpoint, String> {
        let proof = Proof::parse(proof).map_err(|error| error.to_string())?;
        let trusted = policy.open(&proof.checkpoint, origin).map_err(|error| error.to_string())?;
        let (size, root) = (trusted.checkpoint.size(), *trusted.checkpoint.root());
        let leaf = leaf_hash(&proof.extra);
        countersign_tlog::tree::verify_inclusion(proof.index, size, &leaf, &proof.hashes, &root)
            .map_err(|error| error.to_string())?;
        let view = LeafView::read(&proof.extra).map_err(|error| format!("its leaf: {error}"))?;
        if view.kind != "log.exported" || view.subject != origin {
            return Err(format!("its leaf is a {} of {}", view.kind, view.subject));
        }
        let manifest = pack.files().get(MANIFEST).ok().flatten().unwrap_or_default();
        let hash = HEXLOWER.encode(&Entry::of_bytes(&manifest).hash);
        let data = view.data.get();
        let names = data.contains(&format!("\"{hash}\"")) || data.contains(&format!("\"sha256:{hash}\""));
        match names {
            true => Ok(trusted.checkpoint),
            false => Err("the log recorded the export with another manifest".into()),
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<u64> {
    let (first, _) = mark.split_first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| byte == first) {
        if bytes.get(from + at..)?.starts_with(mark) {
            return Some((from + at) as u64);
        }
        from += at + 1;
    }
    None
}

/// Where a word is a verifier key.
fn verifier_key(bytes: &[u8]) -> Option<u64> {
    let border = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b',');
    let mut offset = 0;
    for word in bytes.split(border) {
        // The shortest has a name, eight digits and 44 characters.
        if (55..400).contains(&word.len()) && word.contains(&b'+') {
            let key: Option<VerifierKey> = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
            if key.is_some() {
                return Some(offset);
            }
        }
        offset += word.len() as u64 + 1;
    }
    None
}
