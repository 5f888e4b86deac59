//! Ctrl-C and its kin: the first asks the turn to stop, the second ends the program.
use duyetbot_core::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that ask to stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    times: u32,
}

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        let on = |kind| signal(kind).map_err(Error::internal);
        Ok(Stop {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
            times: 0,
        })
    }
    /// Waits until somebody asks to stop. The second time the program ends here: what is durable stays.
    #[expect(clippy::disallowed_methods, reason = "the second signal ends the program at once")]
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
        self.times += 1;
        if self.times > 1 {
            std::process::exit(130);
        }
    }
}
