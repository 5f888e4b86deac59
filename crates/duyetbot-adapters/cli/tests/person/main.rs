//! The built binary as a person has it: in a terminal, in pipes, with a model that hangs, and with the keys of a keyboard.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod chat;
mod colour;
#[path = "../common/mod.rs"]
mod common;
mod dashes;
mod first;
mod full;
mod full_calls;
mod full_ends;
mod full_input;
mod guards;
mod idle;
mod interrupt;
mod json;
#[path = "../common/model.rs"]
mod model;
mod network;
mod place;
#[path = "../common/pty.rs"]
mod pty;
mod restored;
mod stdin;
mod wide;
