//! `duyetbot backup` and `duyetbot restore`: the database as a whole, for whoever keeps the machine.
use duyetbot::{Health, SystemClock};
use duyetbot_core::{Error, Result};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{doctor::database, exit::Exit, home::Home, output::Output, settings::Settings};

/// Copies the database into a new file.
pub(crate) async fn back_up(home: &Home, settings: &Settings, output: &Output, copy: &Path) -> Result<Exit> {
    let made = duyetbot::back_up(&file(home, settings)?, copy).await?;
    if output.is_json() {
        output.json(&json!({ "file": made.file.display().to_string(), "schema": made.schema }))?;
    } else {
        output.line(&format!("{} is whole and sound; it has schema {}", made.file.display(), made.schema))?;
    }
    Ok(Exit::Done)
}

/// Puts a backup in the database's place.
pub(crate) async fn restore(home: &Home, settings: &Settings, output: &Output, from: &Path) -> Result<Exit> {
    let path = file(home, settings)?;
    if settings.text("storage").is_none() {
        home.make()?;
    }
    let restored = duyetbot::restore(from, &path, Arc::new(SystemClock)).await?;
    if restored.list == Health::Damaged {
        output.notice("the database that stood there cannot be read; who was erased in it since the backup is not known");
    }
    let replaced = restored.replaced.as_ref().map(|file| file.display().to_string());
    if output.is_json() {
        let file = path.display().to_string();
        output.json(&json!({ "file": file, "replaced": replaced, "erased": restored.erased }))?;
        return Ok(Exit::Done);
    }
    output.line(&format!("{} is what {} was", path.display(), from.display()))?;
    if restored.erased > 0 {
        output.line(&format!("{} who were erased since are erased again", restored.erased))?;
    }
    if let Some(replaced) = replaced {
        output.line(&format!("what stood there is {replaced}; remove it once all is well"))?;
    }
    Ok(Exit::Done)
}

/// The database's file. Nothing is made yet.
fn file(home: &Home, settings: &Settings) -> Result<PathBuf> {
    let words = "memory: keeps nothing; name a database with --storage";
    database(home, settings)?.ok_or_else(|| Error::invalid(words))
}
