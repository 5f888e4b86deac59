//! A person with a home and a folder of their own, who uses the binary.
pub(crate) use crate::ended::Ended;
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub(crate) use crate::common::Place as Person;
use crate::script::Model;

/// Says what this machine cannot try, past what keeps the output of a test that passes.
pub(crate) fn skipped(why: &str) {
    std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes()).unwrap();
}

/// Runs a command to its end.
pub(crate) fn end(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

impl Person {
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        end(&mut self.command(args))
    }

    /// The same with this on standard input.
    pub(crate) fn piped(&self, command: &mut Command, input: &[u8]) -> Ended {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // The program may end before it has read all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::of(child.wait_with_output().unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[args, &["--output-format", "json"]].concat()).done()).unwrap()
    }

    /// The binary, with this model to answer, and nothing recalled from elsewhere.
    pub(crate) fn with_model(&self, model: &Model, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env("OPENAI_API_KEY", "the-key-of-this-test-0123456789")
            .env("OPENAI_BASE_URL", model.url())
            .env("DUYETBOT_MODEL", "openai/scripted")
            .env("DUYETBOT_RECALL", "false");
        command
    }

    /// Asks this model, and answers what it said.
    #[track_caller]
    pub(crate) fn ask(&self, model: &Model, args: &[&str]) -> String {
        end(&mut self.with_model(model, &[&["ask"], args].concat())).done()
    }

    /// All sessions, the newest first.
    #[track_caller]
    pub(crate) fn sessions(&self) -> Vec<Value> {
        self.json(&["sessions", "ls", "--all", "--limit", "1000"]).as_array().unwrap().clone()
    }

    /// The id of the newest session.
    #[track_caller]
    pub(crate) fn newest(&self) -> String {
        self.sessions()[0]["id"].as_str().unwrap().to_owned()
    }

    /// A session as its export has it.
    #[track_caller]
    pub(crate) fn export(&self, id: &str) -> Value {
        serde_json::from_str(&self.run(&["sessions", "export", id]).done()).unwrap()
    }

    /// A session's messages on its main line: who said what.
    #[track_caller]
    pub(crate) fn said(&self, id: &str) -> Vec<(String, String)> {
        said(&self.json(&["sessions", "show", id, "--limit", "100000"]))
    }

    /// A file in the person's folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Imports this document.
    pub(crate) fn import(&self, name: &str, content: impl AsRef<[u8]>) -> Ended {
        let path = self.file(name, content);
        self.run(&["sessions", "import", text(&path)])
    }
}

/// Who said what in an export.
pub(crate) fn said(export: &Value) -> Vec<(String, String)> {
    let of = |message: &Value| {
        let words = message["parts"].as_array().unwrap().iter().filter_map(|part| part["text"].as_str());
        (message["role"].as_str().unwrap().to_owned(), words.collect())
    };
    export["messages"].as_array().unwrap().iter().map(of).collect()
}

/// Who said what, as a test states it.
pub(crate) fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned())).collect()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
