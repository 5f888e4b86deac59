//! What a project says to whoever works in it: `AGENTS.md` of the workspace and of the directories above it.
use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::workspace::Workspace;

/// The names that are looked for in each directory; the first that is there is read.
const NAMES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];
/// Bytes that one file may bring.
const MOST_OF_ONE: usize = 16 * 1024;
/// Bytes that all of them may bring.
const MOST: usize = 32 * 1024;
/// Directories that are looked at.
const DEEPEST: usize = 64;

/// A file of instructions, cut to a bounded size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// The file.
    pub path: PathBuf,
    /// Its text, with a note at its end where it was cut.
    pub text: String,
}

/// The instructions that hold in a workspace, the outermost first: those of the directories from the repository's root
/// down; or, where there is no repository, from the person's home down; else those of the workspace alone.
///
/// Each file is opened beneath its own directory, and only a regular file is read: a link that leads elsewhere, a pipe or a
/// directory of that name is as good as nothing. Where all together are too long, the outermost are cut.
pub fn instructions(workspace: &Path, home: Option<&Path>) -> Vec<Instructions> {
    let mut left = MOST;
    let mut found: Vec<Instructions> = Vec::new();
    for directory in directories(workspace, home) {
        let Some((path, text, size)) = read(&directory, left.min(MOST_OF_ONE)) else { continue };
        left = left.saturating_sub(text.len());
        let mut text = text;
        if text.len() < size {
            let rest = size - text.len();
            text.push_str(&format!("\n[cut here: {rest} bytes more stand in {}]", path.display()));
        }
        found.push(Instructions { path, text });
    }
    found.reverse();
    found
}

/// The workspace and the directories above it that belong to it, the innermost first.
fn directories(workspace: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let above: Vec<&Path> = workspace.ancestors().take(DEEPEST).collect();
    let root = above.iter().position(|path| path.join(".git").symlink_metadata().is_ok());
    let home = || above.iter().position(|path| home.is_some_and(|home| home == *path));
    let last = root.or_else(home).unwrap_or(0);
    above.into_iter().take(last + 1).map(Path::to_owned).collect()
}

/// A directory's file, what may be taken of it, and its whole size.
fn read(directory: &Path, most: usize) -> Option<(PathBuf, String, usize)> {
    let held = Workspace::open(directory).ok()?;
    let (name, file, size) = NAMES.iter().find_map(|name| {
        let (file, metadata) = held.open_file(&held.place(name).ok()?).ok()?;
        Some((name, file, metadata.len()))
    })?;
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).ok()?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if (bytes.len() as u64) < size {
        // Cut within a character: what is left of it is no character of the file.
        text.truncate(text.trim_end_matches('\u{fffd}').len());
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    (!text.trim().is_empty() || size > bytes.len()).then(|| (directory.join(name), text, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn world() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("home/repo/crate/src");
        fs::create_dir_all(&inner).unwrap();
        (folder, inner)
    }

    fn texts(workspace: &Path, home: Option<&Path>) -> Vec<String> {
        instructions(workspace, home).into_iter().map(|found| found.text).collect()
    }

    #[test]
    fn instructions_come_from_the_repository_s_root_down_and_not_from_above_it() {
        let (folder, inner) = world();
        let at = |path: &str| folder.path().join(path);
        fs::write(at("AGENTS.md"), "above home").unwrap();
        fs::write(at("home/AGENTS.md"), "home").unwrap();
        fs::write(at("home/repo/CLAUDE.md"), "root").unwrap();
        fs::write(at("home/repo/crate/AGENTS.md"), "crate").unwrap();
        fs::write(at("home/repo/crate/CLAUDE.md"), "not this one").unwrap();
        fs::write(at("home/repo/crate/src/AGENTS.md"), "src").unwrap();
        let home = at("home");
        assert_eq!(texts(&inner, Some(&home)), ["home", "root", "crate", "src"]);
        assert_eq!(texts(&inner, None), ["src"]);
        fs::create_dir(at("home/repo/.git")).unwrap();
        assert_eq!(texts(&inner, Some(&home)), ["root", "crate", "src"]);
    }

    #[test]
    fn only_a_regular_file_beneath_its_directory_is_read() {
        let (folder, inner) = world();
        fs::write(folder.path().join("secret"), "of elsewhere").unwrap();
        symlink(folder.path().join("secret"), inner.join("AGENTS.md")).unwrap();
        assert_eq!(texts(&inner, None), Vec::<String>::new());
        fs::write(inner.join("CLAUDE.md"), "beside it").unwrap();
        assert_eq!(texts(&inner, None), ["beside it"]);
        fs::remove_file(inner.join("AGENTS.md")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            inner.join("AGENTS.md"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        assert_eq!(texts(&inner, None), ["beside it"]);
    }

    #[test]
    fn long_instructions_are_cut_with_a_note_the_outermost_first() {
        let (folder, inner) = world();
        fs::create_dir(folder.path().join("home/repo/.git")).unwrap();
        for (path, letter) in [("home/repo", "o"), ("home/repo/crate", "m"), ("home/repo/crate/src", "i")] {
            fs::write(folder.path().join(path).join("AGENTS.md"), letter.repeat(20_000)).unwrap();
        }
        let found = texts(&inner, None);
        let sizes: Vec<usize> =
            found.iter().map(|text| text.split("\n[cut here: ").next().unwrap().len()).collect();
        assert_eq!(sizes, [0, MOST_OF_ONE, MOST_OF_ONE]);
        assert!(found.iter().all(|text| text.contains("[cut here: ")), "{found:?}");
        fs::write(inner.join("AGENTS.md"), format!("x{}", "é".repeat(10_000))).unwrap();
        assert!(texts(&inner, None)[2].starts_with(&format!("x{}\n[cut", "é".repeat(MOST_OF_ONE / 2 - 1))));
    }
}
