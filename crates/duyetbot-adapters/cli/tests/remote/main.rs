//! The same commands against a server: the built binary on both sides.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
#[path = "../common/mod.rs"]
mod common;
mod death;
#[path = "../common/ended.rs"]
mod ended;
#[path = "../common/model.rs"]
mod model;
mod profiles;
#[path = "../common/pty.rs"]
mod pty;
#[path = "../common/script.rs"]
mod script;
#[path = "../common/served.rs"]
mod served;
mod sessions;
mod terminal;
mod turns;
mod world;
