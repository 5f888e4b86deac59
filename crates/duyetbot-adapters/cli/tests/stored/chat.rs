//! A chat at a terminal of its own.
use std::process::Command;

use crate::pty::{Piped, Pty};

/// What the chat shows when it waits for a line.
const PROMPT: &str = "> ";

/// A chat that runs; what it says on standard error is kept for its end.
pub(crate) struct Chat(Pty);

impl Chat {
    /// Starts it, and waits until it asks for a line.
    pub(crate) fn open(mut command: Command) -> Self {
        command.env("TERM", "dumb");
        let mut chat = Chat(Pty::of_size(&command, 24, 80, Piped::Notices));
        chat.wait_for_prompt();
        chat
    }

    /// Types a line, without waiting for the answer.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.0.keys(&format!("{line}\n"));
    }

    /// Waits until it asks for the next line.
    pub(crate) fn wait_for_prompt(&mut self) {
        self.wait_for(PROMPT);
    }

    /// Waits until it shows this.
    pub(crate) fn wait_for(&mut self, what: &str) {
        self.0.wait(what);
    }

    /// Types a line, and waits until it is answered.
    pub(crate) fn say(&mut self, line: &str) {
        self.type_line(line);
        self.wait_for_prompt();
    }

    /// Leaves, and answers what it said on standard error.
    pub(crate) fn leave(mut self) -> String {
        self.type_line("/quit");
        assert!(self.0.ended().success());
        self.0.notices()
    }
}
