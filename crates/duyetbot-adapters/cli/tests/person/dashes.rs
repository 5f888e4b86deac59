//! What begins with a dash is an option or text, and never in doubt.
use std::{io::Write, process::Stdio};

use crate::place::{Place, err};

/// Case: prompt-that-starts-with-dash
#[test]
fn after_two_dashes_all_is_text() {
    for (args, text) in [
        (vec!["ask", "--", "--help"], "--help"),
        (vec!["ask", "--", "- one"], "- one"),
        (vec!["ask", "--", "--version is what?"], "--version is what?"),
        (vec!["ask", "a", "b"], "a b"),
        (vec!["ask", "@file", "!ls", "/quit"], "@file !ls /quit"),
    ] {
        let place = Place::new();
        let output = place.run(&args);
        assert!(output.status.success(), "{args:?}: {}", err(&output));
        assert_eq!(place.asked(), text, "{args:?}");
    }
}

/// Case: prompt-that-starts-with-dash
#[test]
fn before_two_dashes_the_error_names_the_way_out() {
    let place = Place::new();
    for prompt in ["- one", "--version is what?", "--nonsense"] {
        let output = place.run(&["ask", prompt]);
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        let words = err(&output);
        assert!(words.contains("use '-- -"), "{prompt}: {words}");
    }
    for prompt in ["", " ", "\t\n"] {
        let output = place.run(&["ask", prompt]);
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert_eq!(err(&output), "duyetbot: the prompt is empty; say something\n");
    }
    assert_eq!(place.json(&["sessions", "ls"]), serde_json::json!([]));
}

/// Case: prompt-that-starts-with-dash
#[test]
fn a_piped_prompt_may_begin_with_a_dash_and_loses_its_line_end() {
    let place = Place::new();
    let mut child = place.command(&["ask"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"-x\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(place.asked(), "-x");
}

/// Case: prompt-that-starts-with-dash
#[test]
fn titles_and_search_words_may_begin_with_a_dash() {
    let place = Place::new();
    assert!(place.run(&["ask", "the -e option of grep"]).status.success());
    let id = place.newest();
    let document = |args: &[&str]| -> serde_json::Value {
        let output = place.run(&[&["--output-format", "json", "sessions"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(document(&["rename", &id, "--", "-t"])["title"], "-t");
    assert_eq!(document(&["new", "--", "--all"])["title"], "--all");
    assert_eq!(document(&["ls", "--title=-t"])[0]["id"], id);
    assert_eq!(document(&["search", "--", "-e"])[0]["sessionId"], id);
}
