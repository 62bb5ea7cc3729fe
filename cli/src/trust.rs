//! Trust policies that the auditor keeps: public keys alone, one file for each log, in the user's configuration.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_audit::TrustPolicy;
use countersign_tlog::VerifierKey;

use crate::failure::Failure;

/// A policy and its text.
#[derive(Debug)]
pub struct Kept {
    /// What is trusted.
    pub policy: TrustPolicy,
    /// As it stands in its file.
    pub text: String,
}

impl Kept {
    /// Reads a policy, or a verifier key alone, which is a policy without witnesses.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it is neither.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Failure> {
        let alone = text.trim().parse::<VerifierKey>().ok();
        let text = alone.map_or_else(|| text.to_owned(), |key| format!("log {key}\nquorum none\n"));
        let policy = text.parse().map_err(|e| Failure::Usage(format!("{origin} is no trust policy: {e}")))?;
        Ok(Self { policy, text })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", path.display())))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Which logs it is about.
    pub fn logs(&self) -> Vec<&str> {
        self.policy.logs().iter().map(VerifierKey::name).collect()
    }
}

/// Where policies are kept.
///
/// # Errors
/// [`Failure::Usage`] when the environment names no home.
pub fn directory() -> Result<PathBuf, Failure> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = given("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| given("HOME").map(|home| home.join(".config")));
    let base = base.ok_or_else(|| Failure::Usage("neither XDG_CONFIG_HOME nor HOME is set".into()))?;
    Ok(base.join("countersign").join("trust"))
}

/// Every policy that is kept, with its file.
///
/// # Errors
/// [`Failure::Usage`] when one cannot be read: what is not understood is not passed over.
pub fn all() -> Result<Vec<(PathBuf, Kept)>, Failure> {
    let directory = directory()?;
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| cannot(&directory, &e))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| cannot(&directory, &e))?.path();
        if path.extension().is_some_and(|end| end == "policy") {
            let kept = Kept::read(&path)?;
            found.push((path, kept));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Keeps a policy.
///
/// # Errors
/// [`Failure::Usage`] when there is another for one of its logs, unless it is to be replaced.
pub fn keep(kept: &Kept, replace: bool) -> Result<PathBuf, Failure> {
    let (directory, logs) = (directory()?, kept.logs());
    let Some(first) = logs.first() else { return Err(Failure::Usage("it names no log".into())) };
    let path = directory.join(format!("{}.policy", first.replace('%', "%25").replace('/', "%2F")));
    let rivals = all()?.into_iter().filter(|(_, other)| other.logs().iter().any(|log| logs.contains(log)));
    for (rival, other) in rivals {
        if other.text == kept.text {
            return Ok(rival);
        }
        if !replace {
            let (log, at) = (logs.join(", "), rival.display());
            return Err(Failure::Usage(format!(
                "{at} is kept for {log} and says otherwise: find out why before you use --replace"
            )));
        }
        fs::remove_file(&rival).map_err(|e| cannot(&rival, &e))?;
    }
    fs::create_dir_all(&directory).map_err(|e| cannot(&directory, &e))?;
    fs::write(&path, &kept.text).map_err(|e| cannot(&path, &e))?;
    Ok(path)
}

/// The policy to use for a log: the one given, else the one that is kept for it. Without a name, the only one.
///
/// # Errors
/// [`Failure::Unchecked`] when there is none.
pub fn policy(given: Option<&Path>, origin: Option<&str>) -> Result<TrustPolicy, Failure> {
    if let Some(path) = given {
        return Ok(Kept::read(path)?.policy);
    }
    let fits = |kept: &Kept| origin.is_none_or(|origin| kept.logs().contains(&origin));
    let mut found: Vec<_> = all()?.into_iter().filter(|(_, kept)| fits(kept)).collect();
    match (found.pop(), found.is_empty()) {
        (Some((_, kept)), true) => Ok(kept.policy),
        (Some(_), false) => {
            Err(Failure::Unchecked("several logs are trusted: choose one with --policy".into()))
        }
        (None, _) => Err(Failure::Unchecked(format!(
            "no key is trusted for {}: get it from another channel and keep it with countersign audit trust add",
            origin.unwrap_or("any log")
        ))),
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Local(format!("{}: {error}", path.display()))
}
