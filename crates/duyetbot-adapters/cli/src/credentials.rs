//! Who the person is to servers: a token by profile, in a file of the home that nobody else can read.
use duyetbot_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{
    home::{Home, io_error, replace},
    settings::lock,
};

/// What was signed in with. It belongs to the server that it was saved for, and goes to no other.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credential {
    /// The server's address.
    pub(crate) url: String,
    /// The token.
    pub(crate) token: String,
    /// The person's id there.
    pub(crate) person: String,
}

/// The file.
pub(crate) struct Credentials {
    path: PathBuf,
}

impl Credentials {
    pub(crate) fn of(home: &Home) -> Self {
        Credentials { path: home.path().join("credentials.json") }
    }

    /// All of them, by profile. A file that others can read is refused: what it holds may be known to them.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, Credential>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(io_error("read", &self.path, &error)),
        };
        self.refuse_open()?;
        serde_json::from_str(&text).map_err(|_| {
            let path = self.path.display();
            Error::invalid(format!("{path} holds no credentials; remove it and sign in again"))
        })
    }

    /// Keeps one, in the place of what the profile had.
    pub(crate) fn save(&self, profile: &str, credential: Credential) -> Result<()> {
        self.change(|all| {
            all.insert(profile.to_owned(), credential);
        })
    }

    /// Forgets one; answers what it was.
    pub(crate) fn forget(&self, profile: &str) -> Result<Option<Credential>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let mut forgotten = None;
        self.change(|all| forgotten = all.remove(profile))?;
        Ok(forgotten)
    }

    /// Under the file's lock, in one step. A new file is its owner's alone.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Credential>)) -> Result<()> {
        let _lock = lock(&self.path)?;
        let mut all = self.read()?;
        change(&mut all);
        let text = serde_json::to_string_pretty(&all).map_err(Error::internal)?;
        replace(&self.path, &(text + "\n"))
    }

    fn refuse_open(&self) -> Result<()> {
        let found = fs::metadata(&self.path).map_err(|error| io_error("read", &self.path, &error))?;
        let is_own = found.uid() == rustix::process::getuid().as_raw();
        if is_own && found.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        Err(open_to_others(&self.path))
    }
}

fn open_to_others(path: &Path) -> Error {
    let path = path.display();
    let words = format!(
        "{path} can be read by others, and so can the tokens in it; make it yours alone with: chmod 600 {path}"
    );
    Error::new(ErrorKind::Forbidden, words)
}
