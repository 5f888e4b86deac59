//! Where paths led when rules judged them: a call is not done to another place than the one that was judged.
use cap_std::fs::MetadataExt;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{MutexGuard, PoisonError},
};

use super::{Place, Workspace, name::shown};
use crate::{
    refusal::Refusal,
    rules::{Leads, Led},
};

/// Paths that are remembered; after that all are forgotten.
const MOST: usize = 10_000;

/// The place that each text led to when it was judged last.
#[derive(Default)]
pub(super) struct Judged(HashMap<String, PathBuf>);

impl Workspace {
    /// The place that a call names, where it is the one that was judged.
    pub(crate) fn place(&self, text: &str) -> Result<Place, Refusal> {
        let place = self.resolved(text)?;
        match self.judged_places().0.get(text) {
            Some(judged) if judged != place.path() => Err(Refusal::new(format!(
                "{text} led to {} when the call was judged, and leads to {} now; it was left alone: make the call again",
                shown(judged),
                shown(place.path())
            ))),
            _ => Ok(place),
        }
    }

    fn judged_places(&self) -> MutexGuard<'_, Judged> {
        self.held.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn led(&self, place: &Place) -> Led {
        let metadata = self.root().symlink_metadata(place.path());
        let file = metadata.ok().filter(|metadata| metadata.is_file());
        Led {
            named: place.asked().to_string_lossy().into_owned(),
            leads: place.path().to_string_lossy().into_owned(),
            names: file.map_or(1, |file| file.nlink()),
        }
    }
}

impl Leads for Workspace {
    fn leads(&self, path: &str) -> Option<Led> {
        self.resolved(path).ok().map(|place| self.led(&place))
    }

    fn judged(&self, path: &str) -> Option<Led> {
        let place = self.resolved(path);
        let mut judged = self.judged_places();
        if judged.0.len() >= MOST {
            judged.0.clear();
        }
        let Ok(place) = place else {
            judged.0.remove(path);
            return None;
        };
        judged.0.insert(path.to_owned(), place.path().to_owned());
        Some(self.led(&place))
    }
}
