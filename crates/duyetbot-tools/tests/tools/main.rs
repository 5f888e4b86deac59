//! The tools against real files, processes and servers. A test that stands for a reported failure names it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts itself as another process, and tells it so by a variable"
)]

mod commands;
mod files;
mod links;
mod memory;
mod names;
mod odd;
mod races;
mod rights;
mod sandbox;
mod search;
mod secrets;
mod web;
mod world;
