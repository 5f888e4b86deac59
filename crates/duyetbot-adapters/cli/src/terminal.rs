//! The terminal is left as it was found, however the program ends, and taken up again after a pause.
use duyetbot_core::{Error, Result};
use rustix::{
    process::{Signal, getpid, kill_process},
    termios::{OptionalActions, Termios, tcgetattr, tcsetattr},
};
use std::{
    io,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::signal::unix::{SignalKind, signal};

/// What the line editor switches on besides the terminal's modes, switched on and off again.
const PASTE_ON: &[u8] = b"\x1b[?2004h";
const PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// What an interface that draws writes when it leaves the terminal.
static LEAVING: Mutex<String> = Mutex::new(String::new());

/// The terminal is another program's: it was given back and is not taken up again yet.
static AWAY: AtomicBool = AtomicBool::new(false);

static FOUND: OnceLock<Mutex<Option<Termios>>> = OnceLock::new();

/// While it lives, signals that end or stop the program and panics restore the terminal first.
pub(crate) struct Terminal;

impl Terminal {
    /// Remembers the terminal's state. After a pause, once it is taken up again, it is told.
    #[expect(
        clippy::disallowed_methods,
        reason = "a signal ends the program; only the terminal is left to mend"
    )]
    pub(crate) fn remember(taken_up: impl FnMut() + Send + 'static) -> Result<Self> {
        remember_modes()?;
        restore_on_panic();
        for ending in [Signal::QUIT, Signal::ABORT] {
            let mut signals = signal(kind(ending)).map_err(Error::internal)?;
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    restore();
                    std::process::exit(128 + ending.as_raw());
                }
            });
        }
        tokio::spawn(pauses(taken_up, signal(kind(Signal::TSTP)), signal(kind(Signal::CONT))));
        Ok(Terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

fn kind(signal: Signal) -> SignalKind {
    SignalKind::from_raw(signal.as_raw())
}

type Signals = io::Result<tokio::signal::unix::Signal>;

/// Gives the terminal back before the program is stopped, and takes it up again when it goes on.
async fn pauses(mut taken_up: impl FnMut(), stops: Signals, goes_on: Signals) {
    let (Ok(mut stops), Ok(mut goes_on)) = (stops, goes_on) else { return };
    while stops.recv().await.is_some() {
        AWAY.store(true, Ordering::Relaxed);
        let used = restore();
        let goes_on = kill_process(getpid(), Signal::STOP).is_ok() && goes_on.recv().await.is_some();
        AWAY.store(false, Ordering::Relaxed);
        if !goes_on {
            return;
        }
        if let Some(used) = used {
            // Where the terminal is gone there is nothing to take up.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &used);
            let _ = rustix::io::write(io::stdout(), PASTE_ON);
            taken_up();
        }
    }
}

/// May something be drawn? A key that came before a pause is handled before the terminal is taken up again.
pub(crate) fn is_ours() -> bool {
    !AWAY.load(Ordering::Relaxed)
}

/// Whatever ends or stops the program, this is written first: it takes away what was drawn.
pub(crate) fn on_leaving(text: String) {
    *LEAVING.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// Keys come one by one and unchanged, and pasted text is marked.
pub(crate) fn take_keys() -> Result<()> {
    crossterm::terminal::enable_raw_mode().map_err(Error::internal)?;
    rustix::io::write(io::stdout(), PASTE_ON).map_err(Error::internal)?;
    Ok(())
}

fn remember_modes() -> Result<()> {
    let found = tcgetattr(io::stdin()).map_err(Error::internal)?;
    let slot = FOUND.get_or_init(|| Mutex::new(None));
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    Ok(())
}

/// What a panic says can be read: it is written to a terminal that is as it was.
fn restore_on_panic() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        hook(panic);
    }));
}

/// Answers the modes that were in use, where they had to be changed.
fn restore() -> Option<Termios> {
    let found = FOUND.get()?.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    let used = tcgetattr(io::stdin()).ok()?;
    if used.local_modes == found.local_modes && used.input_modes == found.input_modes {
        return None;
    }
    // Where the terminal is gone there is nothing to restore.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, &found);
    let leaving = std::mem::take(&mut *LEAVING.lock().unwrap_or_else(PoisonError::into_inner));
    let _ = rustix::io::write(io::stdout(), &[leaving.as_bytes(), PASTE_OFF].concat());
    Some(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::{
        fs::{Mode, OFlags, open},
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    };
    use std::process::Command;

    /// Says to this test, run once more in a terminal, where to panic.
    const WHERE: &str = "DUYETBOT_TEST_PANIC";

    /// Case: terminal-restored-after-crash
    #[test]
    #[expect(clippy::disallowed_methods, reason = "how the test tells itself its second part")]
    fn a_panic_in_any_thread_is_read_on_a_terminal_that_is_as_it_was() {
        if let Ok(place) = std::env::var(WHERE) {
            return panic_in_raw_mode(&place);
        }
        for place in ["here", "elsewhere"] {
            let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
            grantpt(&ours).unwrap();
            unlockpt(&ours).unwrap();
            let name = ptsname(&ours, Vec::new()).unwrap();
            let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
            let found = tcgetattr(&theirs).unwrap();
            let test = "terminal::tests::a_panic_in_any_thread_is_read_on_a_terminal_that_is_as_it_was";
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", test, "--nocapture"])
                .env(WHERE, place)
                .env("RUST_BACKTRACE", "0")
                .stdin(theirs.try_clone().unwrap())
                .stdout(theirs.try_clone().unwrap())
                .stderr(theirs.try_clone().unwrap())
                .spawn()
                .unwrap();
            assert!(!child.wait().unwrap().success());
            let left = tcgetattr(&theirs).unwrap();
            assert_eq!(
                (left.local_modes, left.input_modes, left.output_modes),
                (found.local_modes, found.input_modes, found.output_modes),
                "{place}"
            );
            // A terminal may give what was written in several pieces; this stands after the last of them.
            let end = "that is all";
            rustix::io::write(&theirs, end.as_bytes()).unwrap();
            let (mut text, mut bytes) = (String::new(), [0; 4096]);
            while !text.ends_with(end) {
                let n = rustix::io::read(&ours, &mut bytes).unwrap();
                text.push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
            let (_, after) = text.split_once("\x1b[?2004l").expect("the paste mode is switched off");
            assert!(after.contains("the reason of the panic\r\n"), "{place}: {text:?}");
        }
    }

    fn panic_in_raw_mode(place: &str) {
        remember_modes().unwrap();
        restore_on_panic();
        let mut raw = tcgetattr(io::stdin()).unwrap();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw).unwrap();
        if place == "elsewhere" {
            std::thread::spawn(|| panic!("the reason of the panic")).join().unwrap();
        }
        panic!("the reason of the panic");
    }
}
