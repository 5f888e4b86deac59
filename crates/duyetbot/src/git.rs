//! What the configuration of the repository that a directory lies in would make git run.
mod embedded;

use duyetbot_tools::rules::{GitConfig, names_programs};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Bytes of a configuration that are read; a longer one counts as one that cannot be.
const LARGEST: u64 = 1024 * 1024;
/// Submodules whose configuration is read; where there are more, that is said.
const MOST_MODULES: usize = 256;
/// How deep submodules may lie in submodules.
const DEEPEST: usize = 8;
/// Bytes of an index that are read.
const LARGEST_INDEX: u64 = 128 * 1024 * 1024;

/// Looks at the repository of this directory as git would find it: this directory's, or that of one above it, and at those
/// that lie in its work tree.
///
/// A `.git` that is no repository is passed over, as git does, but what it names is told all the same.
pub(crate) fn facts(workspace: &Path) -> GitConfig {
    let mut names = Vec::new();
    for directory in workspace.ancestors() {
        let inner = directory.join(".git");
        match inner.symlink_metadata() {
            Ok(_) => {
                repository(&inner, &mut names);
                if !inner.is_dir() || is_repository(&inner) {
                    embedded::repositories(directory, &inner, &mut names);
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => {
                names.push(format!("{}, which cannot be looked at", inner.display()));
                break;
            }
        }
        if is_repository(directory) {
            repository(directory, &mut names);
            embedded::repositories(directory, directory, &mut names);
            break;
        }
    }
    if names.is_empty() { GitConfig::Plain } else { GitConfig::Names(names) }
}

/// Whether git takes a directory for a repository, a bare one too. A work tree's own has the rest of it elsewhere.
fn is_repository(directory: &Path) -> bool {
    let has = |name: &str| directory.join(name).symlink_metadata().is_ok();
    has("HEAD") && (has("commondir") || has("objects") && has("refs"))
}

/// What a repository names, where `git` is its directory or the file that leads there.
fn repository(git: &Path, names: &mut Vec<String>) {
    let git = match leads_to(git) {
        Ok(git) => git,
        Err(error) => return names.push(format!("{}, which cannot be read ({error})", git.display())),
    };
    let common = match read(&git.join("commondir")) {
        Ok(Some(text)) => git.join(text.trim()),
        Ok(None) => git.clone(),
        Err(_) => return names.push("commondir, which cannot be read".to_owned()),
    };
    for file in [common.join("config"), common.join("config.worktree"), git.join("config.worktree")] {
        config(&file, names);
    }
    hooks(&common.join("hooks"), names);
    let mut left = MOST_MODULES;
    modules(&common.join("modules"), 0, &mut left, names);
    if left == 0 {
        names.push(format!("more than {MOST_MODULES} submodules, which were not all looked at"));
    }
}

/// The directory of a repository; a work tree beside it has a file in its place.
fn leads_to(git: &Path) -> io::Result<PathBuf> {
    if git.is_dir() {
        return Ok(git.to_owned());
    }
    let text = read(git)?.unwrap_or_default();
    let target = text.trim().strip_prefix("gitdir:").ok_or(io::ErrorKind::InvalidData)?;
    Ok(git.parent().unwrap_or(git).join(target.trim()))
}

fn config(file: &Path, names: &mut Vec<String>) {
    match read(file) {
        Ok(text) => names.extend(names_programs(&text.unwrap_or_default())),
        Err(error) => names.push(format!("{}, which cannot be read ({error})", file.display())),
    }
}

/// Hooks that git would run. Their samples do not run.
fn hooks(directory: &Path, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let runs = |metadata: &Metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".sample") && fs::metadata(entry.path()).is_ok_and(|metadata| runs(&metadata)) {
            names.push(format!("hooks/{name}"));
        }
    }
}

/// Git looks into submodules too. Their names may have slashes, so their directories lie at any depth.
fn modules(directory: &Path, depth: usize, left: &mut usize, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        if *left == 0 || depth == DEEPEST {
            return;
        }
        *left -= 1;
        let path = entry.path();
        if path.join("HEAD").exists() {
            config(&path.join("config"), names);
            config(&path.join("config.worktree"), names);
            hooks(&path.join("hooks"), names);
            modules(&path.join("modules"), depth + 1, left, names);
        } else {
            modules(&path, depth + 1, left, names);
        }
    }
}

