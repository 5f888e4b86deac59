//! `read`: lines of a file.
use async_trait::async_trait;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Cursor, Read as _},
    time::Duration,
};

use super::page::{MOST_COLUMNS, Page, Range, page};
use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{HASHED, Place, Stop, Version, Workspace, blocking},
};

/// Lines of one answer, where the call does not say.
const LINES: u64 = 2_000;
/// How long reading may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes at a file's start that tell what it is.
const HEAD: usize = 8 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads lines of a text file.
pub struct Read {
    spec: ToolSpec,
    workspace: Workspace,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// The file, relative to the workspace, as `ls` and `glob` show it.
    path: String,
    /// The first line to read, from 1. Default: 1.
    offset: Option<u64>,
    /// How many lines. Default: 2000.
    limit: Option<u64>,
    /// The first character of each line to show, from 1: for the rest of very long lines. Default: 1.
    column: Option<u64>,
}

impl Read {
    /// The tool in this workspace.
    pub fn new(workspace: Workspace) -> Self {
        let description = "Reads a text file. Each line is shown as its number, a tab and the line. Long files and long \
                           lines are cut, and the result says how to read on.";
        Read { spec: input::spec_of::<Input>("read", description, Approval::Free), workspace }
    }

    async fn read(&self, input: &str) -> Outcome {
        let Input { path, offset, limit, column } = input::read(&self.spec, input)?;
        let range = Range {
            offset: offset.unwrap_or(1).max(1),
            limit: limit.unwrap_or(LINES).max(1),
            column: column.unwrap_or(1).max(1),
        };
        let workspace = self.workspace.clone();
        blocking(LIMIT, move |stop| read(&workspace, &workspace.place(&path)?, range, stop)).await
    }
}

#[async_trait]
impl Tool for Read {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.read(input).await)
    }
}

fn read(workspace: &Workspace, place: &Place, range: Range, stop: &Stop) -> Outcome {
    let (file, metadata) = workspace.open_file(place)?;
    let file = file.into_std();
    let failed = |cause| workspace.cannot(place, "read", &cause);
    if metadata.len() > HASHED {
        let found =
            from(&mut BufReader::with_capacity(64 * 1024, file), place, range, stop).map_err(failed)??;
        workspace.saw(place, Version::stamp(&metadata));
        return Ok(found);
    }
    let mut whole = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // It may grow while it is read.
    file.take(HASHED + 1).read_to_end(&mut whole).map_err(failed)?;
    let version = Version::of(&whole);
    let found = from(&mut Cursor::new(whole), place, range, stop).map_err(failed)??;
    workspace.saw(place, version);
    Ok(found)
}

fn from(source: &mut impl BufRead, place: &Place, range: Range, stop: &Stop) -> std::io::Result<Outcome> {
    let head = source.fill_buf()?;
    let head = &head[..head.len().min(HEAD)];
    if let Some(kind) = kind_of(head) {
        return Ok(Err(Refusal::new(format!("{place} is {kind}, not text, and is not shown"))));
    }
    if head.starts_with(BOM) {
        source.consume(BOM.len());
    }
    let read = page(source, range, stop)?;
    if read.stopped {
        let sentence = format!(
            "line {} of {place} was not reached within {} s; it is too far into the file (line {} was)",
            range.offset,
            LIMIT.as_secs(),
            read.seen
        );
        return Ok(Err(Refusal::new(sentence)));
    }
    if read.lines == 0 && range.offset > 1 {
        let sentence = format!("{place} has {} lines; offset {} is beyond its end", read.seen, range.offset);
        return Ok(Err(Refusal::new(sentence)));
    }
    let mut text = with_notes(read, range);
    let (asked, told) = (place.to_string(), place.told());
    if asked != told {
        text.push_str(&format!("[{told}]\n"));
    }
    Ok(Ok(text))
}

fn with_notes(read: Page, range: Range) -> String {
    let mut text = read.text;
    if read.lines == 0 {
        return "[the file is empty]".to_owned();
    }
    if let Some((line, bytes)) = read.cut {
        let next = range.column + MOST_COLUMNS;
        text.push_str(&format!(
            "[lines are cut after {MOST_COLUMNS} characters; line {line} has {bytes} bytes more: offset {line}, limit 1, \
             column {next} shows the next]\n"
        ));
    }
    if read.broken {
        text.push_str("[not all of it is UTF-8; other bytes are shown as \u{fffd}, and `edit` leaves them as they are]\n");
    }
    if read.crlf {
        text.push_str("[lines end with CR LF; `edit` keeps them so]\n");
    }
    if !read.ended {
        let next = read.seen + 1;
        text.push_str(&format!(
            "[lines {} to {}; the file goes on at offset {next}]\n",
            range.offset, read.seen
        ));
    }
    text
}

/// What a file that is not text is; none for text.
fn kind_of(head: &[u8]) -> Option<&'static str> {
    let magics: [(&[u8], &str); 9] = [
        (b"\x89PNG\r\n\x1a\n", "an image (image/png)"),
        (b"\xff\xd8\xff", "an image (image/jpeg)"),
        (b"GIF8", "an image (image/gif)"),
        (b"%PDF-", "a document (application/pdf)"),
        (b"PK\x03\x04", "an archive (application/zip)"),
        (b"\x1f\x8b", "an archive (application/gzip)"),
        (b"\x7fELF", "a program (application/x-executable)"),
        (b"\xff\xfe", "text in UTF-16 (convert it with `iconv`)"),
        (b"\xfe\xff", "text in UTF-16 (convert it with `iconv`)"),
    ];
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some("an image (image/webp)");
    }
    let known = magics.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    known.or_else(|| memchr::memchr(0, head).map(|_| "binary (application/octet-stream)"))
}
