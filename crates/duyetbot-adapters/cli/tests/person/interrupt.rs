//! Ctrl-C and Ctrl-D in each phase: a line is cleared, an answer is stopped and kept, and the session goes on.
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;

use crate::{
    model::Model,
    place::{Place, err, line, out},
    pty::Pty,
};

const INTERRUPT: &str = "\u{3}";
const END: &str = "\u{4}";
const AGAIN: &str = "Ctrl-C again, Ctrl-D or /quit leaves";

/// The session goes on in another process.
fn goes_on(place: &Place, model: &Model, session: &[(String, String, bool)]) {
    let child = place.asking(model, &["ask", "-c", "And now?"]).spawn().unwrap();
    model.answer("All is well.");
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), out(&output).as_str()),
        (Some(0), "All is well.\n"),
        "{}",
        err(&output)
    );
    let next = [line("user", "And now?", false), line("assistant", "All is well.", false)];
    assert_eq!(place.said(), [session, &next].concat());
}

/// Case: ctrl-c-in-each-phase
#[test]
fn at_the_prompt_text_is_cleared_and_a_second_press_on_nothing_leaves() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("some text");
    pty.wait("some text");
    pty.keys(INTERRUPT);
    pty.wait("> ");
    pty.keys(INTERRUPT);
    pty.wait(AGAIN);
    pty.wait("> ");
    pty.keys("other text");
    pty.wait("other text");
    pty.keys(INTERRUPT);
    pty.wait("> ");
    pty.keys(INTERRUPT);
    pty.wait(AGAIN);
    pty.wait("> ");
    pty.keys(INTERRUPT);
    assert_eq!(pty.ended().code(), Some(0));
    assert!(model.is_unasked());
    assert_eq!(place.json(&["sessions", "ls"]), serde_json::json!([]));
}

/// Case: ctrl-c-in-each-phase
#[test]
fn the_end_key_leaves_where_there_is_no_text() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("text");
    pty.wait("text");
    pty.keys(END);
    pty.keys(" stays\r");
    model.answer("It does.");
    pty.wait("It does.");
    pty.wait("> ");
    assert_eq!(place.said(), [line("user", "text stays", false), line("assistant", "It does.", false)]);
    pty.keys(END);
    assert_eq!(pty.ended().code(), Some(0));
}

/// Case: ctrl-c-in-each-phase
#[test]
fn an_answer_is_stopped_kept_and_followed_by_the_prompt() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    pty.keys("before the first word\r");
    let request = model.next();
    pty.keys(INTERRUPT);
    request.closed();
    pty.wait("> ");

    pty.keys("in the middle\r");
    let mut request = model.next();
    request.begin();
    request.say("half of it");
    pty.wait("half of it");
    pty.keys(INTERRUPT);
    request.closed();
    pty.wait("> ");

    pty.keys("twice\r");
    let mut request = model.next();
    request.begin();
    request.say("half of this");
    pty.wait("half of this");
    pty.keys(INTERRUPT);
    pty.keys(INTERRUPT);
    request.closed();
    pty.wait("> ");

    pty.keys("and on\r");
    model.answer("Yes.");
    pty.wait("Yes.");
    pty.wait("> ");
    pty.keys("/quit\r");
    assert_eq!(pty.ended().code(), Some(0));
    let said = [
        line("user", "before the first word", false),
        line("user", "in the middle", false),
        line("assistant", "half of it", true),
        line("user", "twice", false),
        line("assistant", "half of this", true),
        line("user", "and on", false),
        line("assistant", "Yes.", false),
    ];
    goes_on(&place, &model, &said);
}

/// Case: ctrl-c-in-each-phase
#[test]
fn a_summary_is_stopped_and_the_session_goes_on() {
    let (place, model) = (Place::new(), Model::new());
    let mut command = place.asking(&model, &["--plain"]);
    // What the model is told of tools would take the room.
    command.env("DUYETBOT_TOOLS__ENABLED", "false").env("DUYETBOT_CONTEXT_TOKENS", "2000");
    let mut pty = Pty::run(&command);
    pty.wait("> ");
    let long = "some words and ".repeat(200);
    let mut said = Vec::new();
    for n in 1..=2 {
        pty.keys(&format!("question {n}\r"));
        let answer = format!("{long} answer {n}");
        model.answer(&answer);
        pty.wait(&format!("answer {n}"));
        pty.wait("> ");
        said.extend([line("user", &format!("question {n}"), false), line("assistant", &answer, false)]);
    }
    pty.keys("one more\r");
    let request = model.next();
    assert!(
        !request.body.to_string().contains("one more"),
        "the last words need no summary: {}",
        request.body
    );
    pty.keys(INTERRUPT);
    request.closed();
    pty.wait("> ");
    pty.keys(END);
    assert_eq!(pty.ended().code(), Some(0));
    said.push(line("user", "one more", false));
    goes_on(&place, &model, &said);
}

/// Case: ctrl-c-in-each-phase
#[test]
fn a_chat_is_stopped_while_it_looks_for_a_model() {
    let (place, model) = (Place::new(), Model::new());
    let mut command = place.asking(&model, &["--plain"]);
    let mut pty = Pty::run(command.env("DUYETBOT_MODEL", "openai"));
    pty.wait("> ");
    pty.keys("hello\r");
    let request = model.next();
    assert_eq!(request.path, "/v1/models");
    pty.keys(INTERRUPT);
    request.closed();
    pty.wait("> ");
    pty.keys(END);
    assert_eq!(pty.ended().code(), Some(0));
}

/// Case: ctrl-c-in-each-phase
#[test]
fn a_question_is_stopped_with_its_own_code_in_every_phase() {
    let (place, model) = (Place::new(), Model::new());
    let interrupt = |child: &std::process::Child| kill_process(Pid::from_child(child), Signal::INT).unwrap();

    let child =
        place.asking(&model, &["ask", "which model?"]).env("DUYETBOT_MODEL", "openai").spawn().unwrap();
    let request = model.next();
    interrupt(&child);
    request.closed();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(130), ""), "{}", err(&output));

    let child = place.asking(&model, &["ask", "before the first word"]).spawn().unwrap();
    let request = model.next();
    interrupt(&child);
    request.closed();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(130), ""), "{}", err(&output));

    let mut child = place.asking(&model, &["ask", "-c", "in the middle"]).spawn().unwrap();
    let mut request = model.next();
    request.begin();
    request.say("half of it");
    let mut said = [0; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    interrupt(&child);
    interrupt(&child);
    request.closed();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &said, out(&output).as_str()), (Some(130), b"half of it", "\n"));

    let said = [
        line("user", "before the first word", false),
        line("user", "in the middle", false),
        line("assistant", "half of it", true),
    ];
    goes_on(&place, &model, &said);
}
