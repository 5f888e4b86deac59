//! The one place that reads the environment.
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use duyetbot_core::{Error, Result};

/// Variables, working folder and host name, read once.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// The working folder.
    pub(crate) folder: PathBuf,
    /// This machine's name.
    pub(crate) host: String,
    /// The umask that the person started this program with.
    pub(crate) umask: u32,
}

impl Environment {
    /// Reads it. A variable that is not valid Unicode is left out, and an error where it is one of ours: another home, or
    /// another setting, than the one that was meant must not be used in its place.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn read() -> Result<Self> {
        let odd = |(k, v): (OsString, OsString)| v.to_str().is_none().then_some(k);
        let ours = |k: &OsString| k.to_string_lossy().starts_with("DUYETBOT_");
        if let Some(name) = std::env::vars_os().filter_map(odd).find(ours) {
            return Err(Error::invalid(format!(
                "{} is not valid UTF-8; give it another value",
                name.display()
            )));
        }
        let variables = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let folder = std::env::current_dir()
            .map_err(|e| Error::invalid(format!("the working folder is gone ({e}); change to another")))?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Environment { variables, folder, host, umask: 0o077 })
    }
    /// One of these variables, for tests.
    #[cfg(test)]
    pub(crate) fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        folder: &std::path::Path,
    ) -> Self {
        let variables = variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Environment { variables, folder: folder.to_owned(), host: "here".to_owned(), umask: 0o077 }
    }
    /// The same environment with the umask that was found.
    pub(crate) fn started_with(self, umask: u32) -> Self {
        Environment { umask, ..self }
    }
    /// The command line, the program's own name first.
    pub(crate) fn arguments() -> impl Iterator<Item = OsString> + Clone {
        std::env::args_os().collect::<Vec<_>>().into_iter()
    }
    /// A variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|v| !v.is_empty()).cloned()
    }
    /// Is this one set, and to nothing?
    pub(crate) fn is_blank(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|v| v.trim().is_empty())
    }
    /// The names of all variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
    /// All variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.variables.iter().map(|(name, value)| (name.into(), value.into()))
    }
    /// The same environment in another working folder.
    pub(crate) fn in_folder(&self, folder: PathBuf) -> Self {
        Environment { folder, ..self.clone() }
    }
    /// The folder of a place on this machine.
    pub(crate) fn folder_of(&self, place: &str) -> Option<PathBuf> {
        place.strip_prefix(&self.host)?.strip_prefix(':').map(PathBuf::from)
    }
    /// The variables whose name begins so.
    pub(crate) fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.variables
            .iter()
            .filter(move |(k, v)| k.starts_with(prefix) && !v.is_empty())
            .map(|(k, v)| (k.as_str(), v.as_str()))
    }
    /// May colour be shown, where it is shown to a terminal?
    pub(crate) fn wants_colour(&self) -> bool {
        self.get("NO_COLOR").is_none() && self.get("TERM").is_some_and(|term| term != "dumb")
    }
    /// Where tools run, and where sessions are begun: `host:/folder`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.folder.display())
    }
}
