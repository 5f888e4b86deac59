//! `duyetbot serve`: the API, for the one person of this machine or for the people of its storage.
mod address;
mod check;
mod faults;
mod log;
mod people;
mod place;
mod plan;
mod ready;
mod signals;

use duyetbot::Duyetbot;
use duyetbot_core::{Error, Result, run::Presence};
use duyetbot_server::{LocalPerson, Server, listen};
use std::sync::Arc;

use crate::{
    app::{equipped, model_settings, storage},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::{Settings, strict},
};
use address::Listening;
use faults::Faults;
use people::People;
use plan::Plan;
use signals::Signals;

/// What is wanted of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// That it serves.
    Serve,
    /// To know what it would be made of.
    Check,
    /// To know whether one that runs can serve.
    Ready,
}

/// Serves until a signal says to stop. What is wrong with the settings so far is told with the rest.
pub(crate) async fn run(
    (environment, home): (&Environment, &Home),
    (settings, faults): (&Settings, Vec<Error>),
    output: &Output,
    listening: Option<String>,
    purpose: Purpose,
) -> Result<Exit> {
    // Whether a server answers depends on its address alone.
    let faults = if purpose == Purpose::Ready { Vec::new() } else { [faults, strict(environment)].concat() };
    let mut faults = Faults::of(faults);
    let address = Listening::read(listening, settings, &mut faults);
    if purpose == Purpose::Ready {
        return match address.reach {
            Some(_) => ready::run(output, &address).await,
            None => Err(faults.into_error()),
        };
    }
    let plan = Plan::read((environment, home), settings, &address, faults);
    if purpose == Purpose::Check {
        return check::run((environment, home), settings, output, &plan, &address).await;
    }
    let plan = plan.map_err(Faults::into_error)?;
    let models = model_settings(environment, home, settings);
    let keys = [models.anthropic.key, models.openai.key].into_iter().flatten();
    let secrets = settings.texts("redact").into_iter().chain(keys).chain(people::secrets(environment));
    log::begin(settings, secrets.collect())?;
    let url = storage(home, settings)?;
    // Bound before the storage is opened: a port that is taken should not cost a migration.
    let listener = listen(&address.text).await?;
    let builder = Duyetbot::builder().storage(&url).behaviour(plan.behaviour);
    let mut builder = equipped(builder, (environment, home), settings, Presence::Person);
    if let Some(tools) = plan.tools {
        builder = builder.tools(tools);
    }
    let bot = builder.open().await?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let signals = Signals::new()?;
    let (server, line) = match plan.people {
        People::Local => {
            let person = LocalPerson::of(&bot);
            let line = format!("http://{address}/?token={}", person.token());
            (Server::new(&bot, Arc::new(person), plan.server), line)
        }
        People::Members(verifier) => {
            (Server::of_members(&bot, verifier, plan.server), format!("http://{address}"))
        }
    };
    output.line(&line)?;
    if let Some(sandbox) = plan.sandbox {
        tracing::info!("tools work in the workspace; {sandbox}");
    }
    let served = server.run(listener, signals.leave()).await;
    let closed = bot.close().await;
    served.and(closed).map(|()| Exit::Done)
}
