//! Repositories in a repository's work tree: git goes into those that its index names, and obeys their configuration.
use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{LARGEST_INDEX, bytes, leads_to, repository};

/// Repositories whose configuration is read; where there are more, that is said.
const MOST: usize = 256;
/// Directories of a work tree that are searched for some that the index does not name yet.
const MOST_DIRECTORIES: usize = 4_096;
/// The mode of an entry that is a repository.
const GITLINK: u32 = 0o160_000;

/// Adds what the repositories in this work tree name, whose own repository is `git`.
pub(super) fn repositories(tree: &Path, git: &Path, names: &mut Vec<String>) {
    searched(tree, git, MOST_DIRECTORIES, names);
}

/// The same, where so many directories are searched.
fn searched(tree: &Path, git: &Path, directories: usize, names: &mut Vec<String>) {
    let mut found: BTreeSet<PathBuf> = BTreeSet::new();
    let mut todo = VecDeque::from([(tree.to_owned(), git.to_owned())]);
    nearby(tree, directories, &mut found);
    for directory in &found {
        todo.push_back((directory.clone(), directory.join(".git")));
    }
    while let Some((tree_of, git)) = todo.pop_front() {
        // Where it cannot be told where it leads, that is said of its configuration.
        let Ok(leads) = leads_to(&git) else { continue };
        let entries = bytes(&leads.join("index"), LARGEST_INDEX).map(|index| match index {
            Some(index) => gitlinks(&index),
            None => Some(Vec::new()),
        });
        let Ok(Some(entries)) = entries else {
            names.push(format!("the index of {}, which cannot be read", shown(tree, &tree_of)));
            continue;
        };
        for entry in entries {
            let directory = tree_of.join(&entry);
            let git = directory.join(".git");
            if git.symlink_metadata().is_ok() && found.insert(directory.clone()) {
                todo.push_back((directory, git));
            }
        }
        if found.len() > MOST {
            break;
        }
    }
    for directory in found.iter().take(MOST) {
        let mut of_it = Vec::new();
        repository(&directory.join(".git"), &mut of_it);
        let place = shown(tree, directory);
        names.extend(of_it.into_iter().map(|name| format!("{place}: {name}")));
    }
    if found.len() > MOST {
        names.push(format!("more than {MOST} repositories in the work tree, which were not all looked at"));
    }
}

fn shown(tree: &Path, directory: &Path) -> String {
    let inside = directory.strip_prefix(tree).unwrap_or(directory);
    if inside.as_os_str().is_empty() { "the work tree".to_owned() } else { inside.display().to_string() }
}

/// The directories of a work tree that hold a repository, the nearest first: a line may name them to git before it asks for
/// the state of all.
fn nearby(tree: &Path, mut left: usize, found: &mut BTreeSet<PathBuf>) {
    let mut todo = VecDeque::from([tree.to_owned()]);
    while let Some(directory) = todo.pop_front() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let is_git = entry.file_name() == ".git";
            if is_git && directory != tree {
                found.insert(directory.clone());
            } else if !is_git && left > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left -= 1;
                todo.push_back(entry.path());
            }
        }
    }
}

/// The paths that an index names as repositories; none where it cannot be read, or leads to a shared one.
fn gitlinks(index: &[u8]) -> Option<Vec<PathBuf>> {
    [20, 32].into_iter().find_map(|hash| entries(index, hash))
}

/// The same, where names of objects have so many bytes.
fn entries(index: &[u8], hash: usize) -> Option<Vec<PathBuf>> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let version = number(4)?;
    if !index.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let mut found = Vec::new();
    let (mut at, mut path): (usize, Vec<u8>) = (12, Vec::new());
    for _ in 0..number(8)? {
        let (start, mode) = (at, number(at + 24)?);
        let flags = u16::from_be_bytes(index.get(at + 40 + hash..at + 42 + hash)?.try_into().ok()?);
        at += 42 + hash + if flags & 0x4000 == 0 { 0 } else { 2 };
        if version == 4 {
            let keep = path.len().checked_sub(number_of(index, &mut at)?)?;
            path.truncate(keep);
        } else {
            path.clear();
        }
        let length = memchr(index.get(at..)?)?;
        path.extend_from_slice(&index[at..at + length]);
        at += length;
        // One NUL, or up to eight so that the next entry lies even.
        at = if version == 4 { at + 1 } else { start + (at - start) / 8 * 8 + 8 };
        if mode == GITLINK {
            found.push(PathBuf::from(OsStr::from_bytes(&path)));
        }
    }
    // What follows are extensions, and the checksum.
    while at + hash < index.len() {
        if index.get(at..at + 4)? == b"link" {
            return None;
        }
        at = at.checked_add(8)?.checked_add(usize::try_from(number(at + 4)?).ok()?)?;
    }
    (at + hash == index.len()).then_some(found)
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0)
}

/// A number in as many bytes as it needs, as git writes offsets.
fn number_of(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    for n in 0.. {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_shl(7)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value = value.checked_add(1).filter(|_| n < 4)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(directory: &Path, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(directory)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    #[test]
    fn an_index_of_every_version_and_hash_tells_the_repositories_that_it_names() {
        for format in ["sha1", "sha256"] {
            let folder = tempfile::tempdir().unwrap();
            let at = |path: &str| folder.path().join(path);
            for name in ["dir/sub", "dir/subtwo"] {
                fs::create_dir_all(at(name)).unwrap();
                git(&at(name), &["init", "-q", "--object-format", format]);
                git(&at(name), &["commit", "-q", "--allow-empty", "-m", "x"]);
            }
            git(folder.path(), &["init", "-q", "--object-format", format]);
            for name in ["a", "dir/b", "z".repeat(200).as_str()] {
                fs::write(at(name).with_extension("txt"), "x").unwrap();
            }
            git(folder.path(), &["add", "-A"]);
            git(folder.path(), &["add", "-N", "a.txt"]);
            for version in ["2", "3", "4"] {
                git(folder.path(), &["update-index", "--index-version", version]);
                let index = fs::read(at(".git/index")).unwrap();
                let named = ["dir/sub", "dir/subtwo"].map(PathBuf::from).to_vec();
                assert_eq!(gitlinks(&index), Some(named), "{format} {version}");
                assert_eq!(gitlinks(&index[..index.len() - 1]), None);
            }
        }
    }

    #[test]
    fn a_repository_beyond_the_search_is_found_by_the_index_and_an_index_that_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        git(folder.path(), &["init", "-q"]);
        let deep = at("far/away");
        fs::create_dir_all(&deep).unwrap();
        git(&deep, &["init", "-q"]);
        git(&deep, &["commit", "-q", "--allow-empty", "-m", "x"]);
        git(&deep, &["config", "core.fsmonitor", "touch P"]);
        git(folder.path(), &["add", "-A"]);
        let mut names = Vec::new();
        searched(folder.path(), &at(".git"), 0, &mut names);
        assert_eq!(names, ["far/away: core.fsmonitor"]);
        fs::write(at(".git/index"), "nonsense").unwrap();
        let mut names = Vec::new();
        repositories(folder.path(), &at(".git"), &mut names);
        assert!(names.contains(&"the index of the work tree, which cannot be read".to_owned()), "{names:?}");
    }
}
