//! The input of the full interface: every character where the terminal has it, and every byte as it was typed.
use std::{fs, time::Duration};

use crate::{
    full::{cutting, open},
    idle::spent,
    model::Model,
    place::{Place, line},
    pty::{Piped, Pty},
};

const LEFT: &str = "\x1b[D";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";
const UP: &str = "\x1b[A";
const BACKSPACE: &str = "\x7f";
const DELETE_WORD: &str = "\x17";

/// Columns of the prompt.
const PROMPT: u16 = 2;

/// Presses keys, each with the column behind the prompt to which it leads, sends the line, and answers what arrived.
fn typed(keys: &[(&str, u16)]) -> String {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    let row = pty.cursor().0;
    for (key, column) in keys {
        pty.keys(key);
        let room = 80 - PROMPT;
        let at = (row + column / room, PROMPT + column % room);
        pty.until(&format!("{key:?} leads to {at:?}"), |screen| screen.cursor_position() == at);
    }
    pty.keys("\r");
    let request = model.next();
    let sent =
        request.body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    request.answer("Read.");
    pty.sees("Read.");
    pty.keys("\u{4}");
    assert!(pty.ended().success());
    assert_eq!(place.asked(), sent);
    sent
}

/// Case: wide-characters-in-input
#[test]
fn the_cursor_is_where_the_terminal_has_it() {
    let keys = [
        ("你好，", 6),
        ("世界", 10),
        (LEFT, 8),
        (HOME, 0),
        (END, 10),
        (BACKSPACE, 8),
        (LEFT, 6),
        ("a", 7),
        (END, 9),
    ];
    assert_eq!(typed(&keys), "你好，a世");
    assert_eq!(typed(&[("你好 世界", 9), (DELETE_WORD, 5), ("x", 6)]), "你好 x");
    assert_eq!(
        typed(&[("cafe\u{301}", 4), (BACKSPACE, 3), ("e\u{301}s", 5), (LEFT, 4), (LEFT, 3)]),
        "cafe\u{301}s"
    );
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    assert_eq!(typed(&[("a", 1), (family, 7), (LEFT, 1), (END, 7), (BACKSPACE, 1), ("b", 2)]), "ab");
    assert_eq!(typed(&[("ไทย", 3), (LEFT, 2), (END, 3)]), "ไทย");
    assert_eq!(typed(&[("שלום עולם", 9), (HOME, 0), (END, 9)]), "שלום עולם");
    assert_eq!(typed(&[("\u{2764}\u{fe0f}", 2), ("x", 3)]), "\u{2764}\u{fe0f}x");
    let long = "x".repeat(200);
    assert_eq!(typed(&[(&long, 200), (BACKSPACE, 199)]), long[1..]);
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("\u{1b}[200~one\r\ntwo\n\tthree\u{1b}[201~");
    pty.sees("> one\n  two\n      three");
    pty.keys("\u{1b}\r");
    pty.keys("four\r");
    model.answer("Read.");
    pty.sees("Read.");
    assert_eq!(place.asked(), "one\ntwo\n\tthree\nfour");
    // It comes back as a whole.
    pty.keys(UP);
    pty.sees("      three\n  four\nopenai/gpt-5");
}

#[test]
fn commands_and_files_are_completed() {
    let (place, model) = (Place::new(), Model::new());
    place.file("src/parser.rs", "");
    place.file("notes.md", "");
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("/s");
    pty.sees("› /sessions  go on with another session");
    pty.keys("\u{15}see @pars");
    pty.sees("› src/parser.rs");
    pty.keys("\tplease\r");
    let request = model.next();
    request.answer("Seen.");
    pty.sees("Seen.");
    assert_eq!(place.asked(), "see @src/parser.rs please");
}

#[test]
fn the_model_is_chosen_from_what_the_provider_lists() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("/model\r");
    let request = model.next();
    assert_eq!(request.path, "/v1/models");
    request.list(&["gpt-5", "gpt-6\u{1b}[2J", "gpt-6"]);
    pty.sees("› openai/gpt-5");
    pty.sees("  openai/gpt-6␛[2J");
    pty.keys("\u{1b}[B\u{1b}[B\r");
    pty.sees("openai/gpt-6 answers from now on");
    pty.keys("hello\r");
    let request = model.next();
    assert_eq!(request.body["model"], "gpt-6");
    request.answer("From the sixth.");
    pty.sees("From the sixth.");
}

