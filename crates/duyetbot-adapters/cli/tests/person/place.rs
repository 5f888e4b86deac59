//! What a test asks of a place besides running the binary in it.
use serde_json::Value;
use std::{
    fs,
    process::{Command, Output, Stdio},
};

pub(crate) use crate::common::Place;
use crate::model::Model;

impl Place {
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The one JSON document of a command that succeeds.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--output-format", "json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A line for a shell; `$0` is the binary.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let prepared = self.command(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).arg(prepared.get_program()).current_dir(self.folder.path()).env_clear();
        shell.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }

    /// A command that asks this model.
    pub(crate) fn asking(&self, model: &Model, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env("DUYETBOT_MODEL", "openai/gpt-5")
            .env("OPENAI_API_KEY", "a-key-of-this-test")
            .env("OPENAI_BASE_URL", model.base());
        command
    }

    /// The newest session's id.
    pub(crate) fn newest(&self) -> String {
        self.json(&["sessions", "ls"])[0]["id"].as_str().unwrap().to_owned()
    }

    /// Who said what in the newest session, and whether it was cut.
    pub(crate) fn said(&self) -> Vec<(String, String, bool)> {
        let export = self.json(&["sessions", "export", &self.newest()]);
        let said = |message: &Value| {
            let text = message["parts"][0]["text"].as_str().unwrap_or_default();
            (message["role"].as_str().unwrap().to_owned(), text.to_owned(), message["cut"] == true)
        };
        export["messages"].as_array().unwrap().iter().map(said).collect()
    }

    /// The first words of the newest session.
    pub(crate) fn asked(&self) -> String {
        self.said()[0].1.clone()
    }

    /// A file in the folder; answers its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(crate) fn line(role: &str, text: &str, cut: bool) -> (String, String, bool) {
    (role.to_owned(), text.to_owned(), cut)
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
