//! What a word that is being typed may become: a command, or a file of the workspace.
use ignore::WalkBuilder;
use std::{borrow::Cow, path::Path};

use super::{
    commands::COMMANDS,
    draft::Draft,
    menu::{Entry, Menu},
};
use crate::output::printable;

/// Files of the workspace that are looked at, at most.
const FILES: usize = 50_000;
/// Entries that are offered at once.
const OFFERED: usize = 50;

/// The word at the cursor that can be completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// From the slash on.
    Command(String),
    /// Behind the `@`, which stands here.
    File { at: usize, word: String },
}

/// What can be completed where the cursor is.
pub(crate) fn asked(draft: &Draft) -> Option<Asked> {
    let before = draft.before();
    if before.starts_with('/') && !before.contains(char::is_whitespace) && !before[1..].contains('/') {
        return Some(Asked::Command(before.to_owned()));
    }
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = before[start..].strip_prefix('@')?;
    Some(Asked::File { at: start, word: word.to_owned() })
}

/// The offers for a command.
pub(crate) fn commands(word: &str) -> Option<Menu<String>> {
    let fits = COMMANDS.iter().filter(|(name, _)| name.starts_with(word) && *name != word);
    let entry = |(name, about): &(&str, &str)| Entry {
        value: (*name).to_owned(),
        name: (*name).to_owned(),
        about: (*about).to_owned(),
    };
    Menu::new(fits.map(entry).collect())
}

/// The offers for a file: the letters of the word in their order, the best first.
pub(crate) fn files(all: &[String], word: &str) -> Option<Menu<String>> {
    let word = word.to_lowercase();
    let mut found: Vec<(Rank, &String)> =
        all.iter().filter_map(|path| Some((rank(&path.to_lowercase(), &word)?, path))).collect();
    found.sort_unstable();
    let entry =
        |(_, path): (Rank, &String)| Entry { value: path.clone(), name: path.clone(), about: String::new() };
    Menu::new(found.into_iter().take(OFFERED).map(entry).collect())
}

/// How well a path fits; lower is better: the kind of match, then the length.
type Rank = (u8, usize);

fn rank(path: &str, word: &str) -> Option<Rank> {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let kind = if name.starts_with(word) {
        0
    } else if path.starts_with(word) {
        1
    } else if path.contains(word) {
        2
    } else if in_order(path, word) {
        3
    } else {
        return None;
    };
    Some((kind, path.len()))
}

fn in_order(path: &str, word: &str) -> bool {
    let mut letters = path.chars();
    word.chars().all(|c| letters.any(|l| l == c))
}

/// The files below a folder, relative to it, without what the folder's ignore files name.
pub(crate) fn workspace_files(folder: &Path) -> Vec<String> {
    let walk = WalkBuilder::new(folder).require_git(false).build();
    let mut files: Vec<String> = walk
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(entry.path().strip_prefix(folder).ok()?.to_str()?.to_owned()))
        .filter(|path| is_plain(path))
        .take(FILES)
        .collect();
    files.sort_unstable();
    files
}

/// Can the name be told in a message, and read there? One with a line end, or with what a terminal obeys, cannot.
fn is_plain(path: &str) -> bool {
    !path.contains(['\n', '\t']) && matches!(printable(path), Cow::Borrowed(_))
}

/// A path as it is put into a message: quoted where it would be read as something else.
pub(crate) fn mention(path: &str) -> String {
    if path.contains(|c: char| c.is_whitespace() || c == '\\') || path.starts_with(['"', '\'']) {
        let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("@\"{quoted}\" ");
    }
    format!("@{path} ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_word_at_the_cursor_says_what_is_asked() {
        let file = |at, word: &str| Some(Asked::File { at, word: word.to_owned() });
        assert_eq!(asked(&Draft::new("/mo")), Some(Asked::Command("/mo".to_owned())));
        assert_eq!(asked(&Draft::new("/model x")), None);
        assert_eq!(asked(&Draft::new("/usr/b")), None);
        assert_eq!(asked(&Draft::new("see @src/m")), file(4, "src/m"));
        assert_eq!(asked(&Draft::new("@")), file(0, ""));
        assert_eq!(asked(&Draft::new("me@example.org")), None);
        assert_eq!(asked(&Draft::new("")), None);
    }

    #[test]
    fn the_nearest_file_is_offered_first() {
        let all = ["src/domain.rs", "main.md", "src/main.rs", "notes/my_own.txt"].map(str::to_owned);
        let offered = |word: &str| files(&all, word).map(|menu| menu.chosen().value.clone());
        assert_eq!(offered("main"), Some("main.md".to_owned()));
        assert_eq!(offered("src/m"), Some("src/main.rs".to_owned()));
        assert_eq!(offered("myow"), Some("notes/my_own.txt".to_owned()));
        assert_eq!(offered("MAIN.R"), Some("src/main.rs".to_owned()));
        assert_eq!(offered("zzz"), None);
    }

    #[test]
    fn ignored_files_are_not_offered() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.txt", ""), ("b.log", ""), (".gitignore", "*.log\n")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert_eq!(workspace_files(folder.path()), ["a.txt"]);
    }

    #[test]
    fn names_that_steer_a_terminal_or_end_a_line_are_not_offered() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a\nb.txt", "c\u{1b}[2J.txt", "d\t.txt", "e\u{202e}.txt", "it's \"plain\".txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(workspace_files(folder.path()), ["it's \"plain\".txt"]);
    }
}
