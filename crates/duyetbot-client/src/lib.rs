//! The HTTP API of duyetbot from the other side: an [`Agent`](duyetbot_core::Agent) and a
//! [`SessionStore`](duyetbot_core::SessionStore) that are on a server, on native targets and wasm32.
//!
//! What fails for a reason that may pass is tried again, as often and as soon as is safe: every call names what it makes, so that
//! made twice is made once. A watched run is watched on through cuts, restarts and silence of its server.
//!
//! ```no_run
//! use duyetbot_client::{Address, Connection, PlainHttp, RemoteAgent, Token};
//! use duyetbot_core::{Agent, Chat, Event};
//! use futures::StreamExt;
//! # async fn talk(clock: std::sync::Arc<dyn duyetbot_core::Clock>, token: String) -> duyetbot_core::Result<()> {
//! let address = Address::parse("https://bot.example.org", PlainHttp::Loopback)?;
//! let settings = duyetbot_fetch::Settings::default();
//! let connection = Connection::open(address, Token::from(token), settings, clock).await?;
//! let (agent, scope) = (RemoteAgent::new(connection.clone()), connection.scope().clone());
//! let run = agent.start(&scope, Chat::new("Where is the spare key?")).await?;
//! let mut events = agent.watch(&scope, run, 0).await?;
//! while let Some((_, event)) = events.next().await {
//!     if let Event::Content { text, .. } = event {
//!         print!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
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
