//! `MANIFEST`: `<sha256 hex> <bytes> <path>` for each file, sorted by path, as `sha256sum` nearly writes it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{MANIFEST, MANIFEST_PROOF};

/// What the manifest says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// How many bytes.
    pub bytes: u64,
}

/// Every file of a pack but the manifest and its proof. Prints as the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// By path, with `/` between its parts.
    pub entries: BTreeMap<String, Entry>,
}

/// Why bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, at byte {offset}: {what}")]
pub struct ManifestError {
    /// Counted from 1.
    pub line: usize,
    /// Where the line begins.
    pub offset: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Manifest {
    /// Hashes every file below `root`.
    ///
    /// # Errors
    /// When one cannot be read, is no plain file, or has a name that a line cannot hold.
    pub fn of(root: &Path) -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        for path in files(root)? {
            if path != MANIFEST && path != MANIFEST_PROOF {
                let entry = Entry::of(&root.join(&path))?;
                entries.insert(path, entry);
            }
        }
        Ok(Self { entries })
    }

    /// Reads what `Display` writes, and nothing else.
    ///
    /// # Errors
    /// With the first line that is not of the one form, or not in order.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut entries = BTreeMap::new();
        let mut last: Option<String> = None;
        let mut offset = 0;
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let wrong = |what| ManifestError { line: number, offset, what };
            let line_text = line.strip_suffix(b"\n").ok_or(wrong("no newline at the end"))?;
            let text = std::str::from_utf8(line_text).map_err(|_| wrong("not UTF-8"))?;
            let (path, entry) = entry(text).map_err(wrong)?;
            if last.as_deref().is_some_and(|last| last >= path) {
                return Err(wrong("not sorted by path, each once"));
            }
            last = Some(path.to_owned());
            entries.insert(path.to_owned(), entry);
            offset += line.len();
        }
        Ok(Self { entries })
    }
}

fn entry(line: &str) -> Result<(&str, Entry), &'static str> {
    let mut parts = line.splitn(3, ' ');
    let (Some(hash), Some(bytes), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("not \"hash bytes path\"");
    };
    let hash = HEXLOWER.decode(hash.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
    let hash = hash.ok_or("the hash is not 64 lower-case hex digits")?;
    let count: u64 = bytes.parse().map_err(|_| "not a number of bytes")?;
    if count.to_string() != bytes {
        return Err("not a number of bytes");
    }
    if !is_path(path) {
        return Err("not a path inside the pack");
    }
    Ok((path, Entry { hash, bytes: count }))
}

/// Whether a line can hold it and it leads nowhere else.
fn is_path(path: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(plain) && !path.contains(|c: char| c.is_control() || c == '\\')
}

impl Entry {
    /// Of a file, read in pieces.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
        let mut piece = vec![0; 256 * 1024];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(Self { hash: hash.finalize().into(), bytes }),
                count => {
                    hash.update(&piece[..count]);
                    bytes += count as u64;
                }
            }
        }
    }

    /// Of bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { hash: Sha256::digest(bytes).into(), bytes: bytes.len() as u64 }
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.entries.iter();
        lines.try_for_each(|(path, entry)| {
            writeln!(f, "{} {} {path}", HEXLOWER.encode(&entry.hash), entry.bytes)
        })
    }
}

/// Every file below a directory, sorted.
///
/// # Errors
/// When a directory cannot be read, or holds a link, or something else that is no plain file, or a name that is not
/// plain text: what a manifest cannot speak of must not lie in a pack.
pub fn files(root: &Path) -> io::Result<Vec<String>> {
    let (mut all, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(directory) = open.pop() {
        for item in fs::read_dir(root.join(&directory))? {
            let item = item?;
            let refused = |what: &str| io::Error::other(format!("{}: {what}", item.path().display()));
            let name = item.file_name().into_string().map_err(|_| refused("a name that is not text"))?;
            let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            if !is_path(&path) {
                return Err(refused("a name that a manifest cannot hold"));
            }
            let kind = item.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                all.push(path);
            } else {
                return Err(refused("neither a file nor a directory"));
            }
        }
    }
    all.sort_unstable();
    Ok(all)
}
