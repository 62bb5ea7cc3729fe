//! The glue between API Gateway's HTTP API (payload 2.0) and typed calls.
//!
//! An event becomes an [`HttpRequest`], a route, a principal and a body that cannot be wrong; an answer becomes an
//! [`HttpResponse`], and every "no" a [`Problem`] (RFC 9457). It knows neither the AWS SDK nor what a command does.
//!
//! Read in this order: [`lambda`], [`request`], [`route`], [`principal`], [`token`], [`body`], [`problem`],
//! [`openapi`].

pub mod body;
mod fields;
pub mod headers;
pub mod lambda;
pub mod openapi;
pub mod principal;
pub mod problem;
pub mod query;
pub mod request;
pub mod response;
pub mod route;
pub mod token;

pub use body::{
    ConsumeBody, CreateBody, DecideBody, EraseBody, ExportBody, FreezeBody, OutcomeBody, RecoverBody,
    RespondBody, RevokeBody, WithdrawBody,
};
pub use headers::{Attempt, IdempotencyKey};
pub use principal::Agent;
pub use problem::Problem;
pub use request::HttpRequest;
pub use response::HttpResponse;
pub use route::{AgentRoute, ReviewRoute};
pub use token::{TokenKind, VerifiedToken, Verifier};
