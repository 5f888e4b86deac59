//! The signals that end a server: the first asks, the second does not wait.
use duyetbot_core::{Error, Result};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Asks to stop, from a terminal or from whoever runs the program.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn new() -> Result<Self> {
        let on = |kind| signal(kind).map_err(|error: io::Error| Error::internal(error));
        Ok(Signals { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for the first; the second ends the program at once.
    #[expect(
        clippy::disallowed_methods,
        reason = "who asks again does not want to wait; what is durable stays"
    )]
    pub(super) async fn leave(mut self) {
        self.next().await;
        tracing::info!("stopping; streams are told, runs go on with the next start. Once more stops at once");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }
}
