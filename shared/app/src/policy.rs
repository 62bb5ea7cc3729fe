//! The policy directory as it is now. It is read again when its files change; while it cannot be read or is not
//! whole there is no policy, and whoever needs one denies.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use countersign_domain::canonical::Digest;
use countersign_domain::refusal::Code;
use countersign_domain::review::{Evaluation, Excluded, Outcome};
use countersign_policy::{Policy, PolicyError};

use crate::store::Ask;

/// Where policy comes from.
#[derive(Debug)]
pub struct PolicySource {
    directory: PathBuf,
    last: Mutex<Option<(Stamp, Arc<Policy>)>>,
}

/// What tells that a directory changed: name, size and time of each file at its top.
type Stamp = Vec<(std::ffi::OsString, u64, Option<SystemTime>)>;

impl PolicySource {
    /// The directory at `path`; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { directory: path.into(), last: Mutex::new(None) }
    }

    /// The policy as it is now.
    ///
    /// # Errors
    /// When the directory cannot be read or what it holds is no policy.
    pub fn current(&self) -> Result<Arc<Policy>, PolicyError> {
        let stamp = stamp(&self.directory);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let (Some((known, policy)), Ok(now)) = (&*last, &stamp)
            && known == now
        {
            return Ok(Arc::clone(policy));
        }
        let policy = countersign_policy::dir::load(&self.directory).map(Arc::new).inspect_err(|error| {
            tracing::error!(error = %error, "there is no policy: every ask is denied and nobody can decide");
        })?;
        *last = stamp.ok().map(|stamp| (stamp, Arc::clone(&policy)));
        Ok(policy)
    }

    /// What policy says of an ask; without a policy it says no.
    pub fn evaluate(&self, ask: &Ask) -> Evaluation {
        match self.current() {
            Ok(policy) => policy.evaluate(&of(ask)),
            Err(_) => Evaluation {
                policy_digest: Digest::of(b"").into(),
                determining: vec!["policy unreadable".into()],
                outcome: Outcome::Deny { code: Code::PolicyDenied },
                excluded: Excluded::new(),
            },
        }
    }
}

/// The ask as policy reads it.
pub fn of(ask: &Ask) -> countersign_policy::Ask<'_> {
    countersign_policy::Ask {
        action: &ask.action.action,
        agent: &ask.agent_name,
        sso_session: ask.sso_session.as_deref(),
        verified: &[],
        on_behalf_of: ask.on_behalf_of.as_deref(),
        delegation_chain: &ask.delegation_chain,
    }
}

fn stamp(directory: &Path) -> std::io::Result<Stamp> {
    let mut stamp = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = std::fs::metadata(entry.path())?;
        stamp.push((entry.file_name(), metadata.len(), metadata.modified().ok()));
    }
    stamp.sort();
    Ok(stamp)
}
