//! The HTTP API of duyetbot from the other side: an [`Agent`](duyetbot_core::Agent) and a
//! [`SessionStore`](duyetbot_core::SessionStore) that are on a server, on native targets and wasm32.
//!
//! What fails for a reason that may pass is tried again, as often and as soon as is safe: every call names what it makes, so that
//! made twice is made once. A watched run is watched on through cuts, restarts and silence of its server.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod address;
mod agent;
mod calls;
mod connection;
mod patience;
mod store;
mod token;
mod watch;

pub use address::{Address, PlainHttp};
pub use agent::RemoteAgent;
pub use connection::Connection;
pub use store::RemoteStore;
pub use token::Token;
