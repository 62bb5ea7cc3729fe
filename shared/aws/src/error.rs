//! From the SDKs' errors to the ports': the operation and the code, never a value of the call.

use countersign_app::ports::PortError;

/// What is told of a failed call.
pub(crate) fn unavailable(operation: &str, code: Option<&str>) -> PortError {
    PortError::Unavailable(format!("{operation}: {}", code.unwrap_or("no answer")))
}
