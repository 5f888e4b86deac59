//! A terminal of 80 columns with a program in it: keys in, a screen out.
#![allow(dead_code, reason = "each test program uses its part of it")]
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    fs,
    io::Read,
    num::NonZeroU16,
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::model::PATIENCE;

/// How long a look at the terminal lasts.
const LOOK: Duration = Duration::from_millis(20);

/// A program in a terminal.
pub(crate) struct Pty {
    ours: OwnedFd,
    child: Running,
    /// All that it wrote.
    written: Vec<u8>,
    /// Up to here the test has looked.
    looked: usize,
    screen: vt100::Parser,
}

/// What of a program does not go to its terminal.
#[derive(PartialEq, Eq)]
pub(crate) enum Piped {
    Nothing,
    /// Standard output.
    Output,
    /// Standard error.
    Notices,
}

impl Pty {
    /// Runs the command as the leader of a terminal of 24 rows.
    pub(crate) fn run(command: &Command) -> Self {
        Pty::of_size(command, 24, 80, Piped::Nothing)
    }

    pub(crate) fn of_size(command: &Command, rows: u16, columns: u16, piped: Piped) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = open(name, flags, Mode::empty()).unwrap();
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        leader.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TERM", "xterm");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => leader.env(name, value),
                None => leader.env_remove(name),
            };
        }
        leader.current_dir(command.get_current_dir().unwrap());
        let stream = |of: Piped| match piped == of {
            true => Stdio::piped(),
            false => Stdio::from(theirs.try_clone().unwrap()),
        };
        leader.stdin(theirs.try_clone().unwrap());
        leader.stdout(stream(Piped::Output)).stderr(stream(Piped::Notices));
        let child = Running(leader.spawn().unwrap());
        let size = |n| NonZeroU16::new(n).unwrap();
        let screen = vt100::Parser::new(size(rows), size(columns), 2_000);
        Pty { ours, child, written: Vec::new(), looked: 0, screen }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child.0)
    }

    /// The program that the leader runs, where it is a shell.
    pub(crate) fn job(&self) -> Pid {
        let id = self.child.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let last = children.split_whitespace().last().expect("the shell runs nothing");
        Pid::from_raw(last.parse().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Presses these keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        let mut rest = keys.as_bytes();
        while !rest.is_empty() {
            let written = rustix::io::write(&self.ours, rest).unwrap();
            rest = &rest[written..];
        }
    }

    /// Takes what comes within this time; `false` where nothing came.
    pub(crate) fn look(&mut self, time: Duration) -> bool {
        let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::try_from(time).unwrap())).unwrap();
        if !fds[0].revents().contains(PollFlags::IN) {
            return false;
        }
        let mut bytes = [0; 4096];
        // When the program is gone its terminal answers with an error.
        let n = rustix::io::read(&self.ours, &mut bytes).unwrap_or(0);
        self.written.extend_from_slice(&bytes[..n]);
        self.screen.process(&bytes[..n]);
        n > 0
    }

    /// Waits for this text behind all that was waited for before.
    pub(crate) fn wait(&mut self, text: &str) {
        loop {
            let fresh = &self.written[self.looked..];
            if let Some(at) = fresh.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.looked += at + text.len();
                return;
            }
            let came = self.look(PATIENCE);
            assert!(came, "{text:?} did not come:\n{}", self.log());
        }
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&vt100::Screen) -> bool) {
        while !holds(self.screen.screen()) {
            let came = self.look(PATIENCE);
            assert!(
                came,
                "{what}: the cursor is at {:?} of\n{}",
                self.cursor(),
                self.screen.screen().contents()
            );
        }
    }

    /// Waits until the screen holds this text.
    pub(crate) fn sees(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until a frame of the full interface is whole.
    pub(crate) fn settles(&mut self) {
        while !self.written.ends_with(b"\x1b[?2026l") {
            assert!(self.look(PATIENCE), "the frame did not end:\n{}", self.log());
        }
    }

    /// Waits until the screen holds it no longer.
    pub(crate) fn misses(&mut self, text: &str) {
        self.until(text, |screen| !screen.contents().contains(text));
    }

    /// Gives the window another size.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        while self.look(Duration::ZERO) {}
        let size = |n| NonZeroU16::new(n).unwrap();
        self.screen.screen_mut().set_size(size(rows), size(columns));
        tcsetwinsize(&self.ours, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
    }

    /// Everything that scrolled out or is on the screen, a line each.
    pub(crate) fn scrolled(&mut self) -> Vec<String> {
        let screen = self.screen.screen_mut();
        screen.set_scrollback(usize::MAX);
        let mut lines = Vec::new();
        loop {
            let left = screen.scrollback();
            let rows: Vec<String> = screen.rows(0, screen.size().1.get()).collect();
            if left == 0 {
                lines.extend(rows);
                break;
            }
            lines.extend(rows.into_iter().take(left.min(usize::from(screen.size().0.get()))));
            screen.set_scrollback(left.saturating_sub(usize::from(screen.size().0.get())));
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Row and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.screen.screen().cursor_position()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// All that came so far.
    pub(crate) fn written(&self) -> &[u8] {
        &self.written
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.written).escape_debug().to_string()
    }

    /// Waits for the program's end, and takes what it still writes.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                while self.look(Duration::ZERO) {}
                return status;
            }
            if !self.look(LOOK) {
                poll(&mut [], Some(&Timespec::try_from(LOOK).unwrap())).unwrap();
            }
        }
        panic!("the program did not end:\n{}", self.log());
    }

    /// Takes the terminal away, and waits for the program's end.
    pub(crate) fn hang_up(self) -> ExitStatus {
        let Pty { ours, mut child, .. } = self;
        drop(ours);
        ended(&mut child.0)
    }

    /// What the program wrote to standard output where that is a pipe.
    pub(crate) fn output(mut self) -> Vec<u8> {
        self.ended();
        let mut bytes = Vec::new();
        self.child.0.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// What the program, which has ended, wrote to standard error where that is a pipe.
    pub(crate) fn notices(mut self) -> String {
        let mut text = String::new();
        self.child.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

/// Waits for a program's end.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    come(|| child.try_wait().unwrap())
}

/// Waits until a program that is nobody's child any more has ended.
pub(crate) fn gone(program: Pid) {
    let stat = format!("/proc/{}/stat", program.as_raw_nonzero());
    let lives = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    come(|| (!lives()).then_some(()));
}

/// What comes by and by, without a sign that could be waited for.
fn come<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
        if let Some(found) = look() {
            return found;
        }
        poll(&mut [], Some(&Timespec::try_from(LOOK).unwrap())).unwrap();
    }
    panic!("the program did not end");
}

/// A program that a test which fails does not leave behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
