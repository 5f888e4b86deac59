//! Where the workspace lies, and where the agent keeps what is its own.

/// The two places that paths are measured against, absolute and written with slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The directory that the agent works in.
    pub workspace: String,
    /// The agent's own home: its database, its config, its rules.
    pub home: String,
}
