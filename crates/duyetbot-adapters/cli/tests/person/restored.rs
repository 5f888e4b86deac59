//! The terminal is as it was, however the chat ends, and the chat is as it was after a pause.
use rustix::process::{Signal, kill_process};

use crate::{place::Place, pty::Pty};

/// What the shell shows when it waits.
const SHELL: &str = "the-shell$ ";

/// A shell in a terminal.
pub(crate) struct Shell {
    pub(crate) pty: Pty,
    pub(crate) place: Place,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let mut shell = place.shell("");
        shell.env("PS1", SHELL).env("BOT", env!("CARGO_BIN_EXE_duyetbot"));
        let mut command = std::process::Command::new("bash");
        command.args(["--norc", "--noprofile", "--noediting", "-i"]).current_dir(place.folder.path());
        command.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut pty = Pty::run(&command);
        pty.wait(SHELL);
        Shell { pty, place }
    }

    /// The modes of the terminal.
    pub(crate) fn modes(&mut self) -> String {
        self.pty.keys("echo be''gin; stty -a; echo fin''ish\r");
        self.pty.wait("begin\r\n");
        self.pty.wait("finish\r\n");
        self.pty.wait(SHELL);
        let all = String::from_utf8(self.pty.written().to_vec()).unwrap();
        let (_, modes) = all.rsplit_once("begin\r\n").unwrap();
        modes.split_once("finish\r\n").unwrap().0.to_owned()
    }

    /// Opens the chat.
    fn chat(&mut self) {
        self.pty.keys("\"$BOT\" --plain; echo \"code $?\"\r");
        self.pty.wait("say something");
        self.pty.wait("> ");
        self.pty.keys("dra");
        self.pty.wait("dra");
    }

    /// The terminal is as these modes say, nothing is left switched on, and what is typed is seen.
    pub(crate) fn is_as_before(&mut self, modes: &str, how: &str) {
        assert_eq!(self.modes(), modes, "{how}");
        let screen = self.pty.screen();
        assert!(!screen.bracketed_paste() && !screen.hide_cursor() && !screen.alternate_screen(), "{how}");
        self.pty.keys("echo hi\r");
        self.pty.wait("echo hi\r\nhi\r\n");
        self.pty.wait(SHELL);
    }
}

/// Case: terminal-restored-after-crash
#[test]
fn whatever_signal_ends_the_chat_the_terminal_is_as_it_was() {
    let mut shell = Shell::new();
    let modes = shell.modes();
    assert!(modes.contains(" icanon ") && modes.contains(" echo "), "{modes}");
    for (signal, code) in [
        (Signal::TERM, 130),
        (Signal::HUP, 130),
        // The first is answered like the key, the second leaves.
        (Signal::INT, 0),
        (Signal::QUIT, 131),
        (Signal::ABORT, 134),
    ] {
        shell.chat();
        assert!(shell.pty.screen().bracketed_paste(), "the editor switches nothing on");
        let job = shell.pty.job();
        kill_process(job, signal).unwrap();
        if signal == Signal::INT {
            shell.pty.wait("Ctrl-C again");
            shell.pty.wait("> ");
            kill_process(job, signal).unwrap();
        }
        shell.pty.wait(&format!("code {code}"));
        shell.pty.wait(SHELL);
        shell.is_as_before(&modes, &format!("{signal:?}"));
    }
    shell.pty.keys("exit\r");
    shell.pty.ended();
}

/// Case: terminal-restored-after-crash
#[test]
fn a_pause_gives_the_terminal_back_and_the_line_goes_on_after_it() {
    let mut shell = Shell::new();
    let modes = shell.modes();
    shell.pty.keys("\"$BOT\" --plain\r");
    shell.pty.wait("say something");
    shell.pty.wait("> ");
    shell.pty.keys("one ");
    shell.pty.wait("one ");
    for words in ["two ", "three "] {
        if words == "two " {
            kill_process(shell.pty.job(), Signal::TSTP).unwrap();
        } else {
            shell.pty.keys("\u{1a}");
        }
        shell.pty.wait("Stopped");
        shell.pty.wait(SHELL);
        shell.is_as_before(&modes, words);
        shell.pty.keys("fg\r");
        shell.pty.wait("> one ");
        assert!(shell.pty.screen().bracketed_paste(), "the editor was not taken up again");
        shell.pty.keys(words);
        shell.pty.wait(words);
    }
    shell.pty.keys("four\r");
    shell.pty.wait("memory");
    shell.pty.wait("> ");
    shell.pty.keys("/quit\r");
    shell.pty.wait(SHELL);
    shell.is_as_before(&modes, "the end");
    assert_eq!(shell.place.asked(), "one two three four");
    shell.pty.keys("exit\r");
    shell.pty.ended();
}
