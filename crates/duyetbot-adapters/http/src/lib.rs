//! The HTTP API of duyetbot: one axum [`Router`](axum::Router) over the core's traits. Nothing in it needs a runtime, so that
//! a native server and a Worker mount the same one.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod auth;
mod cors;
mod drain;
mod edge;
mod extract;
mod json;
mod jwt;
mod members;
mod metrics;
mod openapi;
mod parts;
mod problem;
mod rate;
mod router;
mod routes;
mod sse;
mod standing;
mod within;

pub use auth::{Authenticator, Credentials, Signed};
pub use drain::Drain;
pub use jwt::{JwtKey, JwtVerifier};
pub use members::Members;
pub use parts::{Housekeeping, MetricsAccess, Parts, Readiness, Settings};
pub use router::{Access, Route, router, routes};
