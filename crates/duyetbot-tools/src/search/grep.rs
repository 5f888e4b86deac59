//! `grep`: lines by what stands in them.
use async_trait::async_trait;
use cap_std::fs::Dir;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use globset::GlobSet;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    glob::matcher,
    lines::Shown,
    walk::{Ignored, Tree, Visit},
};
use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
    workspace::{Place, Stop, Workspace, blocking, name::shown, open_at},
};

/// How long a search may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Matching lines of one answer, and bytes.
const SHOWN: u64 = 250;
const MOST_BYTES: usize = 40 * 1024;
/// Lines of context on each side.
const MOST_CONTEXT: usize = 20;
/// A line longer than this is not searched: it would have to be held whole.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// Finds lines in files.
pub struct Grep {
    spec: ToolSpec,
    workspace: Workspace,
    withheld: Withheld,
}

/// Knows the files whose lines are not shown, by their paths in the workspace.
#[derive(Clone, Default)]
pub struct Withheld(Option<Arc<IsWithheld>>);

type IsWithheld = dyn Fn(&str) -> bool + Send + Sync;

impl Withheld {
    /// Those of which this says so.
    pub fn by(is_withheld: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Withheld(Some(Arc::new(is_withheld)))
    }

    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|is_withheld| is_withheld(&path.to_string_lossy()))
    }
}

/// What to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Show {
    /// The matching lines with their numbers.
    #[default]
    Lines,
    /// Only how many lines match in each file.
    Counts,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// A regular expression, matched within one line.
    pattern: String,
    /// The file or directory to look in, relative to the workspace. Default: the workspace.
    path: Option<String>,
    /// Only files whose paths fit this pattern, as in `glob`, such as `*.rs`.
    include: Option<String>,
    /// Take upper and lower case for the same. Default: false.
    ignore_case: Option<bool>,
    /// Take the pattern as plain text. Default: false.
    literal: Option<bool>,
    /// Lines to show before and after each match. Default: 0.
    context: Option<usize>,
    /// What to answer. Default: lines.
    show: Option<Show>,
    /// The first matching line (or with `counts` file) to show, from 1. Default: 1.
    offset: Option<u64>,
    /// Also what `.gitignore` leaves out. Default: false.
    include_ignored: Option<bool>,
}

impl Grep {
    /// The tool in this workspace. No line of what is withheld is shown.
    pub fn new(workspace: Workspace, withheld: Withheld) -> Self {
        let description = "Finds lines by a regular expression, sorted by path. What git ignores, `.git`, and binary files \
                           are left out. Long lines are cut around the match.";
        Grep { spec: input::spec_of::<Input>("grep", description, Approval::Free), workspace, withheld }
    }

    async fn grep(&self, input: &str) -> Outcome {
        let input: Input = input::read(&self.spec, input)?;
        let (workspace, withheld) = (self.workspace.clone(), self.withheld.clone());
        blocking(LIMIT, move |stop| Search::new(&workspace, &withheld, &input, stop)?.run()).await
    }
}

#[async_trait]
impl Tool for Grep {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.grep(input).await)
    }
}

struct Search<'a> {
    workspace: &'a Workspace,
    withheld: &'a Withheld,
    input: &'a Input,
    stop: &'a Stop,
    place: Place,
    matcher: RegexMatcher,
    include: Option<GlobSet>,
}

/// A file with matching lines.
struct Hit {
    path: PathBuf,
    lines: u64,
}

/// What the search of all files brought.
#[derive(Default)]
struct Found {
    hits: Vec<Hit>,
    files: u64,
    binary: u64,
    unread: u64,
    withheld: u64,
}

impl<'a> Search<'a> {
    fn new(
        workspace: &'a Workspace,
        withheld: &'a Withheld,
        input: &'a Input,
        stop: &'a Stop,
    ) -> Result<Self, Refusal> {
        let place = workspace.place(input.path.as_deref().unwrap_or("."))?;
        let matcher = RegexMatcherBuilder::new()
            .case_insensitive(input.ignore_case.unwrap_or(false))
            .fixed_strings(input.literal.unwrap_or(false))
            .line_terminator(Some(b'\n'))
            .build(&input.pattern)
            .map_err(|wrong| {
                Refusal::new(format!(
                    "the pattern is no regular expression for one line: {wrong}; `literal` takes it as text"
                ))
            })?;
        let include = input.include.as_deref().map(|include| {
            let anywhere = if include.contains('/') { include.to_owned() } else { format!("**/{include}") };
            self::matcher(&anywhere)
        });
        Ok(Search { workspace, withheld, input, stop, place, matcher, include: include.transpose()? })
    }

