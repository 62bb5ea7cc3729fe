//! The signer, and what a witness remembers.

use ed25519_dalek::{Signature, VerifyingKey};

use futures::future::join_all;

use crate::log::Observed;
use crate::ports::{Observations, PortError, SIGNED_AT_MOST, Signer};

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

pub(super) async fn a_checkpoint_is_remembered_as_read<O: Observations>(observations: &O) {
    let at = |size, root| Observed { size, root: [root; 32] };
    let (origin, other) = ("example.com/log", "example.com/other log");
    assert_eq!(observations.observed(origin).await, Ok(None));
    let check = async |read: Option<&Observed>, now: &Observed, expect: bool| {
        assert_eq!(observations.observe(origin, read, now).await, Ok(expect), "{read:?} {now:?}");
    };
    let (one, two) = (at(1, 1), at(u64::MAX, 2));
    check(Some(&one), &two, false).await;
    check(None, &one, true).await;
    check(None, &two, false).await;
    check(Some(&at(1, 2)), &two, false).await;
    check(Some(&at(2, 1)), &two, false).await;
    assert_eq!(observations.observed(origin).await, Ok(Some(one.clone())));
    check(Some(&one), &one, true).await;
    check(Some(&one), &two, true).await;
    assert_eq!(observations.observed(origin).await, Ok(Some(two)));
    assert_eq!(observations.observed(other).await, Ok(None));
}

pub(super) async fn one_of_many_observers_wins<O: Observations>(observations: &O) {
    let all: Vec<_> = (0..6).map(|n| Observed { size: n, root: [7; 32] }).collect();
    let done = join_all(all.iter().map(|now| observations.observe("log", None, now))).await;
    let won: Vec<_> = done.iter().zip(&all).filter(|(done, _)| **done == Ok(true)).collect();
    assert_eq!(won.len(), 1, "{done:?}");
    assert_eq!(observations.observed("log").await, Ok(Some(won[0].1.clone())));
}
