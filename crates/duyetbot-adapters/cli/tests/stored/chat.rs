//! A chat at a terminal of its own.
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

/// What the chat shows when it waits for a line.
const PROMPT: &str = "> ";

/// A chat that runs. What it shows is read as it comes; what it says on standard error is kept for its end.
pub(crate) struct Chat {
    child: Child,
    terminal: File,
    unread: Vec<u8>,
    notices: JoinHandle<String>,
}

impl Chat {
    /// Starts it, and waits until it asks for a line.
    pub(crate) fn open(mut command: Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let end = || -> OwnedFd { open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap() };
        let mut child = command
            .env("TERM", "dumb")
            .stdin(Stdio::from(end()))
            .stdout(Stdio::from(end()))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It holds ends of the terminal, which would keep it open when the chat is gone.
        drop(command);
        let mut stderr = child.stderr.take().unwrap();
        let notices = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut chat = Chat { child, terminal: File::from(terminal), unread: Vec::new(), notices };
        chat.wait_for(PROMPT);
        chat
    }

    /// Types a line, without waiting for the answer.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.terminal.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until it asks for the next line.
    pub(crate) fn wait_for_prompt(&mut self) {
        self.wait_for(PROMPT);
    }

    /// Types a line, and waits until it is answered.
    pub(crate) fn say(&mut self, line: &str) {
        self.type_line(line);
        self.wait_for_prompt();
    }

    /// Reads until the chat has shown this; what comes after it is left for the next call.
    pub(crate) fn wait_for(&mut self, what: &str) {
        let mut buffer = [0; 4096];
        loop {
            let shown = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some((_, rest)) = shown.split_once(what) {
                self.unread = rest.as_bytes().to_vec();
                return;
            }
            match self.terminal.read(&mut buffer) {
                Ok(n) if n > 0 => self.unread.extend_from_slice(&buffer[..n]),
                _ => panic!("the chat ended after showing {shown:?}"),
            }
        }
    }

    /// Leaves, and answers what it said on standard error.
    pub(crate) fn leave(mut self) -> String {
        self.type_line("/quit");
        // The terminal ends when the program has closed it; what it still shows is of no interest.
        std::io::copy(&mut self.terminal, &mut std::io::sink()).ok();
        assert!(self.child.wait().unwrap().success());
        self.notices.join().unwrap()
    }
}
