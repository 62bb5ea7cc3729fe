//! Checkpoints (C2SP tlog-checkpoint): which log, how many leaves, which root.
//!
//! A [`Checkpoint`] alone says nothing about who signed it; [`Checkpoint::open`] verifies.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::note::{Note, Verified, VerifierKey, VerifyError};
use crate::text::{self, Fault, Malformed};
use crate::tree::Hash;

/// The body of a checkpoint. Prints as the text of its note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint that the log signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<'k> {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// By which keys of the log: one or more.
    pub log: Vec<Verified<'k>>,
    /// By which witnesses, each once. How many are enough is for the caller to say.
    pub witnesses: Vec<Verified<'k>>,
}

/// Why a signed checkpoint is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum OpenError {
    #[error("not a checkpoint: {0}")]
    Malformed(#[from] Malformed),
    #[error("the checkpoint is of the log {0:?}")]
    Origin(String),
    #[error(transparent)]
    Signature(#[from] VerifyError),
}

impl Checkpoint {
    /// A checkpoint without extension lines. The origin is one line that is not empty.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Malformed> {
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions: Vec::new() };
        // An origin of several lines would be read as something else.
        let read: Self = checkpoint.to_string().parse()?;
        if read == checkpoint { Ok(checkpoint) } else { Err(Fault::Control.at(1)) }
    }

    /// Which log it is about.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves its tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of its tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Further lines, which the log signed and nobody audits.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Its note, to be signed.
    pub fn note(&self) -> Result<Note, Malformed> {
        Note::new(self.to_string())
    }

    /// Reads a checkpoint of the log `origin` that one of the keys `log` signed.
    pub fn open<'k>(
        note: &Note,
        origin: &str,
        log: &'k [VerifierKey],
        witnesses: &'k [VerifierKey],
    ) -> Result<Opened<'k>, OpenError> {
        let log = note.verify(log)?;
        let witnesses = note.verify_any(witnesses)?;
        let checkpoint: Self = note.text().parse()?;
        if checkpoint.origin != origin {
            return Err(OpenError::Origin(checkpoint.origin));
        }
        Ok(Opened { checkpoint, log, witnesses })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = Malformed;

    fn from_str(body: &str) -> Result<Self, Malformed> {
        text::plain(body.as_bytes())?;
        let body = body.strip_suffix('\n').ok_or(Fault::Newline.at(body.split('\n').count()))?;
        let lines: Vec<&str> = body.split('\n').collect();
        if let Some(at) = lines.iter().position(|line| line.is_empty()) {
            return Err(Fault::Empty.at(at + 1));
        }
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(Fault::Missing.at(lines.len() + 1));
        };
        Ok(Self {
            origin: (*origin).to_owned(),
            size: text::number(size).map_err(|fault| fault.at(2))?,
            root: text::hash(root).map_err(|fault| fault.at(3))?,
            extensions: extensions.iter().map(|line| (*line).to_owned()).collect(),
        })
    }
}
