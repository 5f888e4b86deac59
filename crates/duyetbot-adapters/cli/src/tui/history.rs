//! What was typed before, in the file that the plain chat writes too.
use duyetbot_core::redact::Redactor;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::draft::Draft;

/// Entries that are kept at hand.
const KEPT: usize = 1_000;
/// Bytes of the file that are read, at most.
const READ: u64 = 4 * 1024 * 1024;
/// The first line of a file whose entries may have several lines.
const VERSION: &str = "#V2";

/// The entries, oldest first, and where a person looks at present.
#[derive(Debug, Default)]
pub(crate) struct History {
    file: Option<PathBuf>,
    redactor: Option<Arc<Redactor>>,
    entries: Vec<String>,
    /// The entry that is shown, and the draft that it took the place of.
    shown: Option<(usize, Draft)>,
}

impl History {
    /// Reads the file. What was typed before is a comfort: the chat works without it.
    pub(crate) fn read(file: &Path, redactor: Arc<Redactor>) -> Self {
        let text = match fs::metadata(file) {
            Ok(found) if found.len() <= READ => fs::read(file).unwrap_or_default(),
            _ => Vec::new(),
        };
        let text = String::from_utf8_lossy(&text);
        let (version, rest) = text.split_once('\n').unwrap_or(("", &text));
        let mut entries: Vec<String> = if version == VERSION {
            rest.lines().map(unescape).collect()
        } else {
            text.lines().map(str::to_owned).collect()
        };
        entries.drain(..entries.len().saturating_sub(KEPT));
        History { file: Some(file.to_owned()), redactor: Some(redactor), entries, shown: None }
    }

    /// Keeps what was sent; what holds a secret is not kept.
    pub(crate) fn add(&mut self, text: &str) {
        self.shown = None;
        let secret = self.redactor.as_ref().is_some_and(|redactor| redactor.alters(text));
        if secret || text.trim().is_empty() || self.entries.last().is_some_and(|last| last == text) {
            return;
        }
        self.entries.push(text.to_owned());
        if self.entries.len() > KEPT {
            self.entries.remove(0);
        }
        // As above: a full disk keeps nobody from talking.
        let _ = self.append(text);
    }

    /// The entry before the one that is shown.
    pub(crate) fn older(&mut self, draft: &Draft) -> Option<Draft> {
        let (at, kept) = match self.shown.take() {
            Some((at, kept)) => (at, kept),
            None => (self.entries.len(), draft.clone()),
        };
        let next = at.saturating_sub(1);
        let found = if at == 0 { None } else { self.entries.get(next) };
        let found = found.map(|entry| Draft::new(entry.as_str()));
        self.shown = Some((if found.is_some() { next } else { at }, kept));
        found
    }

    /// The entry after the one that is shown, at last the draft.
    pub(crate) fn newer(&mut self) -> Option<Draft> {
        let (at, kept) = self.shown.take()?;
        match self.entries.get(at + 1) {
            Some(entry) => {
                self.shown = Some((at + 1, kept));
                Some(Draft::new(entry.as_str()))
            }
            None => Some(kept),
        }
    }

    /// The draft was changed: it is one of its own.
    pub(crate) fn leave(&mut self) {
        self.shown = None;
    }

    fn append(&self, text: &str) -> io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let begin = if file.metadata()?.len() == 0 { format!("{VERSION}\n") } else { String::new() };
        file.write_all(format!("{begin}{}\n", escape(text)).as_bytes())
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_order_and_the_draft_at_the_end() {
        let mut history = History::default();
        history.add("one");
        history.add("two");
        history.add("two");
        let draft = Draft::new("half");
        assert_eq!(history.older(&draft), Some(Draft::new("two")));
        assert_eq!(history.older(&draft), Some(Draft::new("one")));
        assert_eq!(history.older(&draft), None);
        assert_eq!(history.newer(), Some(Draft::new("two")));
        assert_eq!(history.newer(), Some(draft));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn a_file_keeps_entries_of_several_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let mut history = History::read(&file, Arc::default());
        history.add("one\ntwo \\n three");
        history.add("four");
        assert_eq!(fs::read_to_string(&file).unwrap(), "#V2\none\\ntwo \\\\n three\nfour\n");
        assert_eq!(History::read(&file, Arc::default()).entries, ["one\ntwo \\n three", "four"]);
    }
}
