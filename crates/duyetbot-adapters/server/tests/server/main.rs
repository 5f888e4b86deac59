//! The API over real HTTP: a server in this process on a port of its own, and a client that sees every byte.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod access;
mod acts;
mod attacks;
mod between;
mod client;
mod cors;
mod crossing;
mod death;
mod document;
mod drain;
mod endings;
mod faltering;
mod hostile;
mod limits;
mod malformed;
mod members;
mod model;
mod paging;
mod phases;
mod place;
mod replicas;
mod resume;
mod runs;
mod shapes;
mod streams;
