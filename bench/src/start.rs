//! What the program costs before it does anything: its size, its start, its memory at rest.
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    Result, Size,
    cost::{middle, ratio},
    model,
    program::{Program, run},
    report::{Table, mib, ms, times},
};

/// What `--version` may take.
const LONGEST_START: Duration = Duration::from_millis(5);

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let program = Program::find(runtime.block_on(model::serve())?)?;
    let home = tempfile::tempdir()?;
    let rounds = size.of(31, 3);

    let mut table = Table::new("The program at rest", &["what", "figure", "beside"]);
    let bytes = std::fs::metadata(program.path())?.len();
    table.row(["size of the binary".to_owned(), mib(bytes), String::new()]);

    let (mut versions, mut trues) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut version = program.command(home.path());
        version.arg("--version");
        versions.push(run(version)?.0.wall);
        trues.push(run(Command::new("true"))?.0.wall);
    }
    let (version, nothing) = (middle(versions.into_iter()), middle(trues.into_iter()));
    let verdict = if version <= LONGEST_START { "met" } else { "MISSED" };
    table.row([
        format!("`duyetbot --version`, median of {rounds}"),
        format!("{} (≤ {}: {verdict})", ms(version), ms(LONGEST_START)),
        format!("{} of `true`, which takes {}", times(ratio(version, nothing)), ms(nothing)),
    ]);

    let mut chat = Chat::open(&program, home.path())?;
    chat.wait_for(PROMPT)?;
    let at_rest = chat.memory()?;
    chat.say("hello")?;
    chat.wait_for(PROMPT)?;
    let after = chat.memory()?;
    chat.leave()?;
    let row = |what: &str, memory: &Memory| {
        let beside = format!("{} of it its own, the rest mapped from files", mib(memory.own));
        [what.to_owned(), mib(memory.resident), beside]
    };
    table.row(row("memory of a chat that waits at its first prompt", &at_rest));
    table.row(row("the same after a turn", &after));
    Ok(vec![table])
}

/// What the chat shows when it waits for a line.
const PROMPT: &str = "> ";

/// A chat in a terminal.
struct Chat {
    child: Child,
    terminal: File,
    unread: Vec<u8>,
}

/// Resident memory in bytes.
struct Memory {
    resident: u64,
    own: u64,
}

impl Chat {
    fn open(program: &Program, home: &Path) -> Result<Self> {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&terminal)?;
        unlockpt(&terminal)?;
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 })?;
        let name = ptsname(&terminal, Vec::new())?;
        let end = || -> Result<OwnedFd> { Ok(open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?) };
        let child = program
            .command(home)
            .env("TERM", "xterm")
            .stdin(Stdio::from(end()?))
            .stdout(Stdio::from(end()?))
            .stderr(Stdio::from(end()?))
            .spawn()?;
        Ok(Chat { child, terminal: File::from(terminal), unread: Vec::new() })
    }

    /// Reads until the program has shown this; what comes after it is left for the next call.
    fn wait_for(&mut self, what: &str) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some((_, rest)) = text.split_once(what) {
                self.unread = rest.as_bytes().to_vec();
                return Ok(());
            }
            match self.terminal.read(&mut buffer) {
                Ok(n) if n > 0 => self.unread.extend_from_slice(&buffer[..n]),
                _ => return Err(format!("the chat ended after showing {text:?}").into()),
            }
        }
    }

    fn say(&mut self, line: &str) -> Result<()> {
        self.terminal.write_all(format!("{line}\r").as_bytes())?;
        self.wait_for("\n")
    }

    fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let bytes = |field: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
            let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no such field")?;
            Ok(number.parse::<u64>()? * 1024)
        };
        Ok(Memory { resident: bytes("VmRSS")?, own: bytes("RssAnon")? })
    }

    fn leave(mut self) -> Result<()> {
        self.terminal.write_all(b"/quit\r")?;
        // The terminal's end tells that the program has closed it; what it still shows is of no interest.
        std::io::copy(&mut self.terminal, &mut std::io::sink()).ok();
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the chat ended with {status}").into()) }
    }
}
