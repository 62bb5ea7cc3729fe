//! Free text and its salted hash: the hash goes in the log, the text and the salt where they can be erased.

use countersign_domain::Digest;

use crate::clock::{NoRandomness, random};
use crate::store::Words;

impl Words {
    /// The text with a fresh salt.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(text: impl Into<String>) -> Result<Self, NoRandomness> {
        Ok(Self { text: text.into(), salt: data_encoding::HEXLOWER.encode(&random()?) })
    }

    /// The same for text that may be absent or blank.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn some(text: Option<&str>) -> Result<Option<Self>, NoRandomness> {
        text.filter(|t| !t.trim().is_empty()).map(Words::new).transpose()
    }

    /// SHA-256 over the salt as written and the text.
    pub fn hash(&self) -> Digest {
        Digest::of(format!("{}{}", self.salt, self.text).as_bytes())
    }
}
