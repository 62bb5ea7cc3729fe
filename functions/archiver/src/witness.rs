//! Asks a witness to cosign the newest checkpoint (C2SP tlog-witness), and keeps what it says as `witness/<size>`.
//!
//! It comes after everything else and in nobody's way: what fails here is counted and tried again with the next sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_app::env::{InvalidSetting, optional};
use countersign_app::log::Keep;
use countersign_app::ports::{Archive, Ledger, Signer};
use countersign_tlog::note::{Algorithm, Signature};
use countersign_tlog::tile::{ContentError, nodes};
use countersign_tlog::tree::{self, Hash};
use countersign_tlog::{Checkpoint, Note, Submission, Tile, VerifierKey};
use reqwest::StatusCode;

use crate::log::{Halt, Log, LogError, Logs};

/// The longest that one call takes, and all of them together.
const CALL: Duration = Duration::from_secs(5);
const ALL: Duration = Duration::from_secs(10);

/// How many bytes of an answer are read.
const ANSWER: usize = 16 * 1024;

/// How often a sweep asks: the first answer may be which size the witness knows, and another may have asked meanwhile.
const ASKS: usize = 3;

/// A witness of this log.
#[derive(Debug)]
pub struct Witness {
    url: String,
    key: VerifierKey,
    http: reqwest::Client,
    /// The size that it knew last, as far as this process knows.
    known: AtomicU64,
    /// The largest size whose cosignature is kept.
    kept: AtomicU64,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It does not answer.
    #[error("no answer: {0}")]
    Silent(String),
    /// It answers otherwise than it should.
    #[error("it answers {0}")]
    Refused(StatusCode),
    /// It knows a log that this one does not continue.
    #[error("it cosigned {0} leaves, and this log does not continue them")]
    Disagrees(u64),
    /// Others are faster all the time.
    #[error("it was asked by others meanwhile")]
    Overtaken,
    /// What it sent is no cosignature of its own.
    #[error("it sent no cosignature of its key")]
    NotItsOwn,
}

/// What it says to a checkpoint.
enum Answer {
    Lines(String),
    Knows(u64),
}

impl Witness {
    /// The witness of this process's environment, if there is one.
    pub fn from_env() -> Result<Option<Self>, InvalidSetting> {
        match (optional("WITNESS_URL"), optional("WITNESS_VKEY")) {
            (None, None) => Ok(None),
            (Some(url), Some(vkey)) => Self::new(&url, &vkey).map(Some),
            _ => Err(invalid("goes with WITNESS_URL and not without".into())),
        }
    }

    /// The witness at this submission prefix with this key.
    pub fn new(url: &str, vkey: &str) -> Result<Self, InvalidSetting> {
        let key: VerifierKey =
            vkey.parse().map_err(|error| invalid(format!("is no verifier key: {error}")))?;
        if key.algorithm() != Algorithm::Cosignature {
            return Err(invalid("is not the key of a witness (type 4)".into()));
        }
        let http = reqwest::Client::builder().timeout(CALL).redirect(reqwest::redirect::Policy::none());
        let http = http.build().map_err(|error| invalid(error.to_string()))?;
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        Ok(Self { url, key, http, known: AtomicU64::new(0), kept: AtomicU64::new(0) })
    }

    /// Has the newest checkpoint of the log cosigned, unless it is. `false` = it could not be had.
    pub async fn ask<T: Ledger, A: Archive, S: Signer>(&self, logs: &Logs<T, A, S>) -> bool {
        let cosign = async { self.cosign(&logs.current().await?).await };
        let asked = tokio::time::timeout(ALL, cosign).await;
        match asked.unwrap_or_else(|_| Err(WitnessError::Silent("it takes too long".into()))) {
            Ok(()) => true,
            Err(error @ WitnessError::Disagrees(_)) => {
                tracing::error!(error = %error, "the witness knows another log");
                false
            }
            Err(error) => {
                tracing::warn!(error = %error, "the newest checkpoint was not cosigned");
                false
            }
        }
    }

