//! The exit codes: a stable part of the interface, told in `--help` and in docs/cli.md.
//!
//! 0 is the only code that may be read as "go on"; everything that is not surely so has a code of its own.

use std::fmt::Write as _;
use std::process::ExitCode;

macro_rules! exits {
    ($($name:ident = $code:literal, $word:literal, $meaning:literal;)*) => {
        /// How the command ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Exit {
            $(#[doc = $meaning] $name,)*
        }

        impl Exit {
            /// Every exit, by rising code.
            pub const ALL: &'static [Exit] = &[$(Exit::$name,)*];

            /// The number the process ends with.
            pub fn code(self) -> u8 {
                match self { $(Exit::$name => $code,)* }
            }

            /// The exit in one word.
            pub fn word(self) -> &'static str {
                match self { $(Exit::$name => $word,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Exit::$name => $meaning,)* }
            }
        }
    };
}

exits! {
    Ok = 0, "ok", "Done; of a request: approved (with `--consume`: consumed by this very call), so it may go on";
    Error = 1, "error", "Something failed on this side, or an answer was not understood";
    Usage = 2, "usage", "The command line or an input is wrong; nothing was sent";
    Problem = 3, "problem", "The service refused the call (4xx)";
    Unavailable = 4, "unavailable", "No answer, or the service is not available (5xx, 429, network); try again later";
    Credentials = 5, "credentials", "No usable credentials were found; nothing was sent";
    AuditUnavailable = 6, "audit_unavailable", "The log cannot take the decision down, so nothing was released; try again later";
    Pending = 10, "pending", "Still in review, also at the end of `--timeout`";
    NeedsInfo = 11, "needs_info", "A reviewer asks for more: answer with `respond`";
    Unconsumed = 12, "unconsumed", "Asked for with `--consume` and approved by a person: `consume` before it runs";
    Denied = 20, "denied", "Policy denied it";
    Rejected = 21, "rejected", "A person rejected it";
    Expired = 22, "expired", "Nobody decided in time";
    Withdrawn = 23, "withdrawn", "The agent withdrew it, or did not answer a question in time";
    Revoked = 24, "revoked", "The approval was taken back before it was used";
    Undeliverable = 25, "undeliverable", "The time ran out and no reviewer was ever reached";
    Lapsed = 26, "lapsed", "Approved, but not consumed in time";
    Consumed = 30, "consumed", "The approval was used already; no outcome is reported yet";
    Succeeded = 31, "succeeded", "The action ran and succeeded";
    Failed = 32, "failed", "The action ran and failed";
    Unknown = 33, "unknown", "The action may have run: its outcome is not known";
    Exceptions = 40, "exceptions", "The evidence holds, with exceptions that are listed";
    Broken = 41, "broken", "The evidence is broken: it is not what the log signed, or shows what must not be";
    Unchecked = 42, "unchecked", "The evidence could not be checked: no key is trusted, or a file cannot be read";
}

impl Exit {
    /// The exit for a request with this status; [`Exit::Error`] for a status this version does not know.
    pub fn of_status(status: &str) -> Exit {
        match status {
            "approved" => Exit::Ok,
            "pending" => Exit::Pending,
            "needs_info" => Exit::NeedsInfo,
            "denied" => Exit::Denied,
            "rejected" => Exit::Rejected,
            "expired" => Exit::Expired,
            "withdrawn" => Exit::Withdrawn,
            "revoked" => Exit::Revoked,
            "undeliverable" => Exit::Undeliverable,
            "lapsed" => Exit::Lapsed,
            "consumed" => Exit::Consumed,
            "succeeded" => Exit::Succeeded,
            "failed" => Exit::Failed,
            "unknown" => Exit::Unknown,
            _ => Exit::Error,
        }
    }

    /// The exit for a request that was made with `consume: true`: only who `holds` the right to run may. That it was
    /// consumed is not enough, for an executor or another session may have done that.
    pub fn of_status_asked_to_consume(status: &str, holds: bool) -> Exit {
        match Exit::of_status(status) {
            Exit::Consumed if holds => Exit::Ok,
            Exit::Ok => Exit::Unconsumed,
            other => other,
        }
    }

    /// The exit for policy's answer to `explain`.
    pub fn of_outcome(outcome: &str) -> Exit {
        match outcome {
            "allow" => Exit::Ok,
            "review" => Exit::Pending,
            "deny" => Exit::Denied,
            _ => Exit::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// The table of exit codes as `--help` shows it.
pub fn help() -> String {
    let mut text = String::from(
        "Exit codes: `request`, `respond`, `status` and `wait` end by the request's status, `explain` by\n\
         policy's answer, `audit verify` by what it found (0: holds without exceptions); other commands end with 0\n\
         when what was asked was done.\n",
    );
    for exit in Exit::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:>2}  {:<14} {}", exit.code(), exit.word(), exit.meaning());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_exit() {
        fn check(status: &str, plain: u8, asked_to_consume: u8) {
            assert_eq!(Exit::of_status(status).code(), plain, "{status}");
            let asked = |holds| Exit::of_status_asked_to_consume(status, holds).code();
            assert_eq!(asked(true), asked_to_consume, "{status}, held");
            let by_another = if status == "consumed" { 30 } else { asked_to_consume };
            assert_eq!(asked(false), by_another, "{status}, not held");
        }
        check("approved", 0, 12);
        check("pending", 10, 10);
        check("needs_info", 11, 11);
        check("denied", 20, 20);
        check("rejected", 21, 21);
        check("expired", 22, 22);
        check("withdrawn", 23, 23);
        check("revoked", 24, 24);
        check("undeliverable", 25, 25);
        check("lapsed", 26, 26);
        check("consumed", 30, 0);
        check("succeeded", 31, 31);
        check("failed", 32, 32);
        check("unknown", 33, 33);
        check("Approved", 1, 1);
        check("", 1, 1);
    }

    #[test]
    fn outcomes_have_exits() {
        fn check(outcome: &str, code: u8) {
            assert_eq!(Exit::of_outcome(outcome).code(), code, "{outcome}");
        }
        check("allow", 0);
        check("review", 10);
        check("deny", 20);
        check("", 1);
    }

    #[test]
    fn codes_rise_and_none_is_used_twice() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|e| e.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    }
}
