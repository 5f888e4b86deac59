//! A server with a scripted model, and a person elsewhere who is signed in at it.
pub(crate) use crate::ended::Ended;
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    common::Place,
    script::{Answer, Model},
    served::Served,
};

pub(crate) struct World {
    pub(crate) served: Served,
    pub(crate) model: Model,
    /// Where the person is.
    pub(crate) here: Place,
    /// Where the server keeps its own.
    _there: Place,
    /// The folder that the server's tools work in.
    pub(crate) workspace: tempfile::TempDir,
}

impl World {
    /// The person is not signed in.
    pub(crate) fn strange(answers: impl IntoIterator<Item = Answer>) -> Self {
        let (there, model) = (Place::new(), Model::new(answers));
        let workspace = tempfile::tempdir().unwrap();
        let mut command = there.command(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("OPENAI_API_KEY", "the-key-of-this-test-0123456789")
            .env("OPENAI_BASE_URL", model.url())
            .env("DUYETBOT_MODEL", "openai/scripted")
            .env("DUYETBOT_RECALL", "false")
            .env("DUYETBOT_SERVE__WORKSPACE", workspace.path());
        let served = Served::start(command);
        World { served, model, here: Place::new(), _there: there, workspace }
    }

    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let world = World::strange(answers);
        world.with_input(&["login", &world.url(), "--token"], &world.served.token).well();
        world
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.served.address)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.here.command(args).output().unwrap())
    }

    pub(crate) fn with_input(&self, args: &[&str], input: &str) -> Ended {
        let mut child = self.here.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    }

    /// One that runs in a terminal.
    pub(crate) fn interactive(&self, args: &[&str]) -> Command {
        let mut command = self.here.command(args);
        command.env("TERM", "xterm-256color");
        command
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.here.home.path().join("home/credentials.json")
    }

    /// Every file of the person's home but the credentials.
    pub(crate) fn kept(&self) -> Vec<(PathBuf, String)> {
        let files = fs::read_dir(self.here.home.path().join("home")).unwrap();
        let paths = files.map(|entry| entry.unwrap().path()).filter(|path| *path != self.credentials());
        paths
            .map(|path| (path.clone(), String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()))
            .collect()
    }
}
