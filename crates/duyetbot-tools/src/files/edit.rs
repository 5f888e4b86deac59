//! `edit`: a text in a file for another.
use async_trait::async_trait;
use cap_std::fs::Dir;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{ffi::OsStr, time::Duration};

use super::{
    diff::{unified, whole},
    nearly::nearly,
    splice::{Searched, Splice},
    write::{Standing, changed, keeps_secrets, lock, put, seen, standing, target},
};
use crate::{
    Withheld, input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{Before, Known, Place, Workspace, blocking},
};

/// How long an edit may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes of a file that can be edited.
const LARGEST: i64 = 32 * 1024 * 1024;
/// Lines that are named where a text stands in many.
const NAMED: usize = 20;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Replaces a text in a file.
pub struct Edit {
    spec: ToolSpec,
    workspace: Workspace,
    withheld: Withheld,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// The file, relative to the workspace.
    path: String,
    /// The text to replace, exactly as it stands in the file, tabs and spaces included. It must stand there once.
    old: String,
    /// What takes its place.
    new: String,
    /// Replace it everywhere. Default: false.
    replace_all: Option<bool>,
}

impl Edit {
    /// The tool in this workspace.
    pub fn new(workspace: Workspace) -> Self {
        let description = "Replaces a text in a file. `old` must stand there exactly once, unless `replace_all` is true. \
                           Line ends, encoding and mode of the file stay. Answers the diff.";
        Edit {
            spec: input::spec_of::<Input>("edit", description, Approval::Ask),
            workspace,
            withheld: Withheld::default(),
        }
    }

    /// Shows no line of what is withheld: neither in a diff nor where the text was not found.
    #[must_use]
    pub fn withholding(mut self, withheld: Withheld) -> Self {
        self.withheld = withheld;
        self
    }

    async fn edit(&self, input: &str) -> Outcome {
        let input: Input = input::read(&self.spec, input)?;
        let place = self.workspace.place(&input.path)?;
        let (parent, name) = target(&place)?;
        let directory = lock(&self.workspace, &place, &parent).await?;
        let workspace = self.workspace.clone();
        let shown = if self.withheld.has(place.path()) || self.withheld.has(place.asked()) {
            Lines::Withheld
        } else {
            Lines::Shown
        };
        blocking(LIMIT, move |_| edit(&workspace, &place, &directory, &name, &input, shown)).await
    }
}

#[async_trait]
impl Tool for Edit {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.edit(input).await)
    }
}

/// Whether lines of the file may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Shown,
    Withheld,
}

fn edit(
    workspace: &Workspace,
    place: &Place,
    directory: &Dir,
    name: &OsStr,
    input: &Input,
    shown: Lines,
) -> Outcome {
    let made = make(workspace, place, directory, name, input, shown)?;
    put(workspace, place, directory, name, &made.content, Before::File(&made.standing.stat))?;
    if shown == Lines::Withheld {
        return Ok(format!("{}\n[the diff is left out, as a rule keeps `read` from this file]\n", made.told));
    }
    let diff = unified(&place.to_string(), without_mark(&made.standing.content), without_mark(&made.content));
    Ok(format!("{}\n{diff}", made.told))
}

/// What an edit makes of a file, before anything is written.
struct Made {
    standing: Standing,
    content: Vec<u8>,
    told: String,
}

fn make(
    workspace: &Workspace,
    place: &Place,
    directory: &Dir,
    name: &OsStr,
    input: &Input,
    shown: Lines,
) -> Result<Made, Refusal> {
    let Some(standing) = standing(workspace, place, directory, name)? else {
        return Err(Refusal::new(format!(
            "{place} does not exist; look with `ls` or `glob`, or make it with `write`"
        )));
    };
    if standing.stat.st_size > LARGEST {
        return Err(Refusal::new(format!(
            "{place} is too large to edit ({} bytes; at most {LARGEST}); use a program such as `sed`",
            standing.stat.st_size
        )));
    }
    if workspace.knows(place, &standing.version) == Known::Changed {
        return Err(changed(place));
    }
    let bom = standing.content.starts_with(BOM);
    let original = without_mark(&standing.content);
    if original.starts_with(b"\xff\xfe") || original.starts_with(b"\xfe\xff") {
        return Err(Refusal::new(format!(
            "{place} is text in UTF-16, which `edit` does not take; convert it first"
        )));
    }
    let searched = Searched::new(original);
    let (splices, told) = splices(&searched, original, place, input, shown)?;
    let edited = searched.apply(&splices);
    let mut content = Vec::with_capacity(edited.len() + BOM.len());
    content.extend_from_slice(if bom { BOM } else { b"" });
    content.extend_from_slice(&edited);
    keeps_secrets(workspace, place, &standing.content, &content)?;
    Ok(Made { standing, content, told })
}

