//! The commands of the README work as they stand there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/served.rs"]
mod served;

use common::Place;
use rustix::process::Signal;
use served::Served;
use std::{
    fs,
    process::{Command, Output, Stdio},
};

const README: &str = include_str!("../../../../README.md");

/// The lines of the shell blocks under this heading, without their remarks.
fn commands(heading: &str) -> Vec<String> {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines: String = blocks.collect::<String>().replace("\\\n", " ");
    let command = |line: &str| line.split(" #").next().unwrap().trim().to_owned();
    let commands: Vec<String> = lines.lines().map(command).filter(|line| !line.is_empty()).collect();
    assert!(!commands.is_empty(), "a shell block");
    commands
}

/// The commands that stand in a sentence.
fn spoken() -> Vec<&'static str> {
    let spans = README.split('`').skip(1).step_by(2);
    spans.filter(|span| span.starts_with("duyetbot ") && !span.contains('\n')).collect()
}

impl Place {
    /// Runs a line in a shell that finds the built binary.
    fn shell(&self, line: &str) -> Output {
        self.line(line).output().unwrap()
    }

    fn line(&self, line: &str) -> Command {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_duyetbot")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
        let prepared = self.command(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-o", "pipefail", "-c", line]).current_dir(self.folder.path()).env_clear();
        shell.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }
}

#[test]
fn every_command_of_the_readme_works() {
    let place = Place::new();
    assert!(place.shell("git init --quiet . && echo change > file && git add file").status.success());
    let commands = commands("Use");
    assert_eq!(commands[0], "duyetbot", "the chat, which wants a terminal");
    for line in &commands[1..] {
        let list = place.command(&["sessions", "ls", "--output-format", "json"]).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        let line = line
            .replace("git diff", "git diff --cached")
            .replace("ID", list[0]["id"].as_str().unwrap_or_default());
        let output = place.shell(&line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        if line.contains("Where is the spare key?") {
            assert!(String::from_utf8_lossy(&output.stdout).contains("behind the blue door"));
        }
    }
    assert!(commands.iter().any(|line| line.contains("sessions export")));
    let again = place.shell("duyetbot sessions import talk.json");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(spoken().len() >= 4, "{:?}", spoken());
    let served = Served::start(place.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]));
    for line in spoken() {
        // The usual address may be another's on this machine.
        let line = line.replace("serve --check", "serve --check --listen 127.0.0.1:0");
        let line = line.replace("serve --ready", &format!("serve --ready --listen {}", served.address));
        let output = place.shell(&line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    served.end(Signal::TERM);
    assert!(fs::metadata(place.folder.path().join("talk.json")).unwrap().len() > 100);
}

#[test]
fn every_make_target_of_the_readme_is_there_and_one_installs_the_program() {
    let makefile = include_str!("../../../../Makefile");
    let targets: Vec<String> = commands("Set up");
    for target in &targets {
        let name = target.strip_prefix("make ").expect("a make target");
        assert!(makefile.contains(&format!("\n{name}: ## ")), "{target} is not in the Makefile");
    }
    assert!(targets.contains(&"make install".to_owned()), "{targets:?}");
}

/// The address that the README's servers listen on.
const ADDRESS: &str = "127.0.0.1:8787";

/// A machine on which somebody follows the README, a line after the other.
#[derive(Default)]
struct Followed {
    exports: Vec<String>,
    served: Option<Served>,
    tokens: Vec<String>,
}

impl Followed {
    fn follow(&mut self, place: &Place, line: &str) {
        if line.starts_with("export ") {
            self.exports.push(line.to_owned());
            return;
        }
        let (address, token) = match &self.served {
            Some(served) => (served.address.as_str(), served.token.as_str()),
            None => (ADDRESS, ""),
        };
        let serves = line.starts_with("duyetbot serve");
        let line = match line {
            line if serves => format!(
                "exec {} --model recall --listen 127.0.0.1:0",
                line.replace("--listen 0.0.0.0:8787", "")
            ),
            line => line.replace("token=…", &format!("token={token}")).replace(ADDRESS, address),
        };
        let line = [&self.exports[..], &[line]].concat().join("; ");
        if serves {
            self.served = Some(Served::start(place.line(&line)));
            return;
        }
        let mut command = place.line(&line);
        command.env("TOKEN", token);
        if line.contains("login") && line.ends_with("--token") {
            // What a person types.
            let typed = place.folder.path().join("typed");
            fs::write(&typed, if token.is_empty() { &self.tokens[0] } else { token }).unwrap();
            command.stdin(fs::File::open(typed).unwrap());
        }
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{line}: {out}{}", String::from_utf8_lossy(&output.stderr));
        if line.contains("users add") {
            self.tokens.push(out.split_whitespace().last().unwrap().to_owned());
        }
        if line.contains("curl") {
            assert!(out.contains(r#""state":"done""#), "{out}");
        }
    }

    fn sign_in(&self, token: &str) -> String {
        let me = self.served.as_ref().unwrap().ask("GET /users/me", token, "");
        assert!(me.starts_with("HTTP/1.1 200 "), "{me}");
        me
    }
}

#[test]
fn two_people_have_a_server_by_what_the_readme_says_of_it() {
    let place = Place::new();
    let mut followed = Followed::default();
    for line in commands("Serve it") {
        followed.follow(&place, &line);
    }
    let people: Vec<String> = followed.tokens.iter().map(|token| followed.sign_in(token)).collect();
    assert_eq!(people.len(), 2);
    assert!(people[0].contains("ada@example.org") && people[1].contains("bob@example.org"), "{people:?}");
    assert_eq!(followed.served.unwrap().end(Signal::TERM).status.code(), Some(0));
}

#[test]
fn a_server_is_used_from_elsewhere_by_what_the_readme_says_of_it() {
    let place = Place::new();
    let mut followed = Followed::default();
    followed.follow(&place, "duyetbot serve");
    let mut commands = commands("Use it from elsewhere");
    commands.retain(|line| line != "duyetbot --remote");
    for line in commands {
        followed.follow(&place, &line);
    }
    let sessions = place.shell("duyetbot sessions ls");
    assert!(String::from_utf8_lossy(&sessions.stdout).contains("Where is the spare key?"), "{sessions:?}");
    assert_eq!(followed.served.unwrap().end(Signal::TERM).status.code(), Some(0));
}
