//! What can be wrong with a policy directory. Whoever gets one of these denies every ask.

/// Why there is no policy: which file, where in it, what is wrong and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A file or the directory cannot be read.
    #[error("{path}: {problem}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the operating system says, or what the directory may not hold.
        problem: String,
    },
    /// A file is not there.
    #[error("{file} is missing; the policy directory must hold profiles.toml, people.toml and agents.toml")]
    Missing {
        /// The file.
        file: &'static str,
    },
    /// A file is not TOML of the wanted form.
    #[error("{file}, line {line}: {problem}")]
    Malformed {
        /// The file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong there, and what is expected.
        problem: String,
    },
    /// A value cannot stand where it does.
    #[error("{file}, {key}: {problem}")]
    Invalid {
        /// The file.
        file: &'static str,
        /// The key's path, e.g. `profile.default.levels[0].after`.
        key: String,
        /// What is wrong there, and how to mend it.
        problem: String,
    },
}
