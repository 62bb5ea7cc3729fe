//! A file that must be made of known pieces: read as they come, hashed for the manifest, compared on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::pack::Entry;

/// A file on its way.
pub struct Compare {
    file: BufReader<File>,
    hash: Sha256,
    offset: u64,
}

impl Compare {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(256 * 1024, File::open(path)?);
        Ok(Self { file, hash: Sha256::new(), offset: 0 })
    }

    /// How far it was read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the next bytes are these. Afterwards as many were read, or all there were.
    pub fn expect(&mut self, mut expected: &[u8]) -> io::Result<bool> {
        let mut same = true;
        while !expected.is_empty() {
            let found = self.file.fill_buf()?;
            let count = found.len().min(expected.len());
            if count == 0 {
                return Ok(false);
            }
            let (now, rest) = expected.split_at(count);
            let found = found.get(..count).unwrap_or_default();
            same &= found == now;
            self.hash.update(found);
            self.file.consume(count);
            self.offset += count as u64;
            expected = rest;
        }
        Ok(same)
    }

    /// The next line with its newline, up to a length that no right line has; empty at the end.
    pub fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        io::Read::take(&mut self.file, 1 << 20).read_until(b'\n', &mut line)?;
        self.hash.update(&line);
        self.offset += line.len() as u64;
        Ok(line)
    }

    /// Reads to the end: what the manifest must say of the file, and whether anything was left.
    pub fn finish(mut self) -> io::Result<(Entry, bool)> {
        let before = self.offset;
        loop {
            let found = self.file.fill_buf()?;
            let count = found.len();
            if count == 0 {
                let entry = Entry { hash: self.hash.finalize().into(), bytes: self.offset };
                return Ok((entry, self.offset > before));
            }
            self.hash.update(found);
            self.file.consume(count);
            self.offset += count as u64;
        }
    }
}
