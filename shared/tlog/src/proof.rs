//! Proofs that stand alone (C2SP tlog-proof): index, inclusion proof and signed checkpoint in one text.

use std::fmt;

use data_encoding::BASE64;

use crate::checkpoint::{Checkpoint, OpenError, Opened};
use crate::note::{Note, VerifierKey};
use crate::text::{self, Fault, Malformed};
use crate::tree::{self, Hash, TreeError};

/// The first line.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// That a leaf is in a log, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whatever the application adds; nothing vouches for it. Empty if there is no such line.
    pub extra: Vec<u8>,
    /// The leaf's place in the log.
    pub index: u64,
    /// From the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

/// Why a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ProofError {
    #[error(transparent)]
    Checkpoint(#[from] OpenError),
    #[error(transparent)]
    Inclusion(#[from] TreeError),
}

impl Proof {
    /// Reads what `Display` writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let all = text::plain(bytes)?;
        let (head, note) = all.split_once("\n\n").ok_or(Fault::NoSignatures.at(all.split('\n').count()))?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        if lines.next_if(|(_, line)| *line == HEADER).is_none() {
            return Err(Fault::Header.at(1));
        }
        let extra = match lines.next_if(|(_, line)| line.starts_with("extra ")) {
            None => Vec::new(),
            // Without data there is no line.
            Some((number, "extra ")) => return Err(Fault::Base64.at(number)),
            Some((number, line)) => {
                text::base64(&line["extra ".len()..]).map_err(|fault| fault.at(number))?
            }
        };
        let (number, line) = lines.next().ok_or(Fault::Index.at(head.split('\n').count() + 1))?;
        let index = line.strip_prefix("index ").ok_or(Fault::Index.at(number))?;
        let index = text::number(index).map_err(|fault| fault.at(number))?;
        let mut hashes = Vec::new();
        for (number, line) in lines {
            if hashes.len() == 64 {
                return Err(Fault::TooManyHashes.at(number));
            }
            hashes.push(text::hash(line).map_err(|fault| fault.at(number))?);
        }
        let before = head.split('\n').count() + 1;
        let checkpoint =
            Note::parse(note.as_bytes()).map_err(|Malformed { line, fault }| fault.at(line + before))?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Whether the leaf is in the log `origin`, as its keys and these witnesses signed it.
    pub fn verify<'k>(
        &self,
        leaf: &Hash,
        origin: &str,
        log: &'k [VerifierKey],
        witnesses: &'k [VerifierKey],
    ) -> Result<Opened<'k>, ProofError> {
        let opened = Checkpoint::open(&self.checkpoint, origin, log, witnesses)?;
        let (size, root) = (opened.checkpoint.size(), opened.checkpoint.root());
        tree::verify_inclusion(self.index, size, leaf, &self.hashes, root)?;
        Ok(opened)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", BASE64.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
