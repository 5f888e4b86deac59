//! The built-in tools of duyetbot.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(target_os = "linux")]
mod bash;
#[cfg(unix)]
mod files;
mod input;
mod refusal;
pub mod rules;
#[cfg(unix)]
mod search;
#[cfg(unix)]
mod workspace;

#[cfg(target_os = "linux")]
pub use bash::{Bash, Confinement, Environment, Sandbox, SandboxStatus};
#[cfg(unix)]
pub use files::{Edit, Ls, Read, Write};
#[cfg(unix)]
pub use search::{Glob, Grep};
#[cfg(unix)]
pub use workspace::Workspace;
