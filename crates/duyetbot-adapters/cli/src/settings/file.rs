//! A settings file: read with the place of every fault, changed without losing what a person wrote.
use duyetbot_core::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike};

use super::{
    keys::{KEYS, Key, find, nearest},
    value::Value,
};
use crate::home::{io_error, replace};

/// Bytes of a settings file that are read.
const LARGEST: u64 = 1024 * 1024;

/// The settings of a file; none where there is no file. What is wrong with one goes to the faults.
pub(super) fn read(path: &Path, faults: &mut Vec<Error>) -> Vec<(&'static Key, Value)> {
    let mut values = Vec::new();
    match document(path) {
        Ok(Some(document)) => walk(path, document.as_table(), "", &mut values, faults),
        Ok(None) => {}
        Err(fault) => faults.push(fault),
    }
    values
}

/// A file as it is written; none where there is no file.
pub(super) fn document(path: &Path) -> Result<Option<DocumentMut>> {
    match text_of(path) {
        Ok(text) => parse(path, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(io_error("read", path, &error)),
    }
}

/// The text of a regular file of bounded size. A pipe is not waited for: a project's file is not the person's.
fn text_of(path: &Path) -> io::Result<String> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file; settings are read from one only"));
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!(
            "it is larger than {} KiB, as settings never are",
            LARGEST / 1024
        )));
    }
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut> {
    text.parse::<DocumentMut>().map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = &text[..text.floor_char_boundary(at)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Error::invalid(format!(
            "{}, line {line}, column {column}: {}; nothing was changed",
            path.display(),
            error.message().lines().collect::<Vec<_>>().join(", ")
        ))
    })
}

fn walk(
    path: &Path,
    table: &dyn TableLike,
    before: &str,
    values: &mut Vec<(&'static Key, Value)>,
    faults: &mut Vec<Error>,
) {
    for (name, item) in table.iter() {
        let full = format!("{before}{name}");
        if full == "profiles" {
            // They have names of a person's own, and are read as such.
            continue;
        }
        if let Some(key) = find(&full) {
            match value_of(key, item) {
                Ok(value) => values.push((key, value)),
                Err(what) => faults.push(Error::invalid(format!("{}: {full} {what}", path.display()))),
            }
        } else if let Some(inner) = item.as_table_like()
            && KEYS.iter().any(|k| k.name.starts_with(&format!("{full}.")))
        {
            walk(path, inner, &format!("{full}."), values, faults);
        } else {
            faults.push(Error::invalid(format!(
                "{}: there is no setting {full:?}; the nearest is {:?}. `duyetbot config` lists them all",
                path.display(),
                nearest(&full)
            )));
        }
    }
}

fn value_of(key: &'static Key, item: &Item) -> std::result::Result<Value, String> {
    let value = Value::of(key.kind, item)?;
    key.check(&value).map_err(|what| format!("is wrong: {what}"))?;
    Ok(value)
}

/// Writes one setting, whatever other processes write at the same time.
pub(crate) fn set_in_file(path: &Path, key: &'static Key, value: &Value) -> Result<()> {
    change(path, key.name, |item| {
        *item = Item::Value(value.written());
        Ok(())
    })
}

/// Adds to a list what it does not hold yet, whatever other processes write at the same time.
pub(crate) fn add_in_file(path: &Path, name: &str, texts: &[String]) -> Result<()> {
    change(path, name, |item| {
        if item.is_none() {
            *item = Item::Value(Array::new().into());
        }
        let list = item.as_array_mut().ok_or_else(|| {
            Error::invalid(format!("{}: {} must be a list; mend it by hand", path.display(), name))
        })?;
        for text in texts {
            if !list.iter().any(|known| known.as_str() == Some(text)) {
                list.push(text.as_str());
            }
        }
        Ok(())
    })
}

/// Changes one setting under the file's lock, and replaces the file in one step.
pub(super) fn change(path: &Path, full: &str, change: impl FnOnce(&mut Item) -> Result<()>) -> Result<()> {
    let _lock = lock(path)?;
    let text = match text_of(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(io_error("read", path, &error)),
    };
    let mut document = parse(path, &text)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut names = full.split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            change(table.entry(name).or_insert(Item::None))?;
            break;
        }
        let inner = table.entry(name).or_insert_with(|| {
            let mut made = Table::new();
            // Where it only holds tables it needs no heading of its own.
            made.set_implicit(true);
            Item::Table(made)
        });
        table = inner.as_table_like_mut().ok_or_else(|| {
            Error::invalid(format!("{}: {name} must be a table; mend it by hand", path.display()))
        })?;
    }
    replace(path, &document.to_string())
}

/// Held while the file is changed; the lock lies beside it because the file itself is replaced.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    let beside: PathBuf = path.with_extension("lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .map_err(|e| io_error("write", &beside, &e))?;
    flock(&file, FlockOperation::LockExclusive)
        .map_err(|e| Error::new(ErrorKind::Unavailable, format!("cannot lock {}: {e}", beside.display())))?;
    Ok(file)
}
