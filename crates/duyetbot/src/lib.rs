//! A personal AI agent that remembers, as a library.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> duyetbot::core::Result<()> {
//! let bot = duyetbot::Duyetbot::open("memory:").await?;
//! let first = bot.ask("The garden shed's key hangs behind the blue door.").await?;
//! let later = bot.ask("Where is the key of the garden shed?").await?;
//! assert!(later.text.contains("behind the blue door"));
//! assert_ne!(first.session, later.session);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bot;
mod builder;
#[cfg(feature = "clients")]
mod catalog;
#[cfg(feature = "tools")]
mod git;
mod native;
mod recall;
#[cfg(feature = "clients")]
mod remembered;
#[cfg(feature = "tools")]
mod toolbox;

pub use bot::{Duyetbot, Reply};
pub use builder::{Builder, storage_file};
#[cfg(feature = "clients")]
pub use catalog::{Access, Catalog, LocalPorts, ModelSettings};
#[cfg(feature = "client")]
pub use duyetbot_client as client;
pub use duyetbot_core as core;
#[cfg(feature = "clients")]
pub use duyetbot_fetch::Proxies;
#[cfg(feature = "sqlite")]
pub use duyetbot_storage_sqlite::{Health, Repaired, Report, Restored, back_up, check, repair, restore};
#[cfg(feature = "tools")]
pub use duyetbot_tools as tools;
pub use native::{SystemClock, ThisProcess, TokioSpawner};
pub use recall::RecallModel;
#[cfg(feature = "tools")]
pub use toolbox::{SharedRules, ToolSettings, Toolbox};
