//! The HTTP API of duyetbot on a native machine: its router on tokio, one person or many, takeover of runs, graceful
//! shutdown.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> duyetbot::core::Result<()> {
//! use duyetbot_server::{LocalPerson, Server, ServerSettings};
//! let bot = duyetbot::Duyetbot::open("memory:").await?;
//! let person = LocalPerson::of(&bot);
//! let server = Server::new(&bot, std::sync::Arc::new(person), ServerSettings::default());
//! let listener = duyetbot_server::listen("127.0.0.1:0").await?;
//! // Serves until this ends: here, at once.
//! server.run(listener, async {}).await
//! # }
//! ```

mod connections;
mod housekeeping;
mod local;
mod server;
mod takeover;

pub use connections::{is_loopback, listen};
pub use duyetbot_http as http;
pub use local::LocalPerson;
pub use server::{Server, ServerSettings};
