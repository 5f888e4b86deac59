//! The chat wants a terminal, says so where there is none, and does not outlive it.
use rustix::process::Signal;
use std::{io::Write, process::Stdio};

use crate::{
    model::Model,
    place::{Place, err},
    pty::{Piped, Pty, gone},
};

const HINT: &str = "duyetbot: a chat needs a terminal; ask once with: duyetbot ask \"…\" (standard input is the prompt there)\n";

/// Case: chat-without-terminal
#[test]
fn without_a_terminal_there_is_a_hint_and_no_chat() {
    let place = Place::new();
    for line in ["\"$0\" < /dev/null", "echo hi | \"$0\"", "setsid -w \"$0\" < /dev/null", "\"$0\" <&-"] {
        let output = place.shell(line).output().unwrap();
        assert_eq!(
            (output.status.code(), output.stdout, err_of(&output.stderr)),
            (Some(2), vec![], HINT),
            "{line}"
        );
    }
    let mut child = place.command(&["--plain"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hi\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(2), HINT));
}

fn err_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Case: chat-without-terminal
#[test]
fn a_terminal_in_front_and_a_pipe_behind_is_no_terminal() {
    let place = Place::new();
    let mut pty = Pty::of_size(&place.command(&[]), 24, 80, Piped::Output);
    assert_eq!(pty.ended().code(), Some(2));
    assert_eq!(pty.output(), b"");
}

/// Case: chat-without-terminal
#[test]
fn odd_terminals_get_the_chat_too() {
    for term in [None, Some("dumb"), Some("nonsense"), Some("")] {
        let place = Place::new();
        let mut command = place.command(&["--plain"]);
        match term {
            Some(term) => command.env("TERM", term),
            None => command.env_remove("TERM"),
        };
        let mut pty = Pty::run(&command);
        pty.wait("> ");
        pty.keys("hello\r");
        pty.wait("> ");
        pty.keys("\u{4}");
        assert_eq!(pty.ended().code(), Some(0), "{term:?}");
        assert_eq!(place.asked(), "hello", "{term:?}");
    }
    let place = Place::new();
    let mut pty = Pty::of_size(&place.command(&[]), 1, 1, Piped::Nothing);
    pty.wait("> ");
    pty.keys("hello\r");
    pty.wait("memory");
    pty.wait("> ");
    pty.keys("\u{4}");
    assert_eq!(pty.ended().code(), Some(0));
    assert_eq!(place.asked(), "hello");
}

/// Case: chat-without-terminal
#[test]
fn no_process_outlives_its_terminal() {
    // At the prompt.
    let place = Place::new();
    let mut pty = Pty::run(&place.command(&["--plain"]));
    pty.wait("> ");
    pty.hang_up();
    // While a model speaks: what it said stays.
    let model = Model::new();
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("hello\r");
    let mut request = model.next();
    request.begin();
    request.say("half of it");
    pty.wait("half of it");
    pty.hang_up();
    request.closed();
    assert_eq!(place.said()[1], ("assistant".to_owned(), "half of it".to_owned(), true));
}

/// Case: chat-without-terminal
#[test]
fn no_process_outlives_the_shell_that_began_it() {
    let place = Place::new();
    let mut pty = Pty::run(&place.shell("\"$0\" --plain; exit"));
    pty.wait("> ");
    let job = pty.job();
    pty.signal(Signal::KILL);
    gone(job);
}

#[test]
fn a_typed_line_with_a_secret_is_not_kept_in_the_history() {
    let place = Place::new();
    let mut pty = Pty::run(place.command(&[]).env("DUYETBOT_REDACT", "correct-horse"));
    for line in ["it is correct-horse", "nothing to hide"] {
        pty.wait("> ");
        pty.keys(&format!("{line}\r"));
        pty.wait("No language model is configured");
    }
    pty.wait("> ");
    pty.keys("\u{4}");
    assert_eq!(pty.ended().code(), Some(0));
    let history = std::fs::read_to_string(place.home.path().join("home/history")).unwrap();
    assert!(history.contains("nothing to hide") && !history.contains("correct"), "{history:?}");
}

#[test]
fn a_search_of_the_memory_that_was_chosen_does_not_ask_for_a_language_model() {
    let (place, model) = (Place::new(), Model::new());
    let chosen = place.asking(&model, &["--model", "recall", "ask", "hello"]).output().unwrap();
    let said = String::from_utf8(chosen.stdout).unwrap();
    assert!(said.contains("as you chose") && !said.contains("configured"), "{said}");
    // What it says of itself is not found in the memory.
    let again = place.asking(&model, &["--model", "recall", "ask", "language model"]).output().unwrap();
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(said.starts_with("I found nothing about this"), "{said}");
    let none = place.run(&["ask", "hello"]);
    assert!(String::from_utf8_lossy(&none.stdout).contains("No language model is configured"));
}
