//! One SQLite file: sessions, runs, search, blobs, people.
//!
//! With the default feature `driver`, [`SqliteStore`] keeps everything in one file. Without it the crate is what SQLite and
//! its relatives share, the [`SqlStore`] over any [`Driver`]: schema, statements, records and error names.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod blobs;
#[cfg(feature = "driver")]
mod config;
mod departures;
mod dialect;
#[cfg(feature = "driver")]
mod driver;
mod erase;
mod error;
#[cfg(feature = "driver")]
mod maintenance;
mod record;
mod runs;
mod search;
mod sessions;
mod store;
mod users;

#[cfg(feature = "driver")]
pub use config::SqliteConfig;
pub use dialect::{Cell, Driver, MIGRATIONS, Migration, Row, parameters};
#[cfg(feature = "driver")]
pub use driver::{Sqlite, SqliteStore, Stats};
pub use error::refusal;
#[cfg(feature = "driver")]
pub use maintenance::{Health, Repaired, Report, Restored, back_up, check, repair, restore};
pub use store::SqlStore;
