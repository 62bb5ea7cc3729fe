//! Signed notes (C2SP signed-note): a text and signatures over it, with Ed25519 alone or as a witness's
//! cosignature with its time (C2SP tlog-cosignature, `cosignature/v1`).
//!
//! It holds public keys only. Whoever holds a private one signs [`Note::message`] and gives 64 bytes back.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::text::{self, Fault, Malformed};

/// A note with more signatures is refused.
pub const MAX_SIGNATURES: usize = 100;

/// What a key signs, and the byte that stands for it in key ids and verifier keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// The text.
    Ed25519 = 1,
    /// The time and the text of a checkpoint.
    Cosignature = 4,
}

/// Why a verifier key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum KeyError {
    #[error("a verifier key is \"name+id+base64\", in its one form")]
    Form,
    #[error("a key name is not empty and has no spaces, control characters or plus")]
    Name,
    #[error("keys of type {0} are not supported")]
    Algorithm(u8),
    #[error("the key is not a usable Ed25519 public key")]
    Point,
    #[error("the id does not belong to the name and key")]
    Id,
}

/// Why a note is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum VerifyError {
    #[error("no signature is by a key that is known")]
    Unknown,
    #[error("the signature of {0} is wrong")]
    Wrong(String),
}

/// A public key with its name. Prints as a vkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key from the 32 bytes of its public part.
    pub fn new(name: &str, algorithm: Algorithm, key: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let point = VerifyingKey::from_bytes(key).ok().filter(|point| !point.is_weak());
        let digest = Sha256::new_with_prefix(name).chain_update([b'\n', algorithm as u8]).chain_update(key);
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
        let id = u32::from_be_bytes([a, b, c, d]);
        Ok(Self { name: name.to_owned(), id, algorithm, key: point.ok_or(KeyError::Point)? })
    }

    /// The name, in signature lines too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The time signed, if its algorithm has one; none if the signature is wrong.
    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (time, raw) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature),
            Algorithm::Cosignature => {
                let (time, raw) = signature.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                // The format's bound.
                i64::try_from(time).ok()?;
                (Some(time), raw)
            }
        };
        let raw = ed25519_dalek::Signature::from_slice(raw).ok()?;
        self.key.verify_strict(&message(text, time), &raw).ok()?;
        Some(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, BASE64.encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let bytes = text::base64(key).map_err(|_| KeyError::Form)?;
        let (algorithm, key) = match bytes.split_first() {
            Some((1, key)) => (Algorithm::Ed25519, key),
            Some((4, key)) => (Algorithm::Cosignature, key),
            Some((other, _)) => return Err(KeyError::Algorithm(*other)),
            None => return Err(KeyError::Form),
        };
        let key = Self::new(name, algorithm, key.try_into().map_err(|_| KeyError::Point)?)?;
        if key.to_string() == vkey { Ok(key) } else { Err(KeyError::Id) }
    }
}

/// One signature line, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.to_be_bytes().as_slice(), &self.bytes].concat();
        write!(f, "— {} {}", self.name, BASE64.encode(&bytes))
    }
}

impl FromStr for Signature {
    type Err = Fault;

    /// Reads a line without its newline, as a witness answers it.
    fn from_str(line: &str) -> Result<Self, Fault> {
        let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let (name, encoded) = parts.ok_or(Fault::Signature)?;
        if !is_name(name) {
            return Err(Fault::Name);
        }
        let decoded = text::base64(encoded)?;
        match decoded.split_first_chunk() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
            }
            _ => Err(Fault::Signature),
        }
    }
}

/// A text and its signatures, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    /// In the order of their lines. Without any, what prints is not a note yet.
    pub signatures: Vec<Signature>,
}

/// A signature that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'k> {
    /// By whom.
    pub key: &'k VerifierKey,
    /// When, in seconds since 1970, if it is a cosignature.
    pub time: Option<u64>,
}

impl Note {
    /// A text that nobody signed yet.
    pub fn new(text: String) -> Result<Self, Malformed> {
        text::plain(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(Fault::Newline.at(text.split('\n').count()));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note with one signature or more.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let all = text::plain(bytes)?;
        let lines = all.split('\n').count();
        let body = all.strip_suffix('\n').ok_or(Fault::Newline.at(lines))?;
        let (text, signatures) = body.rsplit_once("\n\n").ok_or(Fault::NoSignatures.at(lines))?;
        let first = text.split('\n').count() + 2;
        let mut note = Self { text: format!("{text}\n"), signatures: Vec::new() };
        for (line, signature) in (first..).zip(signatures.split('\n')) {
            if note.signatures.len() == MAX_SIGNATURES {
                return Err(Fault::TooManySignatures.at(line));
            }
            note.signatures.push(signature.parse().map_err(|fault: Fault| fault.at(line))?);
        }
        Ok(note)
    }

    /// What is signed; to be trusted only after [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes to sign: the text, or for a cosignature the time (seconds since 1970) and the text.
    pub fn message(&self, time: Option<u64>) -> Vec<u8> {
        message(&self.text, time)
    }

    /// Adds the signature that `sign` makes of [`Note::message`], after a look that it is the key's.
    pub fn sign<E: From<VerifyError>>(
        &mut self,
        key: &VerifierKey,
        time: Option<u64>,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<(), E> {
        let raw = sign(&self.message(time))?;
        let mut bytes: Vec<u8> = time.map(u64::to_be_bytes).into_iter().flatten().collect();
        bytes.extend(raw);
        if key.check(&self.text, &bytes) != Some(time) {
            return Err(VerifyError::Wrong(key.name.clone()).into());
        }
        self.signatures.push(Signature { name: key.name.clone(), id: key.id, bytes });
        Ok(())
    }

    /// The signatures by these keys: at least one, and one for each key. A wrong one refuses the note.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, VerifyError> {
        let verified = self.verify_any(keys)?;
        if verified.is_empty() { Err(VerifyError::Unknown) } else { Ok(verified) }
    }

    /// The same, but none will do: for witnesses beside the log's own signature.
    pub(crate) fn verify_any<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, VerifyError> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| key.id == signature.id && key.name == signature.name;
            // A key that is listed or has signed twice still counts once.
            if let Some(key) = keys.iter().find(known) {
                let wrong = || VerifyError::Wrong(key.name.clone());
                let time = key.check(&self.text, &signature.bytes).ok_or_else(wrong)?;
                if !verified.iter().any(|before| before.key == key) {
                    verified.push(Verified { key, time });
                }
            }
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn message(text: &str, time: Option<u64>) -> Vec<u8> {
    match time {
        None => text.as_bytes().to_vec(),
        Some(time) => format!("cosignature/v1\ntime {time}\n{text}").into_bytes(),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ')
}
