//! From the path that a model wrote to a place beneath the workspace, links followed by hand so that they can be told.
use cap_std::fs::FileType;
use std::{
    collections::VecDeque,
    ffi::OsString,
    fmt,
    path::{Component, Path, PathBuf},
};

use super::{
    Workspace,
    name::{shown, written},
};
use crate::refusal::Refusal;

/// As many links as the system itself follows.
const MOST_LINKS: usize = 40;

/// A place in the workspace. It is shown as the model may write it.
///
/// Its path held no links when it was made. That is what names and messages are built on, and never what is relied on:
/// whoever opens it does so beneath the workspace again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    path: PathBuf,
    asked: PathBuf,
}

impl Place {
    /// The path relative to the workspace, links followed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path relative to the workspace as it was asked for.
    pub(crate) fn asked(&self) -> &Path {
        &self.asked
    }

    /// The path as it was asked for, and where it leads where that is another place.
    pub(crate) fn told(&self) -> String {
        let (asked, leads) = (shown(&self.asked), shown(&self.path));
        if asked == leads { asked } else { format!("{asked} -> {leads}") }
    }

    /// The directory that it lies in, and its name; none for the workspace itself.
    pub(crate) fn parent_and_name(&self) -> Option<(&Path, OsString)> {
        let name = self.path.file_name()?.to_owned();
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Some((parent.unwrap_or(Path::new(".")), name))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.asked))
    }
}

impl Workspace {
    /// The place that a model's text names: a path relative to the workspace or absolute in it, as `ls` and `glob` show
    /// it. What does not exist yet has a place too.
    pub(super) fn resolved(&self, text: &str) -> Result<Place, Refusal> {
        if text.contains('\0') {
            return Err(Refusal::new("a path cannot hold a NUL character"));
        }
        let literal = PathBuf::from(text);
        // What was shown is escaped, so a text that can be read so and exists is that; else it is meant literally.
        let asked = match written(text) {
            Some(path) if self.relative(&path).is_some_and(|p| self.root().symlink_metadata(p).is_ok()) => {
                path
            }
            Some(path) if self.root().symlink_metadata(&literal).is_err() => path,
            _ => literal,
        };
        let is_home = asked.starts_with("~") && self.root().symlink_metadata("~").is_err();
        let relative = match self.relative(&asked) {
            Some(relative) if !is_home => relative,
            _ => {
                return Err(Refusal::new(format!(
                    "{} lies outside the workspace {}; paths are relative to it",
                    shown(&asked),
                    self.path().display()
                )));
            }
        };
        let path = self.follow(&relative)?;
        Ok(Place { path, asked: relative })
    }

    /// The place of a path that was put together of names that are there.
    pub(crate) fn place_of(&self, path: &Path) -> Result<Place, Refusal> {
        Ok(Place { path: self.follow(path)?, asked: path.to_owned() })
    }

    /// The path relative to a directory of the workspace that an absolute one in it names; none for other paths.
    pub(crate) fn place_in(&self, within: &Path, text: &str) -> Option<PathBuf> {
        let path = Path::new(text);
        let relative = self.relative(path).filter(|_| path.is_absolute())?;
        let base = if within == Path::new(".") { Path::new("") } else { within };
        relative.strip_prefix(base).map(Path::to_owned).ok()
    }

    /// The path relative to the workspace; none for an absolute one elsewhere.
    pub(super) fn relative(&self, path: &Path) -> Option<PathBuf> {
        let relative = if path.is_absolute() {
            let roots = [&self.held.path, &self.held.alias];
            roots.into_iter().find_map(|root| path.strip_prefix(root).ok())?
        } else {
            path
        };
        let relative: PathBuf = relative.components().filter(|c| *c != Component::CurDir).collect();
        Some(if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative })
    }

    /// Follows the links of a path, those too that name a place in the workspace absolutely. A link that leads out is
    /// refused, and so is the way out of it by `..`.
    fn follow(&self, relative: &Path) -> Result<PathBuf, Refusal> {
        let mut todo: VecDeque<OsString> = names_of(relative);
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                if !done.pop() {
                    let root = self.path().display();
                    return Err(Refusal::new(format!(
                        "{} lies outside the workspace {root}",
                        shown(relative)
                    )));
                }
                continue;
            }
            let here = done.join(&name);
            let Ok(target) = self.root().read_link_contents(&here) else {
                done = here;
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(Refusal::new(format!("{} leads through too many links", shown(relative))));
            }
            let leads_out = || {
                Refusal::new(format!(
                    "{} is refused: {} is a link to {}, outside the workspace",
                    shown(relative),
                    shown(&here),
                    shown(&target)
                ))
            };
            let inner = self.relative(&target).ok_or_else(leads_out)?;
            if target.is_absolute() {
                done.clear();
            } else if climbs_out(&done, &target) {
                return Err(leads_out());
            }
            for name in names_of(&inner).into_iter().rev() {
                todo.push_front(name);
            }
        }
        if self.is_closed(&done) {
            return Err(Refusal::new(format!(
                "{} is closed: it is the agent's own directory, or lies in it",
                shown(relative)
            )));
        }
        Ok(if done.as_os_str().is_empty() { PathBuf::from(".") } else { done })
    }
}

fn names_of(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
    names.map(|c| c.as_os_str().to_owned()).collect()
}

fn climbs_out(from: &Path, target: &Path) -> bool {
    let mut depth = from.components().count();
    for component in target.components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

/// What kind of thing it is, with its article.
pub(crate) fn kind_of(kind: &FileType) -> &'static str {
    use cap_std::fs::FileTypeExt;
    if kind.is_file() {
        "a file"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_symlink() {
        "a link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "of an unknown kind"
    }
}
