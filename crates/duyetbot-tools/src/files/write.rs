//! `write`: a whole file.
use async_trait::async_trait;
use cap_std::fs::Dir;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec, redact::REDACTED};
use rustix::fs::{Access, AtFlags, Stat, accessat, fstat, statat};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    ffi::{OsStr, OsString},
    io::{self, Read as _},
    os::fd::AsFd,
    path::PathBuf,
    time::Duration,
};

use super::diff::whole;
use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{
        Before, HASHED, Known, Place, Replaced, Version, Workspace, blocking, clean, kind_of, locked,
        open_at, open_dir_at, replace,
    },
};

/// How long writing may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes that are read of a file to say what its lines end with.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Writes a file whole.
pub struct Write {
    spec: ToolSpec,
    workspace: Workspace,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// The file, relative to the workspace. Missing directories are made.
    path: String,
    /// All that the file is to hold, exactly.
    content: String,
}

impl Write {
    /// The tool in this workspace.
    pub fn new(workspace: Workspace) -> Self {
        let description = "Writes a file whole, in one step. A file that exists must have been read before, and not have \
                           changed since. For a small change use `edit`.";
        Write { spec: input::spec_of::<Input>("write", description, Approval::Ask), workspace }
    }

    async fn write(&self, input: &str) -> Outcome {
        let Input { path, content } = input::read(&self.spec, input)?;
        let place = self.workspace.place(&path)?;
        let (parent, name) = target(&place)?;
        self.workspace
            .make_directories(&parent)
            .map_err(|cause| self.workspace.cannot(&place, "written", &cause))?;
        let directory = lock(&self.workspace, &place, &parent).await?;
        let workspace = self.workspace.clone();
        blocking(LIMIT, move |_| write(&workspace, &place, directory, &name, &content)).await
    }
}

#[async_trait]
impl Tool for Write {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.write(input).await)
    }
}

/// The directory and the name to write to.
pub(super) fn target(place: &Place) -> Result<(PathBuf, OsString), Refusal> {
    let (parent, name) = place
        .parent_and_name()
        .ok_or_else(|| Refusal::new("the workspace itself is a directory, not a file to write"))?;
    Ok((parent.to_owned(), name))
}

/// The directory, for this call alone.
pub(super) async fn lock(
    workspace: &Workspace,
    place: &Place,
    parent: &std::path::Path,
) -> Result<Dir, Refusal> {
    let locked =
        locked(workspace, parent).await.map_err(|cause| workspace.cannot(place, "written", &cause))?;
    Ok(Dir::from_std_file(locked.into()))
}

/// A file as it stands before it is written.
pub(super) struct Standing {
    pub(super) stat: Stat,
    pub(super) content: Vec<u8>,
    pub(super) version: Version,
}

/// What stands under a name in a locked directory; none where nothing does. What cannot or must not be written is refused,
/// and so is what changed since it was read.
pub(super) fn standing(
    workspace: &Workspace,
    place: &Place,
    directory: &Dir,
    name: &OsStr,
) -> Result<Option<Standing>, Refusal> {
    let failed = |cause: io::Error| workspace.cannot(place, "written", &cause);
    let entry = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(entry) => entry,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(cause) => return Err(failed(cause.into())),
    };
    let mode = entry.st_mode;
    if rustix::fs::FileType::from_raw_mode(mode) != rustix::fs::FileType::RegularFile {
        let kind =
            directory.symlink_metadata(name).map(|m| kind_of(&m.file_type())).unwrap_or("something else");
        return Err(Refusal::new(format!("{place} is not a regular file: it is {kind}; it was left alone")));
    }
    // The superuser may write everything; the bits say what the person wants.
    let may = accessat(directory, name, Access::WRITE_OK, AtFlags::EACCESS);
    if mode & 0o222 == 0 || may.is_err() {
        return Err(Refusal::new(format!(
            "{place} is write-protected (mode {:04o}); ask the person before changing that",
            mode & 0o7777
        )));
    }
    let file = open_at(directory, name.as_ref()).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let file = file.into_std();
    let stat = fstat(file.as_fd()).map_err(|cause| failed(cause.into()))?;
    if (stat.st_dev, stat.st_ino) != (entry.st_dev, entry.st_ino) || !metadata.is_file() {
        return Err(Refusal::new(format!("{place} changed just now; read it again")));
    }
    if metadata.len() > LARGEST {
        let version = Version::stamp(&metadata);
        return Ok(Some(Standing { stat, content: Vec::new(), version }));
    }
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(failed)?;
    let version =
        if content.len() as u64 > HASHED { Version::stamp(&metadata) } else { Version::of(&content) };
    Ok(Some(Standing { stat, content, version }))
}

/// Puts the content in its place, and remembers it as known.
pub(super) fn put(
    workspace: &Workspace,
    place: &Place,
    directory: &Dir,
    name: &OsStr,
    content: &[u8],
    before: Before<'_>,
) -> Result<(), Refusal> {
    let failed = |cause: io::Error| workspace.cannot(place, "written", &cause);
    clean(directory).map_err(failed)?;
    match replace(directory, name, content, before).map_err(failed)? {
        Replaced::Changed => Err(changed(place)),
        Replaced::Done => {
            let version = if content.len() as u64 > HASHED {
                Version::stamp(&directory.symlink_metadata(name).map_err(failed)?)
            } else {
                Version::of(content)
            };
            workspace.saw(place, version);
            Ok(())
        }
    }
}

