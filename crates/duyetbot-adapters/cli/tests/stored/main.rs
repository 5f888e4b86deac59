//! What the built binary keeps, and what it makes of what is kept: cases that people reported of other agents.
//!
//! Each test names its case (`Case: …`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backups;
mod bin;
mod chat;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/ended.rs"]
mod ended;

mod disks;
mod exchange;
mod forks;
mod homes;
mod many;
#[path = "../common/model.rs"]
mod model;
mod newer;

mod person;
mod places;
#[path = "../common/pty.rs"]
mod pty;
mod ready;
#[path = "../common/script.rs"]
mod script;
#[path = "../common/served.rs"]
mod served;
mod settings;
mod terminals;
mod users;
mod written;
