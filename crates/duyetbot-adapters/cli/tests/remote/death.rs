//! A server of many people that is killed in the middle of a turn and started again, seen from the terminal of one of them.
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout},
    time::{Duration, Instant},
};

use crate::{
    common::Place,
    ended::Ended,
    script::{Answer, Model, call, held, words},
    served::Served,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

struct Many {
    model: Model,
    here: Place,
    there: Place,
    workspace: tempfile::TempDir,
}

impl Many {
    /// A server, and a person who is signed in at it.
    fn new(answers: impl IntoIterator<Item = Answer>) -> (Self, Served) {
        let many = Many {
            model: Model::new(answers),
            here: Place::new(),
            there: Place::new(),
            workspace: tempfile::tempdir().unwrap(),
        };
        let served = many.serve("127.0.0.1:0");
        let added = many
            .there
            .command(&["users", "add", "ada@example.org", "--output-format", "json"])
            .output()
            .unwrap();
        let added: Value = serde_json::from_slice(&added.stdout).unwrap();
        let mut login = many.here.command(&["login", &format!("http://{}", served.address), "--token"]);
        let mut child = login.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, added["token"].as_str().unwrap().as_bytes()).unwrap();
        drop(input);
        Ended::of(child.wait_with_output().unwrap()).well();
        (many, served)
    }

    fn serve(&self, address: &str) -> Served {
        let mut command = self.there.command(&["serve", "--listen", address]);
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("JWT_SECRET", SECRET)
            .env("OPENAI_API_KEY", "the-key-of-this-test-0123456789")
            .env("OPENAI_BASE_URL", self.model.url())
            .env("DUYETBOT_MODEL", "openai/scripted")
            .env("DUYETBOT_RECALL", "false")
            .env("DUYETBOT_RULES__ALLOW", "bash(sh wait.sh)")
            .env("DUYETBOT_SERVE__WORKSPACE", self.workspace.path());
        Served::start(command)
    }

    /// Kills the server, and starts another at its address.
    fn again(&self, served: Served) -> Served {
        let address = served.address.clone();
        served.end(Signal::KILL);
        self.serve(&address)
    }

    fn ask(&self, args: &[&str]) -> Watched {
        let args = [&["ask", "--remote", "--output-format", "stream-json"], args].concat();
        let mut child = self.here.command(&args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Watched { child, out }
    }
}

/// A turn whose events are read as they come.
struct Watched {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Watched {
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        (self.out.read_line(&mut line).unwrap() > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    fn until(&mut self, kind: &str) {
        while self.next().unwrap_or_else(|| panic!("no {kind} came"))["type"] != kind {}
    }

    /// What still comes, and the exit code.
    fn end(mut self) -> (Vec<Value>, Option<i32>) {
        let rest = std::iter::from_fn(|| self.next()).collect();
        (rest, self.child.wait().unwrap().code())
    }
}

#[test]
fn a_turn_goes_on_by_itself_after_its_server_was_killed_and_started_again() {
    let (half, _release) = held("half an answer, ", words(""));
    let (many, served) = Many::new([half, words("the whole answer."), words("Yes.")]);
    let mut turn = many.ask(&["hi"]);
    turn.until("content");
    let served = many.again(served);
    let (rest, code) = turn.end();
    let begun = rest.iter().rposition(|event| event["type"] == "begin").unwrap();
    let said: String = rest[begun..].iter().filter_map(|event| event["content"].as_str()).collect();
    assert_eq!((said.as_str(), code), ("the whole answer.", Some(0)), "{rest:?}");
    assert_eq!(rest.last().unwrap()["state"], "done");
    let (more, code) = many.ask(&["-c", "and?"]).end();
    assert_eq!((&more.last().unwrap()["state"], code), (&json!("done"), Some(0)));
    served.end(Signal::TERM);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn a_turn_whose_tool_was_cut_ends_interrupted_and_the_session_goes_on() {
    let (many, served) = Many::new([call("bash", json!({"command": "sh wait.sh"})), words("Yes.")]);
    // What the killed server leaves behind ends by itself.
    std::fs::write(many.workspace.path().join("wait.sh"), "touch begun\nsleep 3\n").unwrap();
    let mut turn = many.ask(&["wait for it"]);
    turn.until("tool");
    let until = Instant::now() + Duration::from_secs(20);
    while !many.workspace.path().join("begun").exists() {
        assert!(Instant::now() < until, "the tool never began");
        std::thread::sleep(Duration::from_millis(10));
    }
    let served = many.again(served);
    let (rest, code) = turn.end();
    let result = rest.iter().find(|event| event["type"] == "tool_result").unwrap();
    assert_eq!(result["status"], "interrupted");
    let ending = rest.last().unwrap();
    assert_eq!((&ending["type"], &ending["state"], code), (&json!("error"), &json!("interrupted"), Some(1)));
    let (more, code) = many.ask(&["-c", "and?"]).end();
    assert_eq!((&more.last().unwrap()["state"], code), (&json!("done"), Some(0)), "{more:?}");
    assert_eq!(many.model.requests().len(), 2, "the cut call is not made again");
    served.end(Signal::TERM);
}
