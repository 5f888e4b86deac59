//! A person's home and workspace, in which a scripted model acts.
pub(crate) use crate::ended::Ended;
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

use crate::{
    common::Place,
    script::{Answer, Model, calls, words},
};

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Result {
    pub(crate) status: String,
    pub(crate) output: String,
}

impl Place {
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file in the workspace.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A file of the workspace as it is now.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// The person's config.
    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("home/config.toml")
    }

    /// Runs a line in the workspace, to prepare it.
    #[track_caller]
    pub(crate) fn prepare(&self, line: &str) {
        let mut bash = Command::new("bash");
        bash.args(["-ec", line]).current_dir(self.folder.path()).env("HOME", self.home.path());
        let output = bash.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// The binary, with this model to answer and programs to be found.
    pub(crate) fn with(&self, model: &Model, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("OPENAI_API_KEY", "the-key-of-this-test-0123456789")
            .env("OPENAI_BASE_URL", model.url())
            .env("DUYETBOT_MODEL", "openai/scripted")
            .env("DUYETBOT_RECALL", "false");
        command
    }

    pub(crate) fn run(&self, model: &Model, args: &[&str]) -> Ended {
        Ended::of(self.with(model, args).output().unwrap())
    }

    /// Lets a model make these calls in one answer, with these flags; what became of each.
    #[track_caller]
    pub(crate) fn acts(&self, flags: &[&str], made: &[(&str, Value)]) -> Vec<Result> {
        self.acts_in_steps(flags, vec![calls(made.iter().cloned())])
    }

    /// The same with an answer for each step.
    #[track_caller]
    pub(crate) fn acts_in_steps(&self, flags: &[&str], answers: Vec<Answer>) -> Vec<Result> {
        let model = Model::new(answers.into_iter().chain([words("That is all.")]));
        let args = [&["ask", "--output-format", "stream-json", "act"], flags].concat();
        let ended = self.run(&model, &args);
        results(&ended)
    }
}

/// The results in the events of an `ask`, in the order of the calls.
#[track_caller]
pub(crate) fn results(ended: &Ended) -> Vec<Result> {
    let events = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut called: Vec<(String, Option<Result>)> = Vec::new();
    let mut done = Vec::new();
    for event in events {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str().unwrap() {
            "tool" => called.push((text("callId"), None)),
            "tool_result" => {
                let result = Result { status: text("status"), output: text("output") };
                let id = text("callId");
                called.iter_mut().find(|(call, _)| *call == id).unwrap().1 = Some(result);
            }
            "message" => done.extend(called.drain(..).filter_map(|(_, result)| result)),
            _ => {}
        }
    }
    assert!(!done.is_empty(), "nothing was called: {ended:?}");
    done
}

/// The statuses alone.
pub(crate) fn statuses(results: &[Result]) -> Vec<&str> {
    results.iter().map(|result| result.status.as_str()).collect()
}

/// Waits until something holds that gives no sign of its own.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    use rustix::event::{Timespec, poll};
    let look = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        poll(&mut [], Some(&look)).unwrap();
    }
    panic!("{what} did not come");
}
