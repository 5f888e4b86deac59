//! `glob`: files by their names.
use async_trait::async_trait;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use globset::{GlobBuilder, GlobSet};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::walk::{Ignored, Tree, Visit};
use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{Stop, Workspace, blocking, name::shown},
};

/// How long a search may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Names of one answer, and their bytes.
const SHOWN: usize = 1_000;
const MOST_BYTES: usize = 48 * 1024;
/// Names that one thread keeps; after that the search ends.
const MOST: usize = 500_000;

/// Finds files by their names.
pub struct Glob {
    spec: ToolSpec,
    workspace: Workspace,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// Which files: `*` and `?` stay within a name, `**` goes over directories, `{a,b}` and `[ab]` choose. Without a
    /// slash it is looked for at every depth. A path that exists as it is written means that path.
    pattern: String,
    /// The directory to look in, relative to the workspace. Default: the workspace.
    path: Option<String>,
    /// The first name to show, from 1. Default: 1.
    offset: Option<usize>,
    /// Also what `.gitignore` leaves out. Default: false.
    include_ignored: Option<bool>,
}

impl Glob {
    /// The tool in this workspace.
    pub fn new(workspace: Workspace) -> Self {
        let description = "Finds files by a pattern for their paths, sorted by path. What git ignores, and `.git`, is left \
                           out; hidden files are not.";
        Glob { spec: input::spec_of::<Input>("glob", description, Approval::Free), workspace }
    }

    async fn glob(&self, input: &str) -> Outcome {
        let input: Input = input::read(&self.spec, input)?;
        let workspace = self.workspace.clone();
        blocking(LIMIT, move |stop| glob(&workspace, &input, stop)).await
    }
}

#[async_trait]
impl Tool for Glob {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.glob(input).await)
    }
}

fn glob(workspace: &Workspace, input: &Input, stop: &Stop) -> Outcome {
    let within = workspace.place(input.path.as_deref().unwrap_or("."))?;
    let (base, rest) = literal_start(workspace, within.path(), &input.pattern)?;
    let place = workspace.place_of(&base)?;
    let listed = match workspace.root().metadata(place.path()) {
        Ok(found) if !found.is_dir() && rest.is_empty() => return Ok(format!("{}\n", shown(place.path()))),
        Ok(found) if !found.is_dir() => Ok(Vec::new()),
        Ok(_) => {
            let rest = if rest.is_empty() { "**".to_owned() } else { rest };
            let matcher = matcher(&rest)?;
            Tree::open(workspace, place.path()).map(|tree| {
                let names = || Names { matcher: &matcher, tree: &tree, found: Vec::new() };
                tree.walk(Ignored::of(input.include_ignored), stop, names)
            })
        }
        Err(cause) => Err(cause),
    };
    let mut found: Vec<PathBuf> =
        listed.map_err(|cause| workspace.cannot(&place, "searched", &cause))?.into_iter().flatten().collect();
    if found.is_empty() && workspace.is_gone() {
        return Err(workspace.gone());
    }
    let offset = input.offset.unwrap_or(1).max(1);
    sort_until(&mut found, offset.saturating_add(SHOWN));
    Ok(told(workspace, &found, offset, stop))
}

/// The part of a pattern that exists as it is written, as a directory to look in, and the rest of the pattern. So a
/// directory `[id]` can be named although brackets choose.
fn literal_start(workspace: &Workspace, within: &Path, pattern: &str) -> Result<(PathBuf, String), Refusal> {
    if pattern.is_empty() {
        return Err(Refusal::new("`pattern` is empty; `**` finds all files"));
    }
    let inner = workspace.place_in(within, pattern).unwrap_or_else(|| PathBuf::from(pattern));
    let mut base = within.to_owned();
    let mut names = inner.components().peekable();
    let mut any = pattern.contains('/');
    while let Some(name) = names.peek() {
        let candidate = base.join(name);
        if workspace.root().symlink_metadata(&candidate).is_err() {
            break;
        }
        base = candidate;
        any = true;
        names.next();
    }
    let rest: PathBuf = names.collect();
    let rest = rest.to_string_lossy();
    Ok((base, if any || rest.is_empty() { rest.into_owned() } else { format!("**/{rest}") }))
}

/// A matcher of paths relative to where the walk begins. (A set of one: it knows the usual shapes, such as an extension,
/// and needs no automaton for them.)
pub(super) fn matcher(pattern: &str) -> Result<GlobSet, Refusal> {
    let wrong =
        |wrong: globset::Error| Refusal::new(format!("the pattern `{pattern}` is wrong: {}", wrong.kind()));
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(wrong)?;
    GlobSet::builder().add(glob).build().map_err(wrong)
}

/// Sorts by bytes as far as the first `until`; what comes after those stays as it is.
fn sort_until(paths: &mut [PathBuf], until: usize) {
    let order = |a: &PathBuf, b: &PathBuf| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes());
    if until < paths.len() {
        paths.select_nth_unstable_by(until, order);
        paths[..until].sort_unstable_by(order);
    } else {
        paths.sort_unstable_by(order);
    }
}

struct Names<'a> {
    matcher: &'a GlobSet,
    tree: &'a Tree,
    found: Vec<PathBuf>,
}

impl Visit for Names<'_> {
    type Found = Vec<PathBuf>;
    fn visit(&mut self, inner: &Path, _is_file: bool) -> bool {
        if self.matcher.is_match(inner) {
            self.found.push(self.tree.path(inner));
        }
        self.found.len() < MOST
    }
    fn found(self) -> Vec<PathBuf> {
        self.found
    }
}

fn told(workspace: &Workspace, found: &[PathBuf], offset: usize, stop: &Stop) -> String {
    let total = found.len();
    let cut = stop.is_asked();
    if total == 0 {
        let why = if cut { "none found before the time was up" } else { "no file fits" };
        return format!("[{why}; files that git ignores are left out unless `include_ignored` is true]");
    }
    let mut text = String::new();
    let mut next = offset;
    for path in found.iter().skip(offset - 1).take(SHOWN) {
        if text.len() >= MOST_BYTES {
            break;
        }
        next += 1;
        // The walk went by names; what is no longer beneath the workspace was never in it.
        if workspace.root().symlink_metadata(path).is_ok() {
            text.push_str(&shown(path));
            text.push('\n');
        }
    }
    let at_least = if cut || total >= MOST { "at least " } else { "" };
    if offset > total {
        text.push_str(&format!("[only {at_least}{total} files fit; offset {offset} is beyond the last]"));
    } else if next <= total || cut {
        text.push_str(&format!(
            "[files {offset} to {} of {at_least}{total}; offset {next} shows the next]\n",
            next - 1
        ));
    }
    text
}
