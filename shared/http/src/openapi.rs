//! The contract of both APIs as OpenAPI 3.1, and how it is served: two documents, one for each address.
//!
//! The documents are written by hand and held against the code by this crate's tests: every route, field, limit and
//! code. It knows no stack: a document says of its address only that it is where the document stands.

use crate::response::HttpResponse;

#[cfg(feature = "conformance")]
pub mod conformance;

/// The agents' API.
pub const AGENTS: &str = include_str!("../openapi/agents.json");

/// The reviewers' API, with the paths of chat platforms.
pub const REVIEWERS: &str = include_str!("../openapi/reviewers.json");

/// `GET /openapi.json` of the agents' API.
pub fn agents() -> HttpResponse {
    document(AGENTS)
}

/// `GET /openapi.json` of the reviewers' API.
pub fn reviewers() -> HttpResponse {
    document(REVIEWERS)
}

fn document(text: &'static str) -> HttpResponse {
    // The same for every caller until the next deployment.
    let cached = "public, max-age=300".to_owned();
    HttpResponse::text(200, "application/json", text.to_owned()).with_header("cache-control", cached)
}
