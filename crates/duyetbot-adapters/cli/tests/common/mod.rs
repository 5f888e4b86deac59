//! A home and a folder of their own, in which the built binary runs.
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) struct Place {
    /// Holds the agent's home, `home`.
    pub(crate) home: TempDir,
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place { home: TempDir::new().unwrap(), folder: TempDir::new().unwrap() }
    }

    /// The binary with nothing in its environment but its home; what it writes is kept for the test.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duyetbot"));
        command
            .args(args)
            .env_clear()
            .env("DUYETBOT_HOME", self.home.path().join("home"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
