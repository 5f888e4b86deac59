//! The full interface while an answer comes: each block once, in every width, and no byte that is not ours.
use std::process::Command;

use crate::{
    model::{Model, Request},
    place::{Place, line},
    pty::{Piped, Pty},
};

const ESCAPE: &str = "\u{1b}";

/// A terminal that cuts lines where its window has no room, as the screen of these tests does.
pub(crate) fn cutting(mut command: Command) -> Command {
    command.env("XTERM_VERSION", "XTerm(390)");
    command
}

pub(crate) fn open(place: &Place, model: &Model, rows: u16, columns: u16) -> Pty {
    let mut pty = Pty::of_size(&cutting(place.asking(model, &[])), rows, columns, Piped::Nothing);
    pty.sees("say something");
    pty.settles();
    pty
}

/// Says a text in pieces of this many characters.
fn say_in_pieces(request: &mut Request, text: &str, size: usize) {
    let chars: Vec<char> = text.chars().collect();
    for piece in chars.chunks(size) {
        request.say(&piece.iter().collect::<String>());
    }
}

/// Waits for the prompt without anything above it that is still being done.
fn idle(pty: &mut Pty) {
    pty.until("nothing is done any more", |screen| {
        let text = screen.contents();
        !text.contains("stops") && !text.contains("stopping") && text.contains("\n> ")
    });
    pty.settles();
}

/// A document of all kinds, and what it looks like in lines of which none has to be broken.
const DOCUMENT: &str = "# 标题\n\nWords *with* `code`.\n\n1. one\n2. two 👍\n\n```rust\nfn main() {}\n```\n\n| a | b |\n|---|---|\n| 你 | c |\n\nThe end.\n";
const SHOWN: [&str; 16] = [
    "标题",
    "",
    "Words with code.",
    "",
    "1. one",
    "2. two 👍",
    "",
    "```rust",
    "fn main() {}",
    "```",
    "",
    "a  │ b",
    "───┼──",
    "你 │ c",
    "",
    "The end.",
];

#[test]
fn an_answer_is_the_same_document_at_every_width_and_however_it_comes() {
    for (columns, size) in [(40, 1), (80, 7), (200, 1000)] {
        let (place, model) = (Place::new(), Model::new());
        let mut pty = open(&place, &model, 12, columns);
        pty.keys("write\r");
        let mut request = model.next();
        request.begin();
        say_in_pieces(&mut request, DOCUMENT, size);
        request.end("stop");
        pty.sees("The end.");
        idle(&mut pty);
        let lines = pty.scrolled();
        let from = lines.iter().position(|line| line == "标题").expect("the answer is there");
        assert_eq!(
            lines[..from],
            ["say something; /help lists the commands", "", "> write", ""],
            "{columns}"
        );
        assert_eq!(lines[from..from + SHOWN.len()], SHOWN, "{columns}");
        let [above, prompt, status] = &lines[from + SHOWN.len()..][..3] else { panic!("{lines:?}") };
        assert!(
            above.is_empty() && prompt == ">" && status.starts_with("openai/gpt-5"),
            "{columns}: {status}"
        );
        assert_eq!(place.said()[1], line("assistant", DOCUMENT, false));
        pty.keys("\u{4}");
        assert_eq!(pty.ended().code(), Some(0));
    }
}

#[test]
fn a_window_that_changes_while_an_answer_comes_neither_doubles_nor_loses_a_block() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("write\r");
    let mut request = model.next();
    request.begin();
    for (n, columns) in [200, 40, 60, 50, 41, 120, 80].into_iter().enumerate() {
        let words = "some words 你好 and more ".repeat(6);
        say_in_pieces(&mut request, &format!("begin{n} {words}mid{n} "), 11);
        pty.sees(&format!("mid{n}"));
        pty.settles();
        pty.resize(24, columns);
        pty.keys(&n.to_string());
        pty.sees(&(0..=n).map(|n| n.to_string()).collect::<String>());
        say_in_pieces(&mut request, &format!("end{n}.\n\n"), 3);
        pty.sees(&format!("end{n}."));
        pty.settles();
    }
    request.end("stop");
    pty.sees("> 0123456");
    idle(&mut pty);
    let text = pty.scrolled().join("\n");
    for n in 0..7 {
        // What the window cut off cannot be read again, but each beginning stands there, once.
        assert_eq!(text.matches(&format!("begin{n} ")).count(), 1, "{n} in\n{text}");
    }
    assert_eq!(text.matches("working").count(), 0, "{text}");
    assert_eq!(text.matches("> 0").count(), 1, "{text}");
}

/// The escape sequences of these bytes; panics at a control character outside of them.
fn sequences(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).expect("valid Unicode");
    let mut found = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let mut sequence = String::from("^");
            for c in chars.by_ref() {
                sequence.push(c);
                if c.is_ascii_alphabetic() || !(c == '[' || c == '?' || c == ';' || c.is_ascii_digit()) {
                    break;
                }
            }
            found.push(sequence);
        } else {
            assert!(!c.is_control() || c == '\r' || c == '\n', "{c:?} came through");
            assert!(!matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), "{c:?} came through");
        }
    }
    found
}

