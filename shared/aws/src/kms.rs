//! KMS: the log's signing key. It never leaves the service; what comes back is checked to be Ed25519.

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use countersign_app::ports::{PortError, SIGNED_AT_MOST, Signer};

use crate::error::unavailable;

/// What stands before the 32 bytes of every Ed25519 key in a SubjectPublicKeyInfo (RFC 8410): it has no options.
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The signing key of one stack.
#[derive(Debug, Clone)]
pub struct KmsSigner {
    client: Client,
    key: String,
}

impl KmsSigner {
    /// The key with this id or ARN.
    pub fn new(config: &SdkConfig, key: impl Into<String>) -> Self {
        Self { client: Client::new(config), key: key.into() }
    }
}

impl Signer for KmsSigner {
    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], PortError> {
        if !(1..=SIGNED_AT_MOST).contains(&message.len()) {
            return Err(unavailable("Sign", Some(&format!("a message of {} bytes", message.len()))));
        }
        let call = self.client.sign().key_id(&self.key).message(Blob::new(message));
        let call = call.message_type(MessageType::Raw).signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512);
        let answer = call.send().await;
        let answer = answer.map_err(|e| unavailable("Sign", e.as_service_error().and_then(|e| e.code())))?;
        let signature = answer.signature.and_then(|bytes| bytes.into_inner().try_into().ok());
        signature.ok_or_else(|| unavailable("Sign", Some("not a signature of Ed25519")))
    }

    async fn public_key(&self) -> Result<[u8; 32], PortError> {
        let answer = self.client.get_public_key().key_id(&self.key).send().await;
        let answer =
            answer.map_err(|e| unavailable("GetPublicKey", e.as_service_error().and_then(|e| e.code())))?;
        ed25519(&answer).ok_or_else(|| unavailable("GetPublicKey", Some("not an Ed25519 key for signing")))
    }
}

/// The key in the answer, if it is one of Ed25519 and made for signing.
fn ed25519(answer: &GetPublicKeyOutput) -> Option<[u8; 32]> {
    let signs = answer.key_usage == Some(KeyUsageType::SignVerify);
    let of_its_kind = answer.key_spec == Some(KeySpec::EccNistEdwards25519);
    let key = answer.public_key.as_ref()?.as_ref().strip_prefix(&ED25519)?;
    if signs && of_its_kind { key.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signing_key_of_ed25519_is_taken() {
        fn check(usage: KeyUsageType, spec: KeySpec, der: &[u8], taken: bool) {
            let answer = GetPublicKeyOutput::builder().key_usage(usage.clone()).key_spec(spec.clone());
            let answer = answer.public_key(Blob::new(der)).build();
            assert_eq!(ed25519(&answer), taken.then_some([7; 32]), "{usage} {spec} {der:02x?}");
        }
        let (sign, edwards) = (KeyUsageType::SignVerify, KeySpec::EccNistEdwards25519);
        let whole = [&ED25519[..], &[7; 32]].concat();
        check(sign.clone(), edwards.clone(), &whole, true);
        check(KeyUsageType::KeyAgreement, edwards.clone(), &whole, false);
        check(sign.clone(), KeySpec::EccNistP256, &whole, false);
        check(sign.clone(), edwards.clone(), &whole[..43], false);
        check(sign.clone(), edwards.clone(), &[&whole[..], &[7]].concat(), false);
        check(sign.clone(), edwards.clone(), &whole[12..], false);
        for place in 0..ED25519.len() {
            let mut other = whole.clone();
            other[place] ^= 1;
            check(sign.clone(), edwards.clone(), &other, false);
        }
        assert_eq!(ed25519(&GetPublicKeyOutput::builder().build()), None);
    }
}