/// A configuration's text; none where there is no file.
fn read(path: &Path) -> io::Result<Option<String>> {
    Ok(bytes(path, LARGEST)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// What a regular file of bounded size holds; none where there is no file.
fn bytes(path: &Path, largest: u64) -> io::Result<Option<Vec<u8>>> {
    // A pipe is not waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(CWD, path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > largest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    file.take(largest).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(workspace: &Path) -> Vec<String> {
        match facts(workspace) {
            GitConfig::Plain => Vec::new(),
            GitConfig::Names(names) => names,
            GitConfig::NotRead => panic!("nobody looked"),
        }
    }

    #[test]
    fn a_repository_is_found_as_git_finds_it_and_all_that_it_would_run_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let inner = at("repo/sub/deep");
        fs::create_dir_all(&inner).unwrap();
        assert_eq!(names(&inner), Vec::<String>::new());
        fs::create_dir_all(at("repo/.git/hooks")).unwrap();
        fs::write(at("repo/.git/config"), "[core]\n\tbare = false\n").unwrap();
        fs::write(at("repo/.git/hooks/pre-commit.sample"), "").unwrap();
        assert_eq!(names(&inner), Vec::<String>::new());
        fs::write(at("repo/.git/config"), "[core]\n\tfsmonitor = touch P\n").unwrap();
        fs::write(at("repo/.git/hooks/post-index-change"), "#!/bin/sh\n").unwrap();
        assert_eq!(names(&inner), ["core.fsmonitor"]);
        fs::set_permissions(at("repo/.git/hooks/post-index-change"), fs::Permissions::from_mode(0o755))
            .unwrap();
        assert_eq!(names(&inner), ["core.fsmonitor", "hooks/post-index-change"]);
    }

    #[test]
    fn work_trees_submodules_and_bare_repositories_are_looked_at_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["repo/.git/worktrees/w", "repo/.git/modules/libs/x", "w", "bare/objects", "bare/refs"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("w/.git"), "gitdir: ../repo/.git/worktrees/w\n").unwrap();
        fs::write(at("repo/.git/worktrees/w/commondir"), "../..\n").unwrap();
        fs::write(at("repo/.git/worktrees/w/config.worktree"), "[diff]\nexternal = x\n").unwrap();
        fs::write(at("repo/.git/modules/libs/x/HEAD"), "").unwrap();
        fs::write(at("repo/.git/modules/libs/x/config"), "[core]\npager = x\n").unwrap();
        assert_eq!(names(&at("w")), ["diff.external", "core.pager"]);
        fs::write(at("bare/HEAD"), "").unwrap();
        fs::write(at("bare/config"), "[alias]\nst = !x\n").unwrap();
        assert_eq!(names(&at("bare")), ["alias.st"]);
    }

    #[test]
    fn a_bare_layout_counts_beside_and_above_a_git_directory_that_is_no_repository() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["a/.git", "a/objects", "a/refs", "a/sub/.git", "b/c"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("a/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(at("a/config"), "[core]\nfsmonitor = touch P\n").unwrap();
        assert_eq!(names(&at("a")), ["core.fsmonitor"]);
        assert_eq!(names(&at("a/sub")), ["core.fsmonitor"]);
        // Git follows `commondir`, and a HEAD that is a link to nothing is one.
        std::os::unix::fs::symlink("refs/heads/main", at("b/HEAD")).unwrap();
        fs::write(at("b/commondir"), "../a\n").unwrap();
        assert_eq!(names(&at("b/c")), ["core.fsmonitor"]);
    }

    #[test]
    fn repositories_in_the_work_tree_are_looked_at_where_git_would() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["repo/.git/objects", "repo/.git/refs", "repo/x/y", "repo/sub/.git"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("repo/.git/HEAD"), "").unwrap();
        assert_eq!(names(&at("repo/x")), Vec::<String>::new());
        fs::write(at("repo/sub/.git/config"), "[core]\nfsmonitor = touch P\n").unwrap();
        assert_eq!(names(&at("repo/x")), ["sub: core.fsmonitor"]);
    }

    #[test]
    fn what_cannot_be_read_is_no_plain_repository() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("repo/.git")).unwrap();
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(CWD, at("repo/.git/config"), kind, Mode::RWXU, 0).unwrap();
        assert_eq!(names(&at("repo")).len(), 1);
        fs::create_dir(at("other")).unwrap();
        fs::write(at("other/.git"), "nonsense").unwrap();
        assert_eq!(names(&at("other")).len(), 1);
    }
}
