//! Colour and escape codes go to terminals that want them, and nowhere else.
use crate::{
    place::Place,
    pty::{Piped, Pty},
};

/// A colour or another rendition.
fn has_colour(bytes: &[u8]) -> bool {
    let mut escapes = bytes.windows(2).enumerate().filter(|(_, window)| window == b"\x1b[");
    escapes.any(|(at, _)| {
        let last = bytes[at + 2..].iter().find(|byte| !byte.is_ascii_digit() && !b";:?".contains(byte));
        last == Some(&b'm')
    })
}

/// Case: colour-in-pipes
#[test]
fn no_command_writes_an_escape_code_or_a_carriage_return_into_a_pipe() {
    let place = Place::new();
    assert!(place.run(&["ask", "hello"]).status.success());
    let id = place.newest();
    let file = place.folder.path().join("talk.json");
    let file = file.to_str().unwrap();
    for args in [
        vec!["--help"],
        vec!["--version"],
        vec!["ask", "--help"],
        vec!["ask", "-c", "more"],
        vec!["ask", "--nonsense"],
        vec!["ask"],
        vec!["sessions", "ls"],
        vec!["sessions", "new", "A title"],
        vec!["sessions", "show", &id],
        vec!["sessions", "show", &id, "--branches"],
        vec!["sessions", "show", "zzz"],
        vec!["sessions", "rename", &id, "Another title"],
        vec!["sessions", "fork", &id],
        vec!["sessions", "export", &id],
        vec!["sessions", "export", &id, "--format", "markdown"],
        vec!["sessions", "export", &id, "-o", file],
        vec!["sessions", "import", file],
        vec!["sessions", "search", "hello"],
        vec!["sessions", "resume", &id],
        vec!["sessions", "rm", &id],
        vec!["config"],
        vec!["config", "get", "model"],
        vec!["config", "set", "guards.steps", "9"],
        vec!["config", "path"],
        vec!["doctor"],
        vec!["completions", "zsh"],
        vec![],
    ] {
        let mut command = place.command(&args);
        command.env("TERM", "xterm-256color").env("CLICOLOR_FORCE", "1").env("COLORTERM", "truecolor");
        let output = command.output().unwrap();
        let bytes = [output.stdout, output.stderr].concat();
        let odd = bytes.iter().filter(|byte| [b'\x1b', b'\r', 0x07].contains(byte)).count();
        assert_eq!(odd, 0, "{args:?}: {}", bytes.escape_ascii());
        assert!(!bytes.is_empty(), "{args:?}");
    }
}

/// Case: colour-in-pipes
#[test]
fn a_pipe_beside_a_terminal_has_none_either() {
    let place = Place::new();
    let output = Pty::of_size(&place.command(&["ask", "hello"]), 24, 80, Piped::Output).output();
    assert!(
        !output.is_empty() && !output.contains(&b'\x1b') && !output.contains(&b'\r'),
        "{}",
        output.escape_ascii()
    );
}

/// What the commands write to a terminal with this variable, a chat among them.
fn on_a_terminal(name: &str, value: &str) -> Vec<u8> {
    let place = Place::new();
    let mut all = Vec::new();
    for args in [
        &["--help"][..],
        &["ask", "hello"],
        &["ask", "--nonsense"],
        &["sessions", "ls"],
        &["doctor"],
        &["--plain"],
    ] {
        let mut command = place.command(args);
        let mut pty = Pty::run(command.env(name, value));
        if args == ["--plain"] {
            pty.wait("> ");
            pty.keys("hello\r");
            pty.wait("\r\n");
            pty.wait("> ");
            pty.keys("/quit\r");
        }
        pty.ended();
        all.extend_from_slice(pty.written());
    }
    all
}

/// Case: colour-in-pipes
#[test]
fn a_terminal_has_colour_unless_it_is_not_wanted() {
    assert!(has_colour(&on_a_terminal("TERM", "xterm")), "nothing would be shown if it were wanted");
    let bytes = on_a_terminal("NO_COLOR", "1");
    assert!(!has_colour(&bytes), "{}", bytes.escape_ascii());
}

/// Case: colour-in-pipes
#[test]
fn a_dumb_terminal_gets_no_escape_code() {
    let bytes = on_a_terminal("TERM", "dumb");
    assert!(!bytes.contains(&b'\x1b'), "{}", bytes.escape_ascii());
    let returns = bytes.windows(2).filter(|window| window[0] == b'\r' && window[1] != b'\n').count();
    assert_eq!(returns, 0, "{}", bytes.escape_ascii());
}