    async fn cosign<T: Ledger, A: Archive, S: Signer>(
        &self,
        log: &Log<'_, T, A, S>,
    ) -> Result<(), WitnessError> {
        let Some(head) = log.ready().await? else { return Ok(()) };
        if self.kept.load(Ordering::Relaxed) == head.size {
            return Ok(());
        }
        let path = log.path(&format!("witness/{:020}", head.size));
        if log.archive.oldest(&path).await.map_err(LogError::Bucket)?.is_none() {
            let note = log.signed(head.size, &head.root).await?;
            let cosigned = self.cosigned(log, head.size, note).await?;
            // Whoever else had it cosigned has another time in it, which is as good.
            let put = log.archive.put_if_absent(&path, cosigned.to_string().into_bytes(), Keep::Always).await;
            put.map_err(LogError::Bucket)?;
        }
        self.kept.store(head.size, Ordering::Relaxed);
        Ok(())
    }

    async fn cosigned<T: Ledger, A: Archive, S: Signer>(
        &self,
        log: &Log<'_, T, A, S>,
        size: u64,
        note: Note,
    ) -> Result<Note, WitnessError> {
        let mut old = self.known.load(Ordering::Relaxed).min(size);
        for _ in 0..ASKS {
            let proof = log.consistency(old, size).await?;
            match self.post(&Submission { old, proof, checkpoint: note.clone() }).await? {
                Answer::Lines(lines) => {
                    let cosigned = self.add(log, note, &lines).await?;
                    self.known.store(size, Ordering::Relaxed);
                    return Ok(cosigned);
                }
                // The same size and another root, or more than there is: the two have parted.
                Answer::Knows(known) if known == old || known > size => {
                    return Err(WitnessError::Disagrees(known));
                }
                Answer::Knows(known) => {
                    self.known.store(known, Ordering::Relaxed);
                    old = known;
                }
            }
        }
        Err(WitnessError::Overtaken)
    }

    async fn post(&self, submission: &Submission) -> Result<Answer, WitnessError> {
        // Its address is the operator's and stays out of the log.
        let silent = |error: reqwest::Error| WitnessError::Silent(error.without_url().to_string());
        let call = self.http.post(&self.url).body(submission.to_string());
        let mut answer = call.send().await.map_err(silent)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(silent)? {
            body.extend(chunk);
            if body.len() > ANSWER {
                return Err(WitnessError::Silent("its answer has no end".into()));
            }
        }
        let body = String::from_utf8(body).map_err(|_| WitnessError::Refused(status))?;
        match status {
            StatusCode::OK => Ok(Answer::Lines(body)),
            StatusCode::CONFLICT => {
                body.trim_end().parse().map(Answer::Knows).map_err(|_| WitnessError::Refused(status))
            }
            // The proof is from the size that it named: it knows another root of that size.
            StatusCode::UNPROCESSABLE_ENTITY => Err(WitnessError::Disagrees(submission.old)),
            other => Err(WitnessError::Refused(other)),
        }
    }

    /// The checkpoint with the witness's line, verified. Lines of keys that nobody named are left out.
    async fn add<T: Ledger, A: Archive, S: Signer>(
        &self,
        log: &Log<'_, T, A, S>,
        note: Note,
        lines: &str,
    ) -> Result<Note, WitnessError> {
        let (of_log, of_witness) = ([log.key().await?], std::slice::from_ref(&self.key));
        let with = |line: &str| {
            let mut note = note.clone();
            note.signatures.push(line.parse::<Signature>().ok()?);
            let opened = Checkpoint::open(&note, log.origin.as_str(), &of_log, of_witness).ok()?;
            (!opened.witnesses.is_empty()).then_some(note)
        };
        lines.lines().find_map(with).ok_or(WitnessError::NotItsOwn)
    }
}

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// That the published tree of `size` leaves continues that of `old`.
    async fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let mut wanted = BTreeSet::new();
        // Once to see which tiles it takes.
        let look = nodes(size, |tile| {
            wanted.insert(tile);
            Ok::<_, ContentError>(vec![[0; 32]; tile.width().into()])
        });
        let malformed = |_| LogError::Halted(Halt::Root(size));
        tree::prove_consistency(old, size, look).map_err(malformed)?;
        let files: BTreeMap<_, _> = self.files(wanted.iter().map(Tile::path)).await?.into_iter().collect();
        let read = nodes(size, |tile| {
            let bytes = files.get(&tile.path()).ok_or(ContentError::TooFew(tile))?;
            tile.hashes(bytes).map(<[Hash]>::to_vec)
        });
        tree::prove_consistency(old, size, read).map_err(malformed)
    }
}

fn invalid(problem: String) -> InvalidSetting {
    InvalidSetting { name: "WITNESS_VKEY", problem }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