/// Is it one that the interface writes?
fn is_ours(sequence: &str) -> bool {
    let switches =
        ["^[?2026h", "^[?2026l", "^[?25h", "^[?25l", "^[?7h", "^[?7l", "^[?2004h", "^[?2004l", "^[J"];
    let numbers = |last| {
        sequence.strip_prefix("^[").and_then(|rest| rest.strip_suffix(last)).is_some_and(|numbers| {
            !numbers.is_empty() && numbers.chars().all(|c| c.is_ascii_digit() || c == ';')
        })
    };
    switches.contains(&sequence) || numbers('A') || (numbers('m') && sequence.len() < 12)
}

#[test]
fn no_byte_reaches_the_terminal_that_steers_it_but_ours() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    // Pasted, said, in code, in a link, as an entity, as C1, and as directions of writing.
    pty.keys(&format!("\u{1b}[200~paste {ESCAPE}[5mx\u{7}\u{1b}[201~\r"));
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{8}\u{7f}";
    let answer = format!(
        "a {evil} b &#27;[2J\n\n```sh{ESCAPE}[1m\nx {evil}\n```\n\n[l{evil}](u{ESCAPE}[0m)\n\n| {evil} |\n|--|\n\nend\n"
    );
    let mut request = model.next();
    let asked = request.body["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    request.begin();
    say_in_pieces(&mut request, &answer, 2);
    request.calls("no\u{1b}[31mtool", "{\"a\":\"\\u001b[2J\"}");
    model.answer(&format!("done {evil}"));
    pty.sees("done ");
    idle(&mut pty);
    assert!(asked.as_str().unwrap().starts_with("paste "), "{asked}");
    pty.keys("\u{f}\r");
    pty.sees("▼");
    pty.keys("/quit\r");
    assert_eq!(pty.ended().code(), Some(0));
    let odd: Vec<String> = sequences(pty.written()).into_iter().filter(|found| !is_ours(found)).collect();
    assert_eq!(odd, Vec::<String>::new());
    assert!(String::from_utf8_lossy(pty.written()).contains("␛]0;title␇␛[2J<U+009B>31m<U+202E>␈␡"));
}

#[test]
fn without_colours_wanted_there_are_none() {
    let (place, model) = (Place::new(), Model::new());
    let mut command = cutting(place.asking(&model, &[]));
    let mut pty = Pty::run(command.env("NO_COLOR", "1"));
    pty.sees("> ");
    pty.keys("write\r");
    model.answer(DOCUMENT);
    pty.sees("The end.");
    idle(&mut pty);
    let coloured =
        |sequence: &String| sequence.ends_with('m') && sequence.contains('3') && sequence != "^[2;3m";
    let found: Vec<String> = sequences(pty.written()).into_iter().filter(coloured).collect();
    assert_eq!(found, ["^[3m"], "only what is stressed is slanted");
}

#[test]
fn what_is_typed_meanwhile_waits_and_is_said_after_the_answer() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("one\r");
    let mut request = model.next();
    request.begin();
    request.say("first");
    pty.sees("first");
    pty.keys("two\rthree\r");
    pty.sees("queued: two\nqueued: three\n");
    request.end("stop");
    model.answer("second");
    pty.sees("second");
    model.answer("third");
    pty.sees("third");
    idle(&mut pty);
    let said: Vec<String> = place.said().into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(said, ["one", "first", "two", "second", "three", "third"]);
}

/// Case: ctrl-c-in-each-phase
#[test]
fn a_key_stops_the_answer_and_what_waited_comes_back_to_be_edited() {
    for key in [ESCAPE, "\u{3}"] {
        let (place, model) = (Place::new(), Model::new());
        let mut pty = open(&place, &model, 24, 80);
        pty.keys("before the first word\r");
        let request = model.next();
        pty.sees("Esc stops");
        pty.keys(key);
        request.closed();
        pty.sees("stopped; what was said stays");
        idle(&mut pty);
        pty.keys("in the middle\r");
        let mut request = model.next();
        request.begin();
        request.say("half of it");
        pty.sees("half of it");
        pty.keys("and then\r");
        pty.sees("queued: and then");
        pty.keys(key);
        request.closed();
        pty.sees("> and then");
        idle(&mut pty);
        pty.keys("\u{3}\u{3}");
        pty.sees("Ctrl-C again");
        pty.keys("\u{3}");
        assert_eq!(pty.ended().code(), Some(0));
        let said = [
            line("user", "before the first word", false),
            line("user", "in the middle", false),
            line("assistant", "half of it", true),
        ];
        assert_eq!(place.said(), said, "{key:?}");
    }
}

#[test]
fn a_failure_is_told_and_the_chat_goes_on() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("one\r");
    model.next().refuse("401 Unauthorized", r#"{"error":{"message":"bad key"}}"#);
    pty.sees("✗ ");
    idle(&mut pty);
    pty.keys("two\r");
    model.answer("well");
    pty.sees("well");
    idle(&mut pty);
    assert_eq!(place.said().last().unwrap(), &line("assistant", "well", false));
}
