//! The built binary against language models and a client that others wrote: a real small model, a scripted
//! one, one that fails, and what holds the HTTP API against its document.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod api;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/ended.rs"]
mod ended;
mod failures;
mod peer;
mod person;
#[path = "../common/served.rs"]
mod served;
mod turns;
mod waits;
