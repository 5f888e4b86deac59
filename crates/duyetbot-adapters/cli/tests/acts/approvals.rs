//! Calls that wait for a person: durable, shown whole, decided at the terminal or from another process.
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{fs, process::Command};

use crate::{
    common::Place,
    model::PATIENCE,
    pty::Pty,
    script::{Answer, Model, call, calls, words},
    world::Ended,
};

const PROMPT: &str = "n = no: ";

fn command(line: &str) -> Answer {
    call("bash", json!({ "command": line }))
}

fn ended(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

/// A chat that was asked something and waits for a decision.
fn waiting(place: &Place, model: &Model) -> Pty {
    let mut pty = Pty::run(&place.with(model, &["--plain"]));
    pty.wait("> ");
    pty.keys("do it\r");
    pty.wait(PROMPT);
    pty
}

fn listed(place: &Place, model: &Model) -> Vec<Value> {
    let list = place.run(model, &["approvals", "ls", "--output-format", "json"]);
    assert_eq!(list.code, Some(0), "{list:?}");
    list.json().as_array().unwrap().clone()
}

#[test]
fn a_command_is_shown_whole_with_odd_characters_and_runs_once_it_is_allowed() {
    let place = Place::new();
    let long = "x".repeat(300);
    let line = format!("touch P1 # {long}\u{202e}\ntouch P2");
    let model = Model::new([command(&line), words("Done.")]);
    let mut pty = Pty::run(&place.with(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("do it\r");
    pty.wait("duyetbot: bash asks: ");
    pty.wait("touch P1 # ");
    pty.wait("\\u{202e}\r\n    touch P2");
    pty.wait("allow it? y = once");
    pty.wait(PROMPT);
    assert!(!place.at("P1").exists());
    pty.keys("what?\r");
    pty.wait(PROMPT);
    pty.keys("y\r");
    pty.wait("Done.");
    pty.wait("> ");
    assert!(place.at("P1").exists() && place.at("P2").exists());
    let text = String::from_utf8_lossy(pty.written()).into_owned();
    assert!(!text.contains('\u{202e}') && text.replace("\r\n", "").contains(&long), "{text}");
}

#[test]
fn a_change_is_shown_as_a_diff_and_a_denied_one_is_not_made() {
    let place = Place::new();
    place.file("a.txt", "one\ntwo\nthree\n");
    let change = call("edit", json!({ "path": "a.txt", "old": "two", "new": "2" }));
    let model = Model::new([change, words("Then not.")]);
    let mut pty = Pty::run(&place.with(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("do it\r");
    pty.wait("-two");
    pty.wait("+2");
    pty.wait("a = always, in every folder (edit(a.txt))");
    pty.wait(PROMPT);
    pty.keys("n\r");
    pty.wait("Then not.");
    assert_eq!(place.read("a.txt"), "one\ntwo\nthree\n");
    assert!(!place.config().exists());
}

#[test]
fn always_writes_the_narrowest_rule_to_the_home_s_config_and_holds_at_once() {
    let place = Place::new();
    fs::create_dir_all(place.config().parent().unwrap()).unwrap();
    fs::write(place.config(), "# mine\nrecall = true\n").unwrap();
    let model = Model::new([
        command("touch P1"),
        command("touch P1"),
        words("Done."),
        command("touch P1"),
        words("Again."),
    ]);
    let mut pty = waiting(&place, &model);
    pty.keys("a\r");
    pty.wait("from now on allowed, in every folder: bash(touch P1)");
    pty.wait("Done.");
    pty.wait("> ");
    pty.keys("once more\r");
    pty.wait("Again.");
    let config = fs::read_to_string(place.config()).unwrap();
    assert_eq!(config, "# mine\nrecall = true\n\n[rules]\nallow = [\"bash(touch P1)\"]\n");
    let told = ended(&mut place.command(&["config", "rules", "explain", "bash(touch P1; touch P2)"]));
    assert!(told.out.contains("allow  touch P1: by allow") && told.out.contains("ask  touch P2"), "{told:?}");
}

#[test]
fn what_waits_survives_a_kill_and_is_decided_from_another_process_which_goes_on() {
    let place = Place::new();
    let both =
        calls([("bash", json!({ "command": "touch P1" })), ("bash", json!({ "command": "touch P2" }))]);
    let model = Model::new([both, words("Done.")]);
    let mut pty = waiting(&place, &model);
    pty.signal(Signal::KILL);
    pty.ended();
    let open = listed(&place, &model);
    let inputs: Vec<&str> = open.iter().map(|call| call["input"]["command"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["touch P1", "touch P2"]);
    let text = place.run(&model, &["approvals", "ls"]).out;
    assert!(text.contains("call_0  bash in ") && text.contains("\n    touch P1\n"), "{text}");

    let some = place.run(&model, &["approvals", "deny", "call_"]);
    assert!(some.code == Some(2) && some.err.contains("more than one call"), "{some:?}");
    let first = place.run(&model, &["approvals", "deny", "call_1"]);
    assert_eq!((first.code, first.out.as_str()), (Some(0), "denied; 1 more call of this turn waits\n"));
    assert_eq!(model.requests().len(), 1);
    // Again changes nothing, and the other way round is refused.
    let full = open[1]["id"].as_str().unwrap();
    assert_eq!(place.run(&model, &["approvals", "deny", full]).code, Some(0));
    assert_eq!(place.run(&model, &["approvals", "allow", full]).code, Some(1));
    let last = place.run(&model, &["approvals", "allow", "call_0"]);
    assert_eq!((last.code, last.out.as_str()), (Some(0), "Done.\n"), "{last:?}");
    assert_eq!((place.at("P1").exists(), place.at("P2").exists()), (true, false));
    assert_eq!(listed(&place, &model), Vec::<Value>::new());
}

#[test]
fn a_decision_from_elsewhere_is_seen_by_the_terminal_that_asked() {
    let place = Place::new();
    let model = Model::new([command("touch P1"), words("Done.")]);
    let mut pty = waiting(&place, &model);
    // From a directory of its own it only decides; the chat goes on.
    let elsewhere = tempfile::TempDir::new().unwrap();
    let mut allow = place.with(&model, &["approvals", "allow", "call_0"]);
    let told = ended(allow.current_dir(elsewhere.path()));
    assert!(told.code == Some(0) && told.out.starts_with("allowed; it goes on in "), "{told:?}");
    pty.wait("it was decided elsewhere");
    pty.wait("Done.");
    pty.wait("> ");
    assert!(place.at("P1").exists());
    assert!(!elsewhere.path().join("P1").exists());
}

#[test]
fn a_new_message_denies_what_is_open() {
    let place = Place::new();
    let model = Model::new([command("touch P1"), words("Something else, then.")]);
    let mut pty = waiting(&place, &model);
    pty.signal(Signal::KILL);
    pty.ended();
    let next = place.run(&model, &["ask", "-c", "something else"]);
    assert_eq!((next.code, next.out.as_str()), (Some(0), "Something else, then.\n"), "{next:?}");
    assert_eq!(listed(&place, &model), Vec::<Value>::new());
    assert_eq!(place.run(&model, &["approvals", "allow", "call_0"]).code, Some(1));
    assert!(!place.at("P1").exists());
    let sent = model.requests().pop().unwrap()["messages"].to_string();
    assert!(sent.contains("denied: the run ended before anybody decided"), "{sent}");
}

#[test]
fn typing_ahead_is_no_consent_and_ctrl_c_at_a_question_ends_the_turn() {
    let place = Place::new();
    let (answer, release) = crate::script::held("", command("touch P1"));
    let model = Model::new([answer, words("Well.")]);
    let mut pty = Pty::run(&place.with(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("do it\r");
    model.wait_for(1);
    pty.keys("y\r");
    pty.wait("y");
    release.send(()).unwrap();
    pty.wait(PROMPT);
    pty.look(PATIENCE / 40);
    assert!(!place.at("P1").exists());
    pty.keys("\u{3}");
    pty.wait("> ");
    assert_eq!(listed(&place, &model), Vec::<Value>::new());
    assert!(!place.at("P1").exists());
    pty.keys("go on\r");
    pty.wait("Well.");
}

#[test]
fn a_person_at_the_terminal_of_ask_is_asked_too() {
    let place = Place::new();
    let model = Model::new([command("touch P1"), words("Done.")]);
    let mut pty = Pty::run(&place.with(&model, &["ask", "do it"]));
    pty.wait(PROMPT);
    pty.keys("y\r");
    assert_eq!(pty.ended().code(), Some(0));
    assert!(place.at("P1").exists());
}

#[test]
fn elsewhere_what_goes_is_listed_before_what_comes_and_a_long_reason_is_cut() {
    let place = Place::new();
    place.file("a.txt", "one\n");
    let change = json!({ "path": "a.txt", "old": "one", "new": "2" });
    let long = format!("touch {}", "x".repeat(2_000));
    let model = Model::new([calls([("edit", change), ("bash", json!({ "command": long }))])]);
    let mut pty = waiting(&place, &model);
    pty.signal(Signal::KILL);
    pty.ended();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let list = ended(place.with(&model, &["approvals", "ls"]).current_dir(elsewhere.path()));
    let lines: Vec<&str> = list.out.lines().collect();
    assert!(lines[0].starts_with("call_0  edit in "), "{list:?}");
    assert_eq!(lines[2..5], ["    path: a.txt", "    old: one", "    new: 2"]);
    assert!(lines[6].starts_with("    why: touch x") && lines[6].ends_with('…'), "{list:?}");
    assert!(lines[6].chars().count() < 320, "{list:?}");
    assert_eq!(lines[7], format!("    {long}"));
}
