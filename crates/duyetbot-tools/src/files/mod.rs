//! The tools for single files and directories.
mod diff;
mod edit;
mod ls;
mod nearly;
mod page;
mod preview;
mod read;
mod splice;
mod write;

pub use edit::Edit;
pub use ls::Ls;
pub use read::Read;
pub use write::Write;