/// Refuses content that holds the mark of what was kept secret, where the file holds the secret itself.
pub(super) fn keeps_secrets(
    workspace: &Workspace,
    place: &Place,
    old: &[u8],
    new: &[u8],
) -> Result<(), Refusal> {
    let marks = |text: &[u8]| memchr::memmem::find_iter(text, REDACTED.as_bytes()).count();
    if marks(new) <= marks(old) || !workspace.redactor().alters(&String::from_utf8_lossy(old)) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "{place} holds a secret that was shown as {REDACTED}, and the new content holds that word: writing it would lose \
         the secret; use `edit` on the lines beside it, and leave its own as it is"
    )))
}

pub(super) fn changed(place: &Place) -> Refusal {
    Refusal::new(format!(
        "{place} changed since it was read, and was left alone; read it again and redo the change"
    ))
}

/// The place of a path, its directory and its name, to look at without changing anything.
pub(super) fn seen(workspace: &Workspace, path: &str) -> Result<(Place, Dir, OsString), Refusal> {
    let place = workspace.place(path)?;
    let (parent, name) = target(&place)?;
    let directory =
        open_dir_at(workspace.root(), &parent).map_err(|cause| workspace.cannot(&place, "read", &cause))?;
    Ok((place, directory, name))
}

/// What writing would change, as a whole diff. What is not there yet is all new.
pub(super) fn preview(workspace: &Workspace, input: &str) -> Outcome {
    let Input { path, content } =
        serde_json::from_str(input).map_err(|wrong| Refusal::new(wrong.to_string()))?;
    let before = match seen(workspace, &path) {
        Ok((place, directory, name)) => standing(workspace, &place, &directory, &name)?,
        // Its directory is made with it; a path that leads elsewhere is refused here too.
        Err(_) => workspace.place(&path).map(|_| None)?,
    };
    let before = before.map(|standing| standing.content).unwrap_or_default();
    Ok(whole(&path, &before, content.as_bytes()))
}

/// Refuses to replace what the model does not know, and to lose what it was not shown.
fn may_replace(workspace: &Workspace, place: &Place, old: &Standing, content: &str) -> Result<(), Refusal> {
    match workspace.knows(place, &old.version) {
        Known::Same => {}
        Known::Changed => return Err(changed(place)),
        Known::Never => {
            return Err(Refusal::new(format!(
                "{place} exists and was not read here; read it first, or use `edit`"
            )));
        }
    }
    if std::str::from_utf8(&old.content).is_err() && content.contains('\u{fffd}') {
        return Err(Refusal::new(format!(
            "{place} is not UTF-8 and the new content holds \u{fffd} where its bytes could not be shown: writing it would \
             lose them; use `edit`, which leaves them alone"
        )));
    }
    keeps_secrets(workspace, place, &old.content, content.as_bytes())
}

/// Why writing would fail as things stand.
pub(super) fn check(workspace: &Workspace, input: &str) -> Result<(), Refusal> {
    let Input { path, content } =
        serde_json::from_str(input).map_err(|wrong| Refusal::new(wrong.to_string()))?;
    let Ok((place, directory, name)) = seen(workspace, &path) else {
        // Its directory is made with it.
        return workspace.place(&path).and_then(|place| target(&place)).map(drop);
    };
    match standing(workspace, &place, &directory, &name)? {
        Some(old) => may_replace(workspace, &place, &old, &content),
        None => Ok(()),
    }
}

fn write(workspace: &Workspace, place: &Place, directory: Dir, name: &OsStr, content: &str) -> Outcome {
    let standing = standing(workspace, place, &directory, name)?;
    let Some(old) = standing else {
        put(workspace, place, &directory, name, content.as_bytes(), Before::Nothing(workspace.umask()))?;
        return Ok(format!("made {} ({} bytes)", place.told(), content.len()));
    };
    may_replace(workspace, place, &old, content)?;
    let was_text = std::str::from_utf8(&old.content).is_ok();
    put(workspace, place, &directory, name, content.as_bytes(), Before::File(&old.stat))?;
    let mut told = format!("wrote {} ({} bytes, {} before)", place.told(), content.len(), old.stat.st_size);
    let crlf = |bytes: &[u8]| memchr::memmem::find(bytes, b"\r\n").is_some();
    for (note, holds) in [
        ("it was not UTF-8 before, and is now", !was_text),
        (
            "its lines ended with CR LF before, and end with LF now",
            crlf(&old.content) && !crlf(content.as_bytes()),
        ),
        (
            "it began with a byte order mark before, and does not now",
            old.content.starts_with(b"\xef\xbb\xbf") && !content.starts_with('\u{feff}'),
        ),
    ] {
        if holds {
            told.push_str(&format!("\n[{note}]"));
        }
    }
    Ok(told)
}
