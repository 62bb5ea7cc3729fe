//! The functions' settings, from the environment that the template sets.

use countersign_domain::ids::{InvalidId, Origin};

/// A setting is missing or is not what it must be. The function cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct InvalidSetting {
    /// The variable.
    pub name: &'static str,
    /// What is wrong.
    pub problem: String,
}

/// A setting that must be there.
///
/// # Errors
/// When it is missing or empty.
pub fn required(name: &'static str) -> Result<String, InvalidSetting> {
    optional(name).ok_or(InvalidSetting { name, problem: "is missing or empty".into() })
}

/// A setting that may be absent; an empty one is absent.
pub fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A setting with a default.
pub fn or(name: &str, default: &str) -> String {
    optional(name).unwrap_or_else(|| default.to_owned())
}

/// The log's name.
///
/// # Errors
/// When it is missing, or is none.
pub fn log_origin() -> Result<Origin, InvalidSetting> {
    let invalid = |error: InvalidId| InvalidSetting { name: "LOG_ORIGIN", problem: error.to_string() };
    required("LOG_ORIGIN")?.parse().map_err(invalid)
}