#[test]
fn a_picture_is_sent_along_by_its_path() {
    let (place, model) = (Place::new(), Model::new());
    fs::write(place.folder.path().join("shot.png"), b"\x89PNG\r\n\x1a\nrest").unwrap();
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("what is in shot.png?\r");
    let request = model.next();
    let sent = request.body["messages"].as_array().unwrap().last().unwrap().to_string();
    assert!(sent.contains("data:image/png;base64,iVBORw0KGgpyZXN0"), "{sent}");
    request.answer("A dot.");
    pty.sees("with shot.png (image/png, 1 KB)");
    pty.sees("A dot.");
}

#[test]
fn sessions_are_left_copied_opened_and_written_to_a_file() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 30, 80);
    pty.keys("first question\r");
    model.answer("first answer");
    pty.sees("first answer\n\n> ");
    pty.keys("/export talk.md\r");
    pty.sees("wrote ");
    assert!(fs::read_to_string(place.folder.path().join("talk.md")).unwrap().contains("first answer"));
    pty.keys("/fork\r");
    pty.sees("first question (fork)");
    pty.keys("/new\r");
    pty.sees("a session begins with the next message");
    pty.keys("second question\r");
    model.answer("second answer");
    pty.sees("second answer\n\n> ");
    pty.keys("/sessions\r");
    pty.sees("› second question");
    pty.keys("\u{1b}[B\u{1b}[B\r");
    pty.misses("›");
    pty.keys("third question\r");
    let request = model.next();
    let messages = request.body["messages"].to_string();
    assert!(messages.contains("first answer") && !messages.contains("second answer"), "{messages}");
    request.answer("third answer");
    pty.sees("third answer");
    pty.keys("/quit\r");
    assert_eq!(pty.ended().code(), Some(0));
    assert_eq!(place.json(&["sessions", "ls"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_session_is_summed_up_when_asked_and_goes_on_with_the_summary() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 30, 80);
    for n in 1..=3 {
        pty.keys(&format!("question {n}\r"));
        model.answer(&format!("answer {n}"));
        pty.sees(&format!("answer {n}\n\n> "));
    }
    pty.keys("/compact\r");
    model.answer("They counted to three.");
    pty.sees("messages are summed up for the model; all of them are kept");
    pty.keys("question 4\r");
    let request = model.next();
    let sent = request.body["messages"].to_string();
    assert!(sent.contains("They counted to three.") && !sent.contains("answer 2"), "{sent}");
    request.answer("answer 4");
    pty.sees("answer 4\n\n> ");
    assert_eq!(place.said().last().unwrap(), &line("assistant", "answer 4", false));
    pty.keys("/model openai/other\r");
    pty.sees("openai/other answers from now on");
    pty.keys("question 5\r");
    let request = model.next();
    assert_eq!(request.body["model"], "other");
    request.answer("answer 5");
    pty.sees("answer 5\n\n> ");
}

/// Case: chat-without-terminal
#[test]
fn a_terminal_that_cannot_be_drawn_on_gets_the_plain_chat() {
    let place = Place::new();
    let (small, term) = (
        Pty::of_size(&place.command(&[]), 3, 10, Piped::Nothing),
        Pty::run(place.command(&[]).env("TERM", "dumb")),
    );
    for mut pty in [small, term] {
        pty.wait("> ");
        pty.keys("hello\r");
        pty.wait("memory");
        pty.wait("> ");
        pty.keys("\u{4}");
        assert_eq!(pty.ended().code(), Some(0));
        assert!(!String::from_utf8_lossy(pty.written()).contains("\u{1b}[?7l"));
    }
    let mut pty = Pty::run(&cutting(place.command(&[])));
    pty.sees("say something");
    pty.keys("\u{4}");
    assert_eq!(pty.ended().code(), Some(0));
}

#[test]
fn a_key_costs_as_little_in_a_long_pasted_text_as_in_a_short_one() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    let text: String = (1..=10_000).map(|n| format!("{n} line of paste\n")).collect();
    pty.keys("\u{1b}[200~");
    for piece in text.as_bytes().chunks(1_000) {
        pty.keys(std::str::from_utf8(piece).unwrap());
        while pty.look(Duration::ZERO) {}
    }
    pty.keys("\u{1b}[201~");
    pty.sees("10000 line of paste");
    pty.settles();
    let id = pty.pid().as_raw_nonzero().get();
    let before = spent(id).0;
    for n in 0..10 {
        pty.keys(&n.to_string());
        pty.sees(&(0..=n).map(|n| n.to_string()).collect::<String>());
        pty.settles();
    }
    let ticks = spent(id).0 - before;
    // Where all of it is laid out, they take twice as much.
    assert!(ticks < 40, "ten keys took {ticks} hundredths of a second");
}
