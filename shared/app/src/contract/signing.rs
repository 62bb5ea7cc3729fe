//! The signer.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::ports::{PortError, SIGNED_AT_MOST, Signer};

const NOTE: &[u8] = b"countersign.test/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

async fn verifies<S: Signer>(by: &S, message: &[u8], signature: [u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(&by.public_key().await.unwrap()).unwrap();
    key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok()
}

pub(super) async fn a_signature_verifies_and_is_always_the_same<S: Signer>(signer: &S) {
    let signature = signer.sign(NOTE).await.unwrap();
    assert!(verifies(signer, NOTE, signature).await);
    assert_eq!(signer.sign(NOTE).await, Ok(signature));
    assert_ne!(signer.sign(b"another").await, Ok(signature));
    assert_eq!(signer.public_key().await, signer.public_key().await);
}

pub(super) async fn two_keys_are_two<S: Signer>(one: &S, other: &S) {
    assert_ne!(one.public_key().await, other.public_key().await);
    assert!(!verifies(other, NOTE, one.sign(NOTE).await.unwrap()).await);
}

pub(super) async fn only_a_message_that_fits_is_signed<S: Signer>(signer: &S) {
    for length in [1, SIGNED_AT_MOST] {
        let message = vec![b'x'; length];
        let signature = signer.sign(&message).await.unwrap();
        assert!(verifies(signer, &message, signature).await, "{length} bytes");
    }
    for length in [0, SIGNED_AT_MOST + 1] {
        let refused = PortError::Unavailable(format!("Sign: a message of {length} bytes"));
        assert_eq!(signer.sign(&vec![b'x'; length]).await, Err(refused));
    }
}
