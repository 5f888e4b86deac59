//! `duyetbot serve`: the API on this machine, for the one person that it belongs to.
mod plan;
mod signals;

use duyetbot::{Duyetbot, storage_file};
use duyetbot_core::{Error, ErrorKind, Result, run::Presence};
use duyetbot_server::{LocalPerson, Server, listen};
use std::{io, sync::Arc};

use crate::{
    app::{equipped, storage},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};
use plan::Plan;
use signals::Signals;

/// Serves until a signal says to stop.
pub(crate) async fn run(
    environment: &Environment,
    home: &Home,
    settings: &Settings,
    output: &Output,
    address: &str,
) -> Result<Exit> {
    let plan = Plan::read(environment, home, settings, address)?;
    let url = storage(home, settings)?;
    keep_apart(environment, &url, &plan)?;
    log()?;
    // Bound before the storage is opened: a port that is taken should not cost a migration.
    let listener = listen(address).await?;
    let builder = Duyetbot::builder().storage(&url).behaviour(plan.behaviour);
    let mut builder = equipped(builder, (environment, home), settings, Presence::Person);
    if let Some(tools) = plan.tools {
        builder = builder.tools(tools);
    }
    let bot = builder.open().await?;
    let person = LocalPerson::of(&bot);
    let address = listener.local_addr().map_err(Error::internal)?;
    let signals = Signals::new()?;
    output.line(&format!("http://{address}/?token={}", person.token()))?;
    if let Some(sandbox) = plan.sandbox {
        tracing::info!("tools work in the workspace; {sandbox}");
    }
    let server = Server::new(&bot, Arc::new(person), plan.server);
    let served = server.run(listener, signals.leave(output)).await;
    let closed = bot.close().await;
    served.and(closed).map(|()| Exit::Done)
}

/// What models may read holds nobody's memory.
fn keep_apart(environment: &Environment, url: &str, plan: &Plan) -> Result<()> {
    let (Some(file), Some(folder)) = (storage_file(url)?, plan.workspace()) else { return Ok(()) };
    let beside = environment.folder.join(&file).parent().and_then(|folder| folder.canonicalize().ok());
    if beside.is_some_and(|beside| beside.starts_with(folder)) {
        let file = file.display();
        return Err(Error::invalid(format!(
            "storage {file} lies in serve.workspace, where models read files; keep it elsewhere"
        )));
    }
    Ok(())
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