/// What an edit would change, as a whole diff.
pub(super) fn preview(workspace: &Workspace, input: &str) -> Outcome {
    let input: Input = serde_json::from_str(input).map_err(|wrong| Refusal::new(wrong.to_string()))?;
    let (place, directory, name) = seen(workspace, &input.path)?;
    let made = make(workspace, &place, &directory, &name, &input, Lines::Shown)?;
    Ok(whole(&place.to_string(), without_mark(&made.standing.content), without_mark(&made.content)))
}

/// Why an edit would fail as things stand.
pub(super) fn check(workspace: &Workspace, input: &str) -> Result<(), Refusal> {
    let input: Input = serde_json::from_str(input).map_err(|wrong| Refusal::new(wrong.to_string()))?;
    let (place, directory, name) = seen(workspace, &input.path)?;
    make(workspace, &place, &directory, &name, &input, Lines::Shown).map(drop)
}

/// An edit keeps a byte order mark as it is.
fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(BOM).unwrap_or(content)
}

/// What is to be spliced, and where that is in words.
fn splices(
    searched: &Searched<'_>,
    original: &[u8],
    place: &Place,
    input: &Input,
    shown: Lines,
) -> Result<(Vec<Splice>, String), Refusal> {
    let plain = |text: &str| text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (old, new) = (plain(&input.old), plain(&input.new));
    if old.is_empty() {
        return Err(Refusal::new(
            "`old` is empty; give the text to replace, or use `write` for a whole file",
        ));
    }
    if old == new {
        return Err(Refusal::new("`old` and `new` are the same: nothing would change"));
    }
    let text = std::str::from_utf8(original);
    if text.is_err() && !new.is_ascii() {
        return Err(Refusal::new(format!(
            "{place} is not UTF-8, and `new` holds characters that its encoding would write otherwise; use ASCII, or \
             convert the file first"
        )));
    }
    let found = searched.find(&old);
    let all = input.replace_all.unwrap_or(false);
    match found.len() {
        0 => {
            let hint = Some(original).filter(|_| shown == Lines::Shown);
            let hint = hint.and_then(|original| nearly(&String::from_utf8_lossy(original), &old));
            let encoding = (text.is_err() && !old.is_ascii())
                .then(|| "it is not UTF-8, so only ASCII text can be found in it".to_owned());
            let hint = hint
                .or(encoding)
                .unwrap_or_else(|| "read the file again and copy the text from it".to_owned());
            return Err(Refusal::new(format!(
                "`old` was not found in {place}, which was left alone; {hint}"
            )));
        }
        many if many > 1 && !all => {
            return Err(Refusal::new(format!(
                "`old` stands {many} times in {place}, at {}; nothing was changed: give more of the text around the one \
                 that is meant, or `replace_all`",
                lines(searched, &found)
            )));
        }
        _ => {}
    }
    let splices = found.iter().map(|at| searched.splice(*at, &old, &new)).collect();
    let told = match found.len() {
        1 => format!("edited {} at {}", place.told(), lines(searched, &found)),
        many => format!("edited {} in {many} places, at {}", place.told(), lines(searched, &found)),
    };
    Ok((splices, told))
}

fn lines(searched: &Searched<'_>, found: &[usize]) -> String {
    let named: Vec<String> = found.iter().take(NAMED).map(|at| searched.line_of(*at).to_string()).collect();
    let more = if found.len() > NAMED { ", …" } else { "" };
    let word = if found.len() == 1 { "line" } else { "lines" };
    format!("{word} {}{more}", named.join(", "))
}
