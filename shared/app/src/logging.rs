//! Structured logs: one JSON object a line, for every function alike.
//!
//! Never logged: secrets, tokens, signatures, argument values, free text, the target. Ids, codes and counts are.

use tracing_subscriber::EnvFilter;

/// Sets up logging for the process. `RUST_LOG` sets the level; `info` without it.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call in one process (tests) changes nothing.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
