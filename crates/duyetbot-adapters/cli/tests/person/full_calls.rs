//! The full interface with the real tools and rules: what waits is shown whole, decided by a key, and told once.
use rustix::process::Signal;
use std::fs;

use crate::{
    full::{cutting, open},
    model::Model,
    place::{Place, err},
    pty::{Piped, Pty},
};

/// Longer than the interface waits for quiet keys is not needed: it says when it listens.
const ASKED: &str = "  y  yes, once";

fn asked(place: &Place, model: &Model, tool: &str, input: &str) -> Pty {
    let mut pty = open(place, model, 40, 100);
    pty.keys("do it\r");
    let mut request = model.next();
    request.begin();
    request.say("I shall do it now.");
    request.calls(tool, input);
    pty.sees(ASKED);
    pty
}

/// Presses a key of the question, which is taken for the answer once no other has followed it.
fn answers(pty: &mut Pty, key: &str, told: &str) {
    pty.settles();
    pty.keys(key);
    pty.sees(told);
}

#[test]
fn a_change_is_asked_about_with_the_whole_difference() {
    let (place, model) = (Place::new(), Model::new());
    let file = place.folder.path().join("a.txt");
    fs::write(&file, "one\ntwo\nthree\n").unwrap();
    let mut pty = asked(&place, &model, "edit", r#"{"path":"a.txt","old":"two","new":"2\u202e"}"#);
    let screen = pty.screen().contents();
    assert!(screen.contains("\n  -two\n  +2\\u{202e}\n   three"), "{screen}");
    answers(&mut pty, "n", "refused");
    model.answer("Then not.");
    pty.sees("Then not.");
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn words_before_a_call_that_asks_are_shown_once_and_always_writes_the_rule() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = asked(&place, &model, "bash", r#"{"command":"touch made"}"#);
    answers(&mut pty, "a", "  Enter  yes, always");
    answers(&mut pty, "\r", "allowed always, in every folder: bash(touch made)");
    model.answer("It is made.");
    pty.sees("It is made.");
    assert!(place.folder.path().join("made").exists());
    let all = pty.scrolled().join("\n");
    assert_eq!(all.matches("I shall do it now.").count(), 1, "{all}");
    assert!(!all.contains("begins again"), "{all}");
    pty.keys("again\r");
    model.next().call("bash", r#"{"command":"touch made"}"#);
    model.answer("Unasked.");
    pty.sees("Unasked.");
    let rules = place.run(&["config", "get", "rules.allow"]);
    assert_eq!(String::from_utf8_lossy(&rules.stdout), "bash(touch made)\n", "{}", err(&rules));
}

#[test]
fn a_message_that_is_typed_while_a_call_is_asked_about_decides_nothing() {
    for text in ["actually, stop", "no, not this", "yes"] {
        let (place, model) = (Place::new(), Model::new());
        let mut pty = asked(&place, &model, "bash", r#"{"command":"touch made"}"#);
        pty.settles();
        pty.keys(text);
        pty.sees(&format!("> {text}"));
        pty.sees("waits for your word");
        assert_eq!(place.json(&["approvals", "ls"]).as_array().unwrap().len(), 1);
        let rules = place.run(&["config", "get", "rules.allow"]);
        assert_eq!(String::from_utf8_lossy(&rules.stdout), "", "{text:?}");
    }
}

#[test]
fn a_question_that_somebody_answers_elsewhere_is_taken_back() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = asked(&place, &model, "bash", r#"{"command":"touch made"}"#);
    let waiting = place.json(&["approvals", "ls"]);
    let call = waiting[0]["callId"].as_str().unwrap().to_owned();
    // Who has no key cannot go on with it, and it waits for who has one.
    let keyless = place.run(&["approvals", "allow", &call]);
    assert_eq!(err(&keyless), "duyetbot: there is no key for openai; set OPENAI_API_KEY\n");
    assert!(pty.screen().contents().contains(ASKED));
    let mut elsewhere = place.asking(&model, &["approvals", "allow", &call]).spawn().unwrap();
    model.answer("It is made.");
    assert!(elsewhere.wait().unwrap().success());
    pty.sees("it was decided elsewhere");
    pty.sees("It is made.");
    let screen = pty.screen().contents();
    assert!(!screen.contains(ASKED), "{screen}");
    assert!(place.folder.path().join("made").exists());
}

const TWO: [(&str, &str); 2] =
    [("bash", r#"{"command":"touch one"}"#), ("bash", r#"{"command":"touch two"}"#)];

#[test]
fn of_two_calls_each_is_asked_about_after_the_other() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 40, 100);
    pty.keys("do it\r");
    let mut request = model.next();
    request.begin();
    request.all_calls(&TWO);
    pty.sees("a  always, in every folder: bash(touch one)");
    pty.keys("n");
    pty.sees("a  always, in every folder: bash(touch two)");
    pty.settles();
    pty.keys("y");
    model.answer("One of them.");
    pty.sees("One of them.");
    let made = ["one", "two"].map(|name| place.folder.path().join(name).exists());
    assert_eq!(made, [false, true]);
    let screen = pty.screen().contents();
    assert!(!screen.contains("decided elsewhere"), "{screen}");
}

#[test]
fn of_two_calls_each_is_asked_about_in_a_line_too() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["ask", "do it"]));
    let mut request = model.next();
    request.begin();
    request.all_calls(&TWO);
    pty.wait("a = always, in every folder (bash(touch one))");
    pty.keys("n\r");
    pty.wait("a = always, in every folder (bash(touch two))");
    pty.keys("y\r");
    model.answer("One of them.");
    pty.wait("One of them.");
    assert!(!String::from_utf8_lossy(pty.written()).contains("decided elsewhere"));
    let made = ["one", "two"].map(|name| place.folder.path().join(name).exists());
    assert_eq!(made, [false, true]);
    assert!(pty.ended().success());
}

/// Decides a call that waits from a folder of its own.
fn allow_elsewhere(place: &Place, model: &Model) {
    let call = place.json(&["approvals", "ls"])[0]["callId"].as_str().unwrap().to_owned();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let mut allow = place.asking(model, &["approvals", "allow", &call]);
    let told = allow.current_dir(elsewhere.path()).output().unwrap();
    assert!(told.status.success(), "{}", err(&told));
}

/// A terminal that asked about a call, and was killed.
fn left_waiting(place: &Place, model: &Model) {
    let mut pty = asked(place, model, "bash", r#"{"command":"touch made"}"#);
    pty.signal(Signal::KILL);
    pty.ended();
}

fn reopened(place: &Place, model: &Model) -> Pty {
    let mut pty = open(place, model, 40, 100);
    pty.keys("/sessions\r");
    pty.sees("› do it");
    pty.keys("\r");
    pty
}

#[test]
fn a_session_that_is_opened_again_asks_about_the_call_that_waits() {
    let (place, model) = (Place::new(), Model::new());
    left_waiting(&place, &model);
    let mut pty = reopened(&place, &model);
    pty.sees("bash wants to run\n  touch made\n");
    pty.sees(ASKED);
    pty.keys("y");
    model.answer("It is made.");
    pty.sees("It is made.");
    assert!(place.folder.path().join("made").exists());
    pty.keys("\u{4}");
    assert!(pty.ended().success());
    let said: Vec<String> = place.said().into_iter().map(|(role, _, _)| role).collect();
    assert_eq!(said, ["user", "assistant", "assistant"]);
    let screen = pty.screen().contents();
    assert!(!screen.contains("open elsewhere"), "{screen}");
}

#[test]
fn a_session_that_is_opened_again_goes_on_when_its_call_is_decided_from_another_folder() {
    let (place, model) = (Place::new(), Model::new());
    left_waiting(&place, &model);
    let mut pty = reopened(&place, &model);
    pty.sees(ASKED);
    allow_elsewhere(&place, &model);
    pty.sees("it was decided elsewhere");
    model.answer("It is made.");
    pty.sees("It is made.");
    assert!(place.folder.path().join("made").exists());
}

#[test]
fn what_was_decided_while_no_terminal_was_there_is_shown_by_the_next_as_it_goes_on() {
    for interface in [&[][..], &["--plain"]] {
        let (place, model) = (Place::new(), Model::new());
        left_waiting(&place, &model);
        allow_elsewhere(&place, &model);
        let mut pty = Pty::of_size(&cutting(place.asking(&model, interface)), 40, 100, Piped::Nothing);
        pty.wait("what was decided goes on in its session");
        model.answer("It is made.");
        pty.wait("It is made.");
        assert!(place.folder.path().join("made").exists());
    }
}

#[test]
fn a_message_in_a_session_whose_call_was_asked_about_by_another_terminal_goes_out_after_it() {
    let (place, model) = (Place::new(), Model::new());
    let mut other = open(&place, &model, 40, 100);
    other.keys("before\r");
    model.answer("Well.");
    other.sees("Well.");
    let mut pty = open(&place, &model, 40, 100);
    pty.keys("/sessions\r");
    pty.sees("› before");
    pty.keys("\r");
    pty.sees("Well.");
    other.keys("do it\r");
    model.next().call("bash", r#"{"command":"touch made"}"#);
    other.sees(ASKED);
    other.signal(Signal::KILL);
    other.ended();
    pty.keys("and then\r");
    pty.sees(ASKED);
    pty.sees("queued: and then");
    pty.keys("y");
    model.answer("It is made.");
    pty.sees("It is made.");
    model.answer("Then that.");
    pty.sees("Then that.");
    assert!(place.folder.path().join("made").exists());
    let screen = pty.screen().contents();
    assert_eq!(screen.matches("> and then").count(), 1, "{screen}");
    assert!(screen.find("It is made.") < screen.find("> and then"), "{screen}");
}

#[test]
fn of_two_calls_one_that_is_decided_elsewhere_is_asked_about_no_longer() {
    for interface in [&[][..], &["--plain"]] {
        let (place, model) = (Place::new(), Model::new());
        let mut pty = Pty::of_size(&cutting(place.asking(&model, interface)), 40, 100, Piped::Nothing);
        pty.wait("say something");
        pty.keys("do it\r");
        let mut request = model.next();
        request.begin();
        request.all_calls(&TWO);
        pty.wait("bash(touch one)");
        let decided = if interface.is_empty() { "one" } else { "two" };
        let waiting = place.json(&["approvals", "ls"]);
        let calls = waiting.as_array().unwrap().iter();
        let command = format!("touch {decided}");
        let call = calls.clone().find(|call| call["input"]["command"] == command.as_str()).unwrap();
        let mut deny = place.asking(&model, &["approvals", "deny", call["callId"].as_str().unwrap()]);
        assert!(deny.output().unwrap().status.success());
        if !interface.is_empty() {
            pty.keys("y\r");
        }
        pty.wait(&format!("it was decided elsewhere: bash touch {decided}"));
        if interface.is_empty() {
            pty.wait("bash(touch two)");
            pty.keys("y");
        }
        model.answer("One of them.");
        pty.wait("One of them.");
        let made = ["one", "two"].map(|name| place.folder.path().join(name).exists());
        assert_eq!(made, [decided == "two", decided == "one"]);
    }
}

#[test]
fn words_before_a_call_and_what_is_told_of_it_have_lines_of_their_own() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["ask", "do it"]));
    let mut request = model.next();
    request.begin();
    request.say("I shall look.");
    request.calls("read", r#"{"path":"none"}"#);
    model.answer("Nothing there.");
    pty.sees("I shall look.\nduyetbot: read none\n");
    pty.sees("Nothing there.\nduyetbot: session ");
}
