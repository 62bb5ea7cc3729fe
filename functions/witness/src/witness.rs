//! What a witness says to a checkpoint. It must not know HTTP.
//!
//! One conditional write on the log's item is the witness's word: only what was written is signed. The time in a
//! cosignature was read before that write, so at that time no larger checkpoint of the log had been cosigned.

use countersign_app::log::Observed;
use countersign_app::ports::{Observations, PortError, SIGNED_AT_MOST, Signer};
use countersign_domain::Time;
use countersign_tlog::note::{Algorithm, VerifyError};
use countersign_tlog::tree::{empty_root, verify_consistency};
use countersign_tlog::{Checkpoint, Submission, VerifierKey};
use tokio::sync::OnceCell;

/// A witness and what it needs.
#[derive(Debug)]
pub struct Witness<O, S> {
    /// What it cosigned last, by log.
    pub observations: O,
    /// Its key.
    pub signer: S,
    /// The name of its key.
    pub name: String,
    /// The logs that it cosigns: origin, and a key that signs it.
    pub logs: Vec<(String, VerifierKey)>,
    /// The public key, once it was asked for.
    pub key: OnceCell<VerifierKey>,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a submission, or not one that can be.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The log is none of the witness's.
    #[error("the log is not known here")]
    UnknownLog,
    /// No key of the log signed it.
    #[error("the checkpoint is not signed by a key that is trusted for the log")]
    Signature,
    /// The log is not where the sender thinks: it was cosigned with so many leaves, or with that size and another root.
    #[error("the newest checkpoint that was cosigned has {0} leaves")]
    Conflict(u64),
    /// The proof does not lead from the known root to the new one.
    #[error("the consistency proof does not verify")]
    Proof,
    /// Table or key do not answer. Nothing is signed that was not remembered.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl From<PortError> for Refused {
    fn from(error: PortError) -> Self {
        Refused::Unavailable(error.to_string())
    }
}

impl<O: Observations, S: Signer> Witness<O, S> {
    /// The cosignature line for the checkpoint in `body`, if it continues what was cosigned before.
    pub async fn add(&self, body: &[u8], now: Time) -> Result<String, Refused> {
        let malformed = |why: String| Refused::Malformed(why);
        let sent = Submission::parse(body).map_err(|error| malformed(error.to_string()))?;
        let new: Checkpoint =
            sent.checkpoint.text().parse().map_err(|e| malformed(format!("checkpoint: {e}")))?;
        let origin = new.origin();
        let of_log = self.logs.iter().filter(|(known, _)| known == origin);
        let keys: Vec<_> = of_log.map(|(_, key)| key.clone()).collect();
        if keys.is_empty() {
            return Err(Refused::UnknownLog);
        }
        Checkpoint::open(&sent.checkpoint, origin, &keys, &[]).map_err(|_| Refused::Signature)?;
        if sent.old > new.size() {
            return Err(malformed("the old size is larger than the checkpoint's".into()));
        }
        let time = u64::try_from(now.millis() / 1000).unwrap_or(0);
        let message = sent.checkpoint.message(Some(time));
        if message.len() > SIGNED_AT_MOST {
            return Err(malformed("the checkpoint is too long to be signed".into()));
        }

        let read = self.observations.observed(origin).await?;
        let known = read.clone().unwrap_or(Observed { size: 0, root: empty_root() });
        let same_size_other_root = known.size == new.size() && known.root != *new.root();
        if sent.old != known.size || same_size_other_root {
            if same_size_other_root {
                tracing::error!(
                    log.origin = origin,
                    log.size = known.size,
                    "a log signed two roots of one size"
                );
            }
            return Err(Refused::Conflict(known.size));
        }
        let (old, after) = ((known.size, &known.root), (new.size(), new.root()));
        verify_consistency(old, after, &sent.proof).map_err(|_| Refused::Proof)?;

        let observed = Observed { size: new.size(), root: *new.root() };
        if !self.observations.observe(origin, read.as_ref(), &observed).await? {
            let newer = self.observations.observed(origin).await?;
            return Err(Refused::Conflict(newer.map_or(0, |newer| newer.size)));
        }
        let signature = self.signer.sign(&message).await?;
        let mut note = sent.checkpoint;
        note.sign(self.key().await?, Some(time), |_| Ok::<_, VerifyError>(signature))
            .map_err(|error| Refused::Unavailable(error.to_string()))?;
        note.signatures
            .last()
            .map(ToString::to_string)
            .ok_or_else(|| Refused::Unavailable("no signature".into()))
    }

    /// What its cosignatures are verified with.
    pub async fn key(&self) -> Result<&VerifierKey, Refused> {
        let ask = || async {
            let public = self.signer.public_key().await?;
            VerifierKey::new(&self.name, Algorithm::Cosignature, &public)
                .map_err(|error| Refused::Unavailable(error.to_string()))
        };
        self.key.get_or_try_init(ask).await
    }
}
