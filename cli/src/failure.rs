//! Why a command did not do what was asked.
//!
//! One enum for the whole command: each variant is one exit code and one way to tell the reader what happened,
//! where, and how to mend it.

use crate::exit::Exit;
use crate::problem::Problem;
use crate::render::{Paint, visible};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or an input is wrong. Nothing was sent.
    #[error("{0}")]
    Usage(String),
    /// Something failed on this side.
    #[error("{0}")]
    Local(String),
    /// Evidence is not what the log signed.
    #[error("{0}")]
    Broken(String),
    /// Evidence could not be checked.
    #[error("{0}")]
    Unchecked(String),
    /// No usable credentials. Nothing was sent.
    #[error("{0}")]
    Credentials(String),
    /// The service refused.
    #[error("{}", .0.what())]
    Problem(Box<Problem>),
    /// No answer came.
    #[error("{host} {why}")]
    Unreachable {
        /// Whom the call was for.
        host: String,
        /// What went wrong.
        why: String,
        /// Whether the call may have arrived.
        sent: bool,
    },
    /// The answer is not what the API says.
    #[error("the answer was not understood: {0}")]
    NotUnderstood(String),
    /// One of the above, after an earlier try of the same call that may have been carried out.
    #[error("{0}")]
    InDoubt(Box<Failure>),
    /// One of the above, with what it means for the command at hand.
    #[error("{failure}")]
    Advised {
        /// What happened.
        failure: Box<Failure>,
        /// What to do.
        advice: String,
    },
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Local(_) | Failure::NotUnderstood(_) => Exit::Error,
            Failure::Broken(_) => Exit::Broken,
            Failure::Unchecked(_) => Exit::Unchecked,
            Failure::Credentials(_) => Exit::Credentials,
            Failure::Problem(problem) if problem.lacks_evidence() => Exit::AuditUnavailable,
            Failure::Problem(problem) if problem.status == 429 || problem.status >= 500 => Exit::Unavailable,
            Failure::Problem(_) => Exit::Problem,
            Failure::InDoubt(failure) if failure.exit() == Exit::AuditUnavailable => Exit::AuditUnavailable,
            Failure::Unreachable { .. } | Failure::InDoubt(_) => Exit::Unavailable,
            Failure::Advised { failure, .. } => failure.exit(),
        }
    }

    /// Whether a call that failed so may nevertheless have been carried out.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Failure::Usage(_)
            | Failure::Local(_)
            | Failure::Broken(_)
            | Failure::Unchecked(_)
            | Failure::Credentials(_) => false,
            Failure::Problem(problem) => problem.status >= 500 || problem.lacks_evidence(),
            Failure::Unreachable { sent, .. } => *sent,
            Failure::NotUnderstood(_) | Failure::InDoubt(_) => true,
            Failure::Advised { failure, .. } => failure.leaves_doubt(),
        }
    }

    /// Whether the very same call may succeed later.
    pub fn passes(&self) -> bool {
        match self {
            Failure::Problem(problem) => problem.passes(),
            Failure::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// This failure as the last of a call's tries, one of which may have been carried out. Only a refusal by the
    /// service itself settles that: it knows the call by its key or attempt.
    pub fn after_doubt(self) -> Failure {
        match &self {
            Failure::Problem(problem) if problem.settles() => self,
            _ => Failure::InDoubt(Box::new(self)),
        }
    }

    /// This failure with advice for the command at hand, when it leaves in doubt whether the call was carried out.
    pub fn if_in_doubt(self, advice: impl FnOnce() -> String) -> Failure {
        if self.leaves_doubt() {
            Failure::Advised { failure: Box::new(self), advice: advice() }
        } else {
            self
        }
    }

    /// The service's JSON about it, on one line.
    pub fn json(&self) -> Option<&str> {
        match self {
            Failure::Problem(problem) if !problem.json.is_empty() => Some(&problem.json),
            Failure::Advised { failure, .. } | Failure::InDoubt(failure) => failure.json(),
            _ => None,
        }
    }

    fn problem(&self) -> Option<&Problem> {
        match self {
            Failure::Problem(problem) => Some(problem),
            Failure::Advised { failure, .. } | Failure::InDoubt(failure) => failure.problem(),
            _ => None,
        }
    }

    /// What happened, where and how to mend it, for standard error.
    pub fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} {}\n", paint.bad("error:"), visible(&self.to_string()));
        let mut line = |label: &str, value: &str| {
            text.push_str(&format!("  {} {}\n", paint.label(label), visible(value)));
        };
        if let Some(problem) = self.problem() {
            if let Some(pointer) = &problem.said.pointer {
                line("where:", if pointer.is_empty() { "the whole body" } else { pointer });
            }
            if let Some(guidance) = problem.guidance() {
                line("guidance:", &guidance);
            }
        }
        if let Failure::Advised { advice, .. } = self {
            line("note:", advice);
        }
        text
    }
}
