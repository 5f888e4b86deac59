//! A real bash in a fresh directory, to see which files a line makes.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Where lines run. Its `git` only says its name, so that nothing but the shell can make a file.
pub(crate) struct Workshop {
    programs: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Workshop {
        let programs = TempDir::new().unwrap();
        let git = programs.path().join("git");
        fs::write(&git, "#!/bin/sh\necho git \"$@\"\n").unwrap();
        fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
        Workshop { programs }
    }

    /// The files that a line makes in an empty directory, which is its home too. A line may run 10 seconds.
    pub(crate) fn made_by(&self, line: &str) -> Vec<String> {
        let place = TempDir::new().unwrap();
        let path = format!("{}:/usr/bin:/bin", self.programs.path().display());
        let status = Command::new("timeout")
            .args(["-s", "KILL", "10", "bash", "--norc", "-c", line])
            .current_dir(place.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!matches!(status.code(), None | Some(137)), "it did not end: {line:?}");
        below(place.path())
    }
}

fn below(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
