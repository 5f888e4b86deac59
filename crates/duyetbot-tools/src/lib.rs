//! The built-in tools of duyetbot: files, search, commands, pages, memory.
//!
//! All that a model does with files happens beneath a [`Workspace`], a directory that is held open; [`Bash`] runs commands
//! in process trees that end with their call. What every tool answers is short, says what was cut, and how to get the rest.
//!
//! ```
//! # #[cfg(target_os = "linux")]
//! # fn main() -> duyetbot_core::Result<()> {
//! use duyetbot_tools::{Settings, Workspace, tools};
//! let workspace = Workspace::open(env!("CARGO_MANIFEST_DIR"))?;
//! let names: Vec<String> = tools(&workspace, Settings::default()).iter().map(|tool| tool.spec().name.clone()).collect();
//! assert_eq!(names, ["read", "write", "edit", "ls", "glob", "grep", "bash", "web_fetch"]);
//! # Ok(())
//! # }
//! # #[cfg(not(target_os = "linux"))]
//! # fn main() {}
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(target_os = "linux")]
mod bash;
#[cfg(unix)]
mod files;
mod input;
mod memory;
#[cfg(unix)]
mod project;
mod refusal;
pub mod rules;
#[cfg(unix)]
mod search;
#[cfg(unix)]
mod settings;
mod web;
#[cfg(unix)]
mod workspace;

#[cfg(target_os = "linux")]
pub use bash::{Bash, Confinement, Environment, Sandbox, SandboxStatus};
#[cfg(unix)]
pub use files::{Edit, Ls, Read, Write};
pub use memory::{Recall, Sessions};
#[cfg(unix)]
pub use project::{Instructions, instructions};
#[cfg(unix)]
pub use search::{Glob, Grep, Withheld};
#[cfg(unix)]
pub use settings::{Settings, tools, tools_without_workspace};
pub use web::WebFetch;
#[cfg(unix)]
pub use workspace::Workspace;
