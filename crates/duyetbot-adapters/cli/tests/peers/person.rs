//! A person with a home and a folder of their own, who uses the binary.
pub(crate) use crate::ended::Ended;
use serde_json::Value;
use std::{fs, process::Child};

pub(crate) use crate::common::Place as Person;
use crate::peer;

/// The key that all tests use: nothing may show or keep it.
const KEY: &str = "the-key-of-this-test-0123456789";

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Anthropic,
    OpenAi,
}

pub(crate) const FORMATS: [Format; 2] = [Format::Anthropic, Format::OpenAi];

impl Format {
    /// The variable of its key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Format::Anthropic => "ANTHROPIC_API_KEY",
            Format::OpenAi => "OPENAI_API_KEY",
        }
    }
    pub(crate) fn model(self) -> &'static str {
        match self {
            Format::Anthropic => "anthropic/claude-sonnet-4-5",
            Format::OpenAi => "openai/gpt-5",
        }
    }
}

impl Person {
    /// Asks the model of this format at this address, without waiting for the answer.
    pub(crate) fn begin(&self, format: Format, base: &str, args: &[&str]) -> Child {
        let mut command = self.command(&[&["ask", "--model", format.model()], args].concat());
        command.env(format.key(), KEY);
        match format {
            Format::Anthropic => command.env("ANTHROPIC_BASE_URL", base),
            Format::OpenAi => command.env("OPENAI_BASE_URL", format!("{base}/v1")),
        };
        command.spawn().unwrap()
    }

    /// Asks and waits.
    pub(crate) fn ask(&self, format: Format, base: &str, args: &[&str]) -> Ended {
        ended(self.begin(format, base, args))
    }

    /// Asks the server of failures.
    pub(crate) fn ask_good(&self, format: Format, args: &[&str]) -> Ended {
        self.ask(format, &format!("{}/good", peer::wiremock()), args)
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The only session's id.
    pub(crate) fn session(&self) -> String {
        let list = self.json(&["sessions", "ls", "--output-format", "json"]);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        list[0]["id"].as_str().unwrap().to_owned()
    }

    /// The only session's messages, parents before children.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let export = self.json(&["sessions", "export", &self.session()]);
        export["messages"].as_array().unwrap().clone()
    }

    /// Who said what in the only session, and whether it was cut.
    pub(crate) fn said(&self) -> Vec<(String, String, bool)> {
        let said = |message: &Value| {
            let text = message["parts"][0]["text"].as_str().unwrap();
            (message["role"].as_str().unwrap().to_owned(), text.to_owned(), message["cut"] == true)
        };
        self.messages().iter().map(said).collect()
    }

    /// No file of the home holds the key.
    pub(crate) fn keeps_no_key(&self) {
        for entry in fs::read_dir(self.home.path().join("home")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let held = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            assert!(!held, "{} holds the key", path.display());
        }
    }
}

/// Ends a run of the binary, which has not shown the key.
pub(crate) fn ended(child: Child) -> Ended {
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert!(!format!("{ended:?}").contains(KEY), "the key was shown: {ended:?}");
    ended
}
