//! The tools that look through trees of files.
mod glob;
mod grep;
mod lines;
mod walk;

pub use glob::Glob;
pub use grep::{Grep, Withheld};
