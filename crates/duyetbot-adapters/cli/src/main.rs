//! The `duyetbot` command line: a thin adapter over the library.
mod app;
mod args;
mod ask;
mod branch;
mod chat;
mod config;
mod doctor;
mod environment;
mod exit;
mod home;
mod input;
mod output;
mod sessions;
mod settings;
mod stop;
mod terminal;

use clap::{CommandFactory, Parser};
use duyetbot_core::{Error, Result, run::Presence};
use std::process::ExitCode;

use crate::{
    app::App,
    args::{Cli, Command, Format, Sessions},
    doctor::Mend,
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Files are the person's own, whatever the umask says.
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => return without_environment(&error),
    };
    let output = Output::new(cli.global.output_format, &environment);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.error(&Error::internal(error)).into(),
    };
    let exit = runtime.block_on(run(cli, environment, &output));
    // A thread that still reads standard input must not keep the program.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => output.error(&error).into(),
    }
}

#[allow(clippy::print_stderr)]
fn without_environment(error: &Error) -> ExitCode {
    eprintln!("duyetbot: {error}");
    Exit::of(error).into()
}

async fn run(cli: Cli, environment: Environment, output: &Output) -> Result<Exit> {
    let format = cli.global.output_format;
    if format == Format::StreamJson && !matches!(cli.command, Some(Command::Ask(_))) {
        return Err(Error::invalid("--output-format stream-json is for `ask`; use json"));
    }
    if let Some(Command::Completions { shell }) = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "duyetbot", &mut std::io::stdout());
        return Ok(Exit::Done);
    }
    let home = Home::find(&environment)?;
    let settings = Settings::read(&home, &environment, &cli.global);
    if let Ok(settings) = &settings {
        settings.notices.iter().for_each(|n| output.notice(n));
    }
    match cli.command {
        Some(Command::Config { command }) => config::run(&home, &settings, output, command),
        Some(Command::Doctor { repair }) => {
            let mend = if repair { Mend::Database } else { Mend::Nothing };
            doctor::run(&home, &settings, &environment, output, mend).await
        }
        command => {
            let presence = match command {
                None | Some(Command::Sessions { command: Sessions::Resume { .. } }) => Presence::Person,
                _ => Presence::Nobody,
            };
            let output = Output::new(format, &environment);
            let app = App::open(environment, home, &settings?, output, presence).await?;
            let exit = dispatch(&app, command).await;
            let closed = app.bot.close().await;
            exit.and_then(|exit| closed.map(|()| exit))
        }
    }
}

async fn dispatch(app: &App, command: Option<Command>) -> Result<Exit> {
    match command {
        None => chat::begin(app).await,
        Some(Command::Ask(ask)) => {
            sessions::offer(app).await?;
            ask::ask(app, ask).await
        }
        Some(Command::Sessions { command }) => sessions::run(app, command).await,
        Some(Command::Config { .. } | Command::Doctor { .. } | Command::Completions { .. }) => Ok(Exit::Done),
    }
}
