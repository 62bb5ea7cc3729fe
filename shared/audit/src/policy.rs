//! The auditor's trust policy (C2SP tlog-policy): which logs, which witnesses, and how many of them are enough.
//!
//! It comes over another channel than the pack, and holds the only keys that anything is verified with.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> <k|any|all> <name>...
//! quorum <name|none>
//! ```
//!
//! Names are defined above where they are used, and once. Empty lines and lines that begin with `#` say nothing.

use std::collections::BTreeSet;
use std::str::FromStr;

use countersign_tlog::checkpoint::OpenError;
use countersign_tlog::note::{Algorithm, KeyError};
use countersign_tlog::{Checkpoint, Note, VerifierKey};
use data_encoding::HEXUPPER;
use sha2::{Digest as _, Sha256};

/// A policy is longer than any needs to be.
const MAX_LINES: usize = 1000;

/// What the auditor trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    /// In the order of their lines: members stand before their groups.
    names: Vec<(String, Rule)>,
    quorum: Option<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Witness(VerifierKey),
    Group { threshold: usize, members: BTreeSet<String> },
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PolicyFault {
    #[error("not UTF-8")]
    Utf8,
    #[error("begins with none of log, witness, group, quorum")]
    Keyword,
    #[error("too few or too many words")]
    Words,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("a log signs as Ed25519, type 1, a witness as a cosignature, type 4")]
    Algorithm,
    #[error("{0:?} is defined above, or cannot be a name")]
    Name(String),
    #[error("{0:?} is not defined above")]
    Unknown(String),
    #[error("not a number from 1 to the number of members, any or all")]
    Threshold,
    #[error("a second quorum")]
    SecondQuorum,
    #[error("the policy names no log")]
    NoLog,
    #[error("the policy says no quorum; \"quorum none\" asks for no witness")]
    NoQuorum,
    #[error("more than {MAX_LINES} lines")]
    TooLong,
}

/// A checkpoint that a trusted log signed, and which trusted witnesses did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The names of the witnesses' keys, each once.
    pub witnesses: BTreeSet<String>,
    /// Whether they are enough; `None` where the policy asks for none.
    pub quorum: Option<bool>,
}

impl TrustPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// With the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.iter().take(error.valid_up_to());
            PolicyFault::Utf8.at(1 + before.filter(|byte| **byte == b'\n').count())
        })?;
        let mut policy = Self { logs: Vec::new(), witnesses: Vec::new(), names: Vec::new(), quorum: None };
        let (mut quorum, mut last) = (false, 1);
        for (number, line) in (1..).zip(text.lines()) {
            last = number;
            if number > MAX_LINES {
                return Err(PolicyFault::TooLong.at(number));
            }
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            policy.line(&words, &mut quorum).map_err(|fault| fault.at(number))?;
        }
        match (policy.logs.is_empty(), quorum) {
            (true, _) => Err(PolicyFault::NoLog.at(last)),
            (_, false) => Err(PolicyFault::NoQuorum.at(last)),
            _ => Ok(policy),
        }
    }

    fn line(&mut self, words: &[&str], quorum: &mut bool) -> Result<(), PolicyFault> {
        match words {
            ["log", key] | ["log", key, _] => self.logs.push(key_of(key, Algorithm::Ed25519)?),
            ["witness", name, key] | ["witness", name, key, _] => {
                let key = key_of(key, Algorithm::Cosignature)?;
                self.define(name, Rule::Witness(key.clone()))?;
                self.witnesses.push(key);
            }
            ["group", name, threshold, members @ ..] if !members.is_empty() => {
                let unknown = members.iter().find(|member| !self.knows(member));
                if let Some(member) = unknown {
                    return Err(PolicyFault::Unknown((*member).to_owned()));
                }
                let named: BTreeSet<String> = members.iter().map(|m| (*m).to_owned()).collect();
                let threshold = match *threshold {
                    "any" => 1,
                    "all" => named.len(),
                    number => number.parse().map_err(|_| PolicyFault::Threshold)?,
                };
                // Who is named twice would not count twice.
                if threshold == 0 || threshold > named.len() || named.len() != members.len() {
                    return Err(PolicyFault::Threshold);
                }
                self.define(name, Rule::Group { threshold, members: named })?;
            }
            ["quorum", name] => {
                if std::mem::replace(quorum, true) {
                    return Err(PolicyFault::SecondQuorum);
                }
                match *name {
                    "none" => {}
                    name if self.knows(name) => self.quorum = Some(name.to_owned()),
                    name => return Err(PolicyFault::Unknown(name.to_owned())),
                }
            }
            ["log" | "witness" | "group" | "quorum", ..] => return Err(PolicyFault::Words),
            _ => return Err(PolicyFault::Keyword),
        }
        Ok(())
    }

    fn define(&mut self, name: &str, rule: Rule) -> Result<(), PolicyFault> {
        if name == "none" || self.knows(name) {
            return Err(PolicyFault::Name(name.to_owned()));
        }
        self.names.push((name.to_owned(), rule));
        Ok(())
    }

    /// The keys of the logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Whether it asks for witnesses.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Reads a checkpoint that the log `origin` signed with a key of this policy.
    ///
    /// # Errors
    /// When no log of this name is trusted, or the signature or any known witness's is wrong.
    pub fn open(&self, note: &Note, origin: &str) -> Result<Trusted, OpenError> {
        // A log's key has the log's name: the key of another log says nothing of this one.
        let keys: Vec<VerifierKey> = self.logs.iter().filter(|key| key.name() == origin).cloned().collect();
        let opened = Checkpoint::open(note, origin, &keys, &self.witnesses)?;
        let signed: Vec<&VerifierKey> = opened.witnesses.iter().map(|verified| verified.key).collect();
        Ok(Trusted {
            witnesses: signed.iter().map(|key| key.name().to_owned()).collect(),
            quorum: self.quorum.as_ref().map(|name| self.is_met(name, &signed)),
            checkpoint: opened.checkpoint,
        })
    }

    /// One look at each name: a group's members stand above it.
    fn is_met(&self, quorum: &str, signed: &[&VerifierKey]) -> bool {
        let mut met = BTreeSet::new();
        for (name, rule) in &self.names {
            let holds = match rule {
                Rule::Witness(key) => signed.contains(&key),
                Rule::Group { threshold, members } => {
                    members.iter().filter(|member| met.contains(member.as_str())).count() >= *threshold
                }
            };
            if holds {
                met.insert(name.as_str());
            }
        }
        met.contains(quorum)
    }

    fn knows(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }
}

impl FromStr for TrustPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::parse(text.as_bytes())
    }
}

impl PolicyFault {
    fn at(self, line: usize) -> PolicyError {
        PolicyError { line, fault: self }
    }
}

/// What two people compare of a key: SHA-256 over its verifier key, in groups to be read out.
pub fn fingerprint(key: &VerifierKey) -> String {
    let hex = HEXUPPER.encode(&Sha256::digest(key.to_string()));
    let groups: Vec<&str> =
        hex.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

fn key_of(text: &str, algorithm: Algorithm) -> Result<VerifierKey, PolicyFault> {
    let key: VerifierKey = text.parse()?;
    if key.algorithm() == algorithm { Ok(key) } else { Err(PolicyFault::Algorithm) }
}
