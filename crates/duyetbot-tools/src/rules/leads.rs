//! The seam to whoever can look at the disk: where a path of the workspace leads, its links followed.

/// What a path that a call names is in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// The path that its text names, relative to the workspace.
    pub named: String,
    /// The place that the path leads to. Where no link is on the way, it is the path itself.
    pub leads: String,
    /// How many names the file has that lies there: more than one where there are hard links to it.
    pub names: u64,
}

/// Knows where paths of the workspace lead.
///
/// Without one, rules judge a path by its text alone.
pub trait Leads: Send + Sync + 'static {
    /// Where a path leads, as a call of now would find it; none where it leads nowhere that a tool would open.
    fn leads(&self, path: &str) -> Option<Led>;

    /// The same for a call that is judged by it, which must not be done to another place then.
    fn judged(&self, path: &str) -> Option<Led> {
        self.leads(path)
    }
}
