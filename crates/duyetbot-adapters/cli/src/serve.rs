//! `duyetbot serve`: the API on this machine, for the one person that it belongs to.
use duyetbot::Duyetbot;
use duyetbot_core::{
    Error, ErrorKind, Limits, Rate, Result,
    run::{Presence, Settings as Behaviour, Successor},
};
use duyetbot_server::{
    LocalPerson, Server, ServerSettings,
    http::{MetricsAccess, Settings as ApiSettings},
    is_loopback, listen,
};
use std::{io, sync::Arc};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    app::{Tools, behaviour, equipped, storage},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};

/// Where the runs of a server stand, whatever folder it was started in.
const PLACE: &str = "server";
/// The seed's limit.
const REQUESTS: u32 = 100;

/// Serves until a signal says to stop.
pub(crate) async fn run(
    environment: &Environment,
    home: &Home,
    settings: &Settings,
    output: &Output,
    address: &str,
) -> Result<Exit> {
    refuse_what_is_not_local(environment, address)?;
    log()?;
    // Bound before the storage is opened: a port that is taken should not cost a migration.
    let listener = listen(address).await?;
    let behaviour = Behaviour {
        place: PLACE.to_owned(),
        successor: Successor::GoesOn,
        limits: limits(settings),
        ..behaviour(environment, settings, Tools::Kept)
    };
    let api = ApiSettings {
        limits: behaviour.limits,
        guards: behaviour.guards,
        rate: rate(settings)?,
        metrics: MetricsAccess::Open,
        ..ApiSettings::default()
    };
    let builder = Duyetbot::builder().storage(&storage(home, settings)?);
    let builder = equipped(builder, (environment, home), settings, Presence::Person);
    let bot = builder.behaviour(behaviour).open().await?;
    let person = LocalPerson::of(&bot);
    let address = listener.local_addr().map_err(Error::internal)?;
    let mut signals = Signals::new()?;
    output.line(&format!("http://{address}/?token={}", person.token()))?;
    let server = Server::new(&bot, Arc::new(person), ServerSettings { api, ..ServerSettings::default() });
    let served = server.run(listener, async { signals.leave(output).await }).await;
    let closed = bot.close().await;
    served.and(closed).map(|()| Exit::Done)
}

/// What happens is told on standard error, a line each. It names requests and runs, and nobody's words.
fn log() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .try_init()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the log cannot be set up: {error}")))
}

/// Without accounts everybody who reaches the address would be the one person.
fn refuse_what_is_not_local(environment: &Environment, address: &str) -> Result<()> {
    if environment.get("JWT_SECRET").is_some() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "JWT_SECRET asks for a server of many people, which this version has not; without it, one person is served \
             on this machine",
        ));
    }
    if is_loopback(address)? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{address} can be reached from other machines, and JWT_SECRET is not set, so that whoever asks could not be told \
         from another; listen on 127.0.0.1, or set JWT_SECRET"
    )))
}

/// The limits of served people, where none are set; 0 is none.
fn limits(settings: &Settings) -> Limits {
    let limit = |name: &str, usual: Option<u64>| match settings.get(name) {
        Some(_) => settings.number(name),
        None => usual,
    };
    Limits {
        sessions: limit("limits.sessions", Limits::SERVED.sessions),
        messages: limit("limits.messages_per_session", Limits::SERVED.messages),
        bytes: limit("limits.storage_bytes", Limits::SERVED.bytes),
    }
}

fn rate(settings: &Settings) -> Result<Option<Rate>> {
    const NAME: &str = "limits.requests_per_minute";
    if settings.get(NAME).is_none() {
        return Ok(Some(Rate::per_minute(REQUESTS)));
    }
    let number = settings.number(NAME).map(u32::try_from).transpose();
    let number = number.map_err(|_| Error::invalid(format!("{NAME} is at most {}", u32::MAX)))?;
    Ok(number.map(Rate::per_minute))
}

/// Asks to stop, from a terminal or from whoever runs the program.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
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
    async fn leave(&mut self, output: &Output) {
        self.next().await;
        output.notice("stopping; streams are told, runs go on with the next start. Once more stops at once");
        let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        let (Ok(interrupt), Ok(terminate)) = (interrupt, terminate) else { return };
        let mut again = Signals { interrupt, terminate };
        tokio::spawn(async move {
            again.next().await;
            std::process::exit(130);
        });
    }
}