    fn run(&self) -> Outcome {
        let failed = |cause: io::Error| self.workspace.cannot(&self.place, "searched", &cause);
        let metadata = self.workspace.root().metadata(self.place.path()).map_err(failed)?;
        let mut found = if metadata.is_dir() {
            let tree = Tree::open(self.workspace, self.place.path()).map_err(failed)?;
            let counting = || Counting::new(self, tree.dir(), Some(&tree));
            let threads = tree.walk(Ignored::of(self.input.include_ignored), self.stop, counting);
            threads.into_iter().fold(Found::default(), Found::and)
        } else {
            // Refuses what is no regular file with the reason.
            self.workspace.open_file(&self.place)?;
            let mut one = Counting::new(self, self.workspace.root(), None);
            one.visit(self.place.path(), true);
            one.found()
        };
        found.hits.sort_unstable_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
        if found.files == 0 && self.workspace.is_gone() {
            return Err(self.workspace.gone());
        }
        if found.hits.is_empty() {
            return Ok(format!("[no line matches in {} files{}]", found.files, self.left_out(&found)));
        }
        match self.input.show.unwrap_or_default() {
            Show::Lines => self.lines(&found),
            Show::Counts => Ok(self.counts(&found)),
        }
    }

    fn offset(&self) -> u64 {
        self.input.offset.unwrap_or(1).max(1)
    }

    /// The page of matching lines that was asked for: its files are searched again, the others were only counted.
    fn lines(&self, found: &Found) -> Outcome {
        let total: u64 = found.hits.iter().map(|hit| hit.lines).sum();
        let offset = self.offset();
        let (mut skip, mut text, mut shown_lines, mut cut) = (offset - 1, String::new(), 0, false);
        for hit in &found.hits {
            if skip >= hit.lines {
                skip -= hit.lines;
                continue;
            }
            if shown_lines == SHOWN || text.len() >= MOST_BYTES || self.stop.is_asked() {
                break;
            }
            let mut sink = Shown {
                matcher: &self.matcher,
                stop: self.stop,
                skip,
                limit: SHOWN - shown_lines,
                most_bytes: MOST_BYTES - text.len(),
                text: String::new(),
                shown: 0,
                cut: false,
            };
            skip = 0;
            // A file that went away since it was counted has no lines to show.
            let Ok(file) = open_at(self.workspace.root(), &hit.path) else { continue };
            let mut searcher = self.searcher(self.input.context.unwrap_or(0).min(MOST_CONTEXT), true);
            let source = Stoppable { file: file.into_std(), stop: self.stop };
            searcher
                .search_reader(&self.matcher, source, &mut sink)
                .map_err(|cause| Refusal::io(format!("{} cannot be searched", shown(&hit.path)), &cause))?;
            text.push_str(&format!(
                "{}{}\n{}",
                if text.is_empty() { "" } else { "\n" },
                shown(&hit.path),
                sink.text
            ));
            shown_lines += sink.shown;
            cut |= sink.cut;
        }
        if offset > total {
            return Err(Refusal::new(format!(
                "only {total} lines match; offset {offset} is beyond the last"
            )));
        }
        let last = offset + shown_lines - 1;
        let files = found.hits.len();
        let more = if last < total { format!("; offset {} shows the next", last + 1) } else { String::new() };
        let left_out = self.left_out(found);
        text.push_str(&format!(
            "[lines {offset} to {last} of {total} that match, in {files} files{more}{left_out}]\n"
        ));
        if cut {
            text.push_str(
                "[long lines are cut; `read` with offset, limit 1 and column shows the rest of one]\n",
            );
        }
        Ok(text)
    }

