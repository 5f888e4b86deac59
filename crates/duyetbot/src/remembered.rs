//! What was found of models, kept in a file for a day so that not every start asks again.
use duyetbot_core::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use crate::native::SystemClock;

/// How long it is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A model, and where its server is when that was found by looking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) base_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    #[serde(flatten)]
    found: Remembered,
}

/// The file. It is a comfort: where it cannot be read or written, everything is asked again.
pub(crate) struct Memory(Option<PathBuf>);

impl Memory {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Memory(path)
    }

    fn read(&self) -> BTreeMap<String, Entry> {
        let text = self.0.as_ref().and_then(|path| fs::read_to_string(path).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    pub(crate) fn recall(&self, key: &str) -> Option<Remembered> {
        let now = SystemClock.now();
        let entry = self.read().remove(key)?;
        (entry.at <= now && entry.at.plus(KEPT) > now).then_some(entry.found)
    }

    pub(crate) fn remember(&self, key: &str, found: Remembered) {
        let Some(path) = &self.0 else { return };
        let mut all = self.read();
        if all.get(key).is_some_and(|entry| entry.found == found && entry.at.plus(KEPT) > SystemClock.now()) {
            return;
        }
        all.insert(key.to_owned(), Entry { at: SystemClock.now(), found });
        let Ok(text) = serde_json::to_string(&all) else { return };
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        if fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).is_err() {
            // As said above: it is a comfort.
            let _ = fs::remove_file(&beside);
        }
    }
}
