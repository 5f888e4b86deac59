//! The commands of the README work as they stand there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use std::{
    fs,
    process::{Command, Output},
};

const README: &str = include_str!("../../../../README.md");

/// The lines of the shell block under this heading, without their remarks.
fn commands(heading: &str) -> Vec<String> {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let (_, block) = section.split_once("```sh\n").expect("a shell block");
    let (block, _) = block.split_once("```").unwrap();
    let command = |line: &str| line.split(" #").next().unwrap().trim().to_owned();
    block.lines().map(command).filter(|line| !line.is_empty()).collect()
}

/// The commands that stand in a sentence.
fn spoken() -> Vec<&'static str> {
    let spans = README.split('`').skip(1).step_by(2);
    spans.filter(|span| span.starts_with("duyetbot ") && !span.contains('\n')).collect()
}

impl Place {
    /// Runs a line in a shell that finds the built binary.
    fn shell(&self, line: &str) -> Output {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_duyetbot")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
        let prepared = self.command(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-o", "pipefail", "-c", line]).current_dir(self.folder.path()).env_clear();
        shell.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", path).stdin(std::process::Stdio::null()).output().unwrap()
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
    for line in spoken() {
        let output = place.shell(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
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
