//! The terminal is left as it was found, however the program ends.
use duyetbot_core::{Error, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    io,
    sync::{Mutex, OnceLock, PoisonError},
};
use tokio::signal::unix::{SignalKind, signal};

static FOUND: OnceLock<Mutex<Option<Termios>>> = OnceLock::new();

/// While it lives, signals that end the program and panics restore the terminal first.
pub(crate) struct Terminal;

impl Terminal {
    /// Remembers the terminal's state.
    #[expect(
        clippy::disallowed_methods,
        reason = "a signal ends the program; only the terminal is left to mend"
    )]
    pub(crate) fn remember() -> Result<Self> {
        let found = tcgetattr(io::stdin()).map_err(Error::internal)?;
        let slot = FOUND.get_or_init(|| Mutex::new(None));
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            hook(panic);
        }));
        for (kind, code) in
            [(SignalKind::terminate(), 143), (SignalKind::hangup(), 129), (SignalKind::quit(), 131)]
        {
            let mut signals = signal(kind).map_err(Error::internal)?;
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    restore();
                    std::process::exit(code);
                }
            });
        }
        Ok(Terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    let found = FOUND.get().map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).clone());
    if let Some(Some(found)) = found {
        // Where the terminal is gone there is nothing to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &found);
    }
}
