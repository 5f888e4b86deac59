//! What the built binary lets a model do: cases that people reported of other agents, and tasks from end to end.
//!
//! Each test of a case names it (`Case: …`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod approvals;
#[path = "../common/mod.rs"]
mod common;
mod cut;
#[path = "../common/ended.rs"]
mod ended;
mod explained;
mod files;
mod lines;
#[path = "../common/model.rs"]
mod model;
mod own;
mod places;
#[path = "../common/pty.rs"]
mod pty;
mod refused;
#[path = "../common/script.rs"]
mod script;
#[path = "../common/served.rs"]
mod served;
mod server;
mod task;
mod world;
