//! The built binary against language models that others wrote: a real small one, a scripted one, and one that fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/ended.rs"]
mod ended;
mod failures;
mod peer;
mod person;
mod turns;
mod waits;
