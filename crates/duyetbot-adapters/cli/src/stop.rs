//! Ctrl-C and its kin: the first asks to stop; a later one, where that takes too long, ends the program.
use duyetbot_core::{Error, Result};
use std::time::Duration;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// Signals that come this soon after the first are the same wish.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Signals that ask to stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    first: Option<Instant>,
    leaving: bool,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To stop what is being done.
    Stop,
    /// To leave.
    Leave,
}

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        let on = |kind| signal(kind).map_err(Error::internal);
        Ok(Stop {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
            first: None,
            leaving: false,
        })
    }

    /// A turn begins: what was asked of an earlier one does not concern it.
    pub(crate) fn renew(&mut self) {
        self.first = None;
    }

    /// Was the turn asked to stop?
    pub(crate) fn is_asked(&self) -> bool {
        self.first.is_some()
    }

    /// Was the program asked to leave, beyond what it is doing?
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Waits until somebody asks to stop. Once more, and the program ends here: what is durable stays.
    #[expect(clippy::disallowed_methods, reason = "who asks again does not want to wait any longer")]
    pub(crate) async fn asked(&mut self) {
        self.signal().await;
        let first = *self.first.get_or_insert_with(Instant::now);
        if first.elapsed() > SAME_WISH {
            std::process::exit(130);
        }
    }

    /// Waits, where nothing is being done, until somebody asks to leave.
    pub(crate) async fn asked_to_leave(&mut self) {
        loop {
            self.signal().await;
            // The second press of two meant the answer that the first one stopped.
            let meant_the_answer = self.first.is_some_and(|first| first.elapsed() <= SAME_WISH);
            if self.leaving || !meant_the_answer {
                return;
            }
        }
    }

    /// Waits for the next wish, whatever is being done.
    pub(crate) async fn wish(&mut self) -> Wish {
        self.signal().await;
        if self.leaving { Wish::Leave } else { Wish::Stop }
    }

    async fn signal(&mut self) {
        let leaving = tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
            _ = self.hangup.recv() => true,
        };
        self.leaving |= leaving;
    }
}