    fn counts(&self, found: &Found) -> String {
        let (mut text, mut next) = (String::new(), self.offset());
        let total = found.hits.len();
        let skip = usize::try_from(next - 1).unwrap_or(usize::MAX);
        for hit in found.hits.iter().skip(skip).take(1_000) {
            if text.len() >= MOST_BYTES {
                break;
            }
            text.push_str(&format!("{:>8}  {}\n", hit.lines, shown(&hit.path)));
            next += 1;
        }
        let more =
            if next <= total as u64 { format!("; offset {next} shows the next") } else { String::new() };
        text.push_str(&format!("[{total} files{more}{}]\n", self.left_out(found)));
        text
    }

    fn left_out(&self, found: &Found) -> String {
        let mut notes = String::new();
        for (files, why) in [
            (found.binary, "binary files were left out"),
            (found.unread, "files could not be read"),
            (found.withheld, "files were left out, as a rule does for `read`"),
        ] {
            if files > 0 {
                notes.push_str(&format!("; {files} {why}"));
            }
        }
        if self.stop.is_asked() {
            notes.push_str("; the time was up before all files were searched, so give a narrower path");
        }
        notes
    }

    fn searcher(&self, context: usize, numbers: bool) -> Searcher {
        SearcherBuilder::new()
            .line_number(numbers)
            .before_context(context)
            .after_context(context)
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(LONGEST_LINE))
            .build()
    }
}

impl Found {
    fn and(mut self, other: Found) -> Found {
        self.hits.extend(other.hits);
        self.files += other.files;
        self.binary += other.binary;
        self.unread += other.unread;
        self.withheld += other.withheld;
        self
    }
}

/// Counts the matching lines of each file on one thread.
struct Counting<'a> {
    search: &'a Search<'a>,
    dir: &'a Dir,
    /// None for a single file, whose path is the workspace's.
    tree: Option<&'a Tree>,
    searcher: Searcher,
    found: Found,
}

impl<'a> Counting<'a> {
    fn new(search: &'a Search<'a>, dir: &'a Dir, tree: Option<&'a Tree>) -> Self {
        Counting { search, dir, tree, searcher: search.searcher(0, false), found: Found::default() }
    }

    fn count(&mut self, path: &Path) -> io::Result<Counted<'a>> {
        let file = open_at(self.dir, path)?.into_std();
        // It may have been swapped for something else since its name was seen.
        let mut counted = Counted { stop: self.search.stop, lines: 0, binary: false };
        if file.metadata()?.is_file() {
            let source = Stoppable { file, stop: self.search.stop };
            self.searcher.search_reader(&self.search.matcher, source, &mut counted)?;
        }
        Ok(counted)
    }
}

impl Visit for Counting<'_> {
    type Found = Found;

    fn visit(&mut self, inner: &Path, is_file: bool) -> bool {
        let fits = |include: &GlobSet| include.is_match(inner);
        if !is_file || !self.search.include.as_ref().is_none_or(fits) {
            return true;
        }
        let tree = self.tree;
        let path = || tree.map_or_else(|| inner.to_owned(), |tree| tree.path(inner));
        if self.search.withheld.0.is_some() && self.search.withheld.has(&path()) {
            self.found.withheld += 1;
            return true;
        }
        self.found.files += 1;
        match self.count(inner) {
            Ok(counted) if counted.binary => self.found.binary += 1,
            Ok(counted) if counted.lines > 0 => {
                self.found.hits.push(Hit { path: path(), lines: counted.lines });
            }
            Ok(_) => {}
            Err(_) => self.found.unread += 1,
        }
        true
    }

    fn found(self) -> Found {
        self.found
    }
}

struct Counted<'a> {
    stop: &'a Stop,
    lines: u64,
    binary: bool,
}

impl Sink for Counted<'_> {
    type Error = io::Error;
    fn matched(&mut self, _: &Searcher, _: &SinkMatch<'_>) -> Result<bool, io::Error> {
        self.lines += 1;
        Ok(!self.stop.is_asked())
    }
    fn binary_data(&mut self, _: &Searcher, _: u64) -> Result<bool, io::Error> {
        self.binary = true;
        Ok(false)
    }
}

/// A file whose reading ends once nobody waits for it.
struct Stoppable<'a> {
    file: File,
    stop: &'a Stop,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_asked() { Ok(0) } else { self.file.read(buffer) }
    }
}
