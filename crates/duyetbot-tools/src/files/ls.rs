//! `ls`: the entries of a directory.
use async_trait::async_trait;
use cap_std::fs::DirEntry;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{ffi::OsString, path::Path, time::Duration};

use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{Place, Stop, Workspace, blocking, kind_of, name::shown, open_dir_at},
};

/// How long a list may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Entries of one answer.
const SHOWN: usize = 1_000;
/// Bytes of one answer.
const MOST_BYTES: usize = 48 * 1024;
/// Entries of a directory that are looked at.
const MOST: usize = 200_000;

/// Lists a directory.
pub struct Ls {
    spec: ToolSpec,
    workspace: Workspace,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// The directory, relative to the workspace. Default: the workspace itself.
    path: Option<String>,
    /// The first entry to show, from 1. Default: 1.
    offset: Option<usize>,
}

impl Ls {
    /// The tool in this workspace.
    pub fn new(workspace: Workspace) -> Self {
        let description = "Lists a directory, hidden entries too, by name. Each line has the size of a file or the kind of \
                           another entry, two spaces, and the name as the other tools take it.";
        Ls { spec: input::spec_of::<Input>("ls", description, Approval::Free), workspace }
    }

    async fn ls(&self, input: &str) -> Outcome {
        let Input { path, offset } = input::read(&self.spec, input)?;
        let workspace = self.workspace.clone();
        let offset = offset.unwrap_or(1).max(1);
        blocking(LIMIT, move |stop| {
            let place = workspace.place(path.as_deref().unwrap_or("."))?;
            list(&workspace, &place, offset, stop)
        })
        .await
    }
}

#[async_trait]
impl Tool for Ls {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.ls(input).await)
    }
}

fn list(workspace: &Workspace, place: &Place, offset: usize, stop: &Stop) -> Outcome {
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::NotADirectory => {
            Refusal::new(format!("{place} is not a directory; use `read` for a file"))
        }
        _ => workspace.cannot(place, "listed", &cause),
    };
    let directory = open_dir_at(workspace.root(), place.path()).map_err(failed)?;
    let mut entries: Vec<(OsString, DirEntry)> = Vec::new();
    let mut more = false;
    for entry in directory.entries().map_err(failed)? {
        if entries.len() == MOST || stop.is_asked() {
            more = true;
            break;
        }
        let entry = entry.map_err(failed)?;
        entries.push((entry.file_name(), entry));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total = entries.len();
    if total == 0 && workspace.is_gone() {
        return Err(workspace.gone());
    }
    if total == 0 {
        return Ok("[the directory is empty]".to_owned());
    }
    if offset > total {
        return Err(Refusal::new(format!("{place} has {total} entries; offset {offset} is beyond the last")));
    }
    let mut text = String::new();
    let mut next = offset - 1;
    for (name, entry) in entries.iter().skip(offset - 1).take(SHOWN) {
        if text.len() >= MOST_BYTES {
            break;
        }
        text.push_str(&line(&directory, name.as_ref(), entry));
        next += 1;
    }
    if next < total || more {
        let at_least = if more { "at least " } else { "" };
        text.push_str(&format!(
            "[entries {offset} to {next} of {at_least}{total}; offset {} shows the next]\n",
            next + 1
        ));
    }
    Ok(text)
}

fn line(directory: &cap_std::fs::Dir, name: &Path, entry: &DirEntry) -> String {
    let as_shown = shown(name);
    let Ok(metadata) = entry.metadata() else {
        return format!("{:>10}  {as_shown}\n", "?");
    };
    let kind = metadata.file_type();
    if kind.is_file() {
        format!("{:>10}  {as_shown}\n", metadata.len())
    } else if kind.is_dir() {
        format!("{:>10}  {as_shown}/\n", "dir")
    } else if kind.is_symlink() {
        let target = directory.read_link_contents(name).map(|target| shown(&target));
        format!("{:>10}  {as_shown} -> {}\n", "link", target.unwrap_or_else(|_| "?".to_owned()))
    } else {
        let word = kind_of(&kind).rsplit(' ').next().unwrap_or("?");
        format!("{word:>10}  {as_shown}\n")
    }
}
