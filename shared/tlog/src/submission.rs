//! What a log sends to a witness (C2SP tlog-witness, the body of `add-checkpoint`): the size that the witness knows,
//! why the checkpoint continues it, and the checkpoint.
//!
//! It proves nothing by itself: who reads it opens the checkpoint and verifies the proof.

use std::fmt;

use data_encoding::BASE64;

use crate::note::Note;
use crate::text::{self, Fault, Malformed};
use crate::tree::Hash;

/// The most hashes that a submission has.
pub const MAX_HASHES: usize = 63;

/// A checkpoint for a witness, not yet verified. Prints as the body of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The size that the witness cosigned last.
    pub old: u64,
    /// That the checkpoint's tree continues that of `old` leaves.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

impl Submission {
    /// Reads what `Display` writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let all = text::plain(bytes)?;
        let (head, note) = all.split_once("\n\n").ok_or(Fault::NoSignatures.at(all.split('\n').count()))?;
        let mut lines = (1..).zip(head.split('\n'));
        let (_, first) = lines.next().ok_or(Fault::Old.at(1))?;
        let old = first.strip_prefix("old ").ok_or(Fault::Old.at(1))?;
        let old = text::number(old).map_err(|fault| fault.at(1))?;
        let mut proof = Vec::new();
        for (number, line) in lines {
            if proof.len() == MAX_HASHES {
                return Err(Fault::TooManyHashes.at(number));
            }
            proof.push(text::hash(line).map_err(|fault| fault.at(number))?);
        }
        let before = proof.len() + 2;
        let checkpoint =
            Note::parse(note.as_bytes()).map_err(|Malformed { line, fault }| fault.at(line + before))?;
        Ok(Self { old, proof, checkpoint })
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
