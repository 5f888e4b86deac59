//! The environment of commands: what they need to run, and none of the agent's keys.
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// Variables that are passed on. All others stay with the agent, unless the person names them.
const PASSED: [&str; 23] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
/// Locale settings begin so.
const LOCALE: &str = "LC_";

/// Variables that are set: no colours, no pager, no editor, no question that nobody could answer.
const SET: [(&str, &str); 12] = [
    ("TERM", "dumb"),
    ("CI", "true"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_EDITOR", "true"),
    ("EDITOR", "true"),
    ("VISUAL", "true"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("DEBIAN_FRONTEND", "noninteractive"),
];

/// The environment that commands get.
///
/// ```
/// use duyetbot_tools::Environment;
/// let vars = [("PATH", "/usr/bin"), ("ANTHROPIC_API_KEY", "k"), ("DISPLAY", ":0")];
/// let environment = Environment::from_vars(vars.map(|(k, v)| (k.into(), v.into())), &["DISPLAY".to_owned()]);
/// assert_eq!(environment.get("ANTHROPIC_API_KEY"), None);
/// assert_eq!(environment.get("DISPLAY"), Some(":0".as_ref()));
/// assert_eq!(environment.get("TERM"), Some("dumb".as_ref()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    vars: Vec<(OsString, OsString)>,
}

impl Environment {
    /// What of a program's own variables goes on to commands: those that programs need to run (`PATH`, `HOME`, the locale,
    /// where toolchains lie), and those that the person names in `also`.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>, also: &[String]) -> Self {
        let passed = |name: &OsStr| {
            name.to_str().is_some_and(|name| {
                PASSED.contains(&name) || name.starts_with(LOCALE) || also.iter().any(|also| also == name)
            })
        };
        let is_set = |name: &OsStr| {
            SET.iter().any(|(set, _)| *set == name) && !also.iter().any(|also| **also == *name)
        };
        let mut vars: Vec<_> = vars.into_iter().filter(|(name, _)| passed(name) && !is_set(name)).collect();
        for (name, value) in SET {
            if !vars.iter().any(|(known, _)| known == name) {
                vars.push((name.into(), value.into()));
            }
        }
        Environment { vars }
    }

    /// The value of a variable, where commands get it.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    pub(super) fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The directory for temporary files.
    pub(super) fn temporary(&self) -> PathBuf {
        let set = self.get("TMPDIR").map(Path::new).filter(|path| path.is_absolute());
        set.unwrap_or(Path::new("/tmp")).to_owned()
    }
}

impl Default for Environment {
    /// Enough to find programs, and nothing of this process.
    fn default() -> Self {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        Environment::from_vars([("PATH".into(), path.into())], &[])
    }
}
