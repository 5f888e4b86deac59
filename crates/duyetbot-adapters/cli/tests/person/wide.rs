//! The input line with characters of every width: the cursor is where the terminal has it, and what is sent is what was typed.
use crate::{model::Model, place::Place, pty::Pty};

const LEFT: &str = "\x1b[D";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";
const BACKSPACE: &str = "\x7f";
const DELETE_WORD: &str = "\x17";

/// Columns of the prompt.
const PROMPT: u16 = 2;

/// Keys, and the column behind the prompt where the cursor is after them.
type Key<'a> = (&'a str, u16);

/// Presses the keys one after the other, sends the line, and answers what arrived.
fn typed(keys: &[Key]) -> String {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    pty.until("the prompt", |screen| screen.cursor_position().1 == PROMPT);
    let row = pty.cursor().0;
    for (key, column) in keys {
        pty.keys(key);
        let at = (row + (PROMPT + column) / 80, (PROMPT + column) % 80);
        pty.until(&format!("{key:?} leads to {at:?}"), |screen| screen.cursor_position() == at);
    }
    pty.keys("\r");
    let request = model.next();
    let messages = request.body["messages"].as_array().unwrap().clone();
    request.answer("Read.");
    pty.wait("Read.");
    pty.wait("> ");
    pty.keys("\u{4}");
    assert!(pty.ended().success());
    let sent = messages.last().unwrap()["content"].as_str().unwrap().to_owned();
    assert_eq!(place.asked(), sent);
    sent
}

/// Case: wide-characters-in-input
#[test]
fn wide_characters_take_two_columns_and_one_key() {
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
}

/// Case: wide-characters-in-input
#[test]
fn a_character_of_several_code_points_is_one_character() {
    assert_eq!(
        typed(&[("cafe\u{301}", 4), (BACKSPACE, 3), ("e\u{301}s", 5), (LEFT, 4), (LEFT, 3), (END, 5)]),
        "cafe\u{301}s"
    );
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    assert_eq!(typed(&[("a", 1), (family, 7), (LEFT, 1), (END, 7), (BACKSPACE, 1), ("b", 2)]), "ab");
    assert_eq!(typed(&[(family, 6), ("!", 7)]), format!("{family}!"));
    assert_eq!(typed(&[("\u{2764}\u{fe0f}", 1), ("x", 2), (BACKSPACE, 1)]), "\u{2764}\u{fe0f}");
}

/// Case: wide-characters-in-input
#[test]
fn other_scripts_and_tabs_arrive_as_they_were_typed() {
    assert_eq!(typed(&[("ไทย", 3), (LEFT, 2), (END, 3)]), "ไทย");
    assert_eq!(typed(&[("שלום עולם", 9), (HOME, 0), (END, 9)]), "שלום עולם");
    assert_eq!(typed(&[("a\t", 6), ("b", 7)]), "a\tb");
}

/// Case: wide-characters-in-input
#[test]
fn a_line_that_wraps_is_edited_like_a_short_one() {
    let long = "x".repeat(200);
    assert_eq!(typed(&[(&long, 200), (HOME, 0), (END, 200), (BACKSPACE, 199)]), long[1..]);
    // The last column holds no half of a wide character.
    let wide = "a".repeat(77) + "界b";
    assert_eq!(typed(&[(&wide, 81), (LEFT, 80), (HOME, 0)]), wide);
}
