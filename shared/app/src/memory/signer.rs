//! A signing key in memory.

use ed25519_dalek::{Signer as _, SigningKey};

use super::{Faults, Op};
use crate::ports::{PortError, SIGNED_AT_MOST, Signer};

/// A signing key in memory.
#[derive(Debug)]
pub struct LocalSigner {
    /// What goes wrong next.
    pub faults: Faults,
    key: SigningKey,
}

impl LocalSigner {
    /// The key with this seed: the same seed gives the same key.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { faults: Faults::default(), key: SigningKey::from_bytes(&seed) }
    }
}

impl Signer for LocalSigner {
    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], PortError> {
        let sign = || match message.len() {
            1..=SIGNED_AT_MOST => Ok(self.key.sign(message).to_bytes()),
            length => Err(PortError::Unavailable(format!("Sign: a message of {length} bytes"))),
        };
        self.faults.around(Op::Sign, sign).await
    }

    async fn public_key(&self) -> Result<[u8; 32], PortError> {
        self.faults.around(Op::PublicKey, || Ok(self.key.verifying_key().to_bytes())).await
    }
}
