//! The `duyetbot` command line: a thin adapter over the library.
mod account;
mod app;
mod approval;
mod approvals;
mod args;
mod ask;
mod backup;
mod bot;
mod branch;
mod chat;
mod config;
mod credentials;
mod daily;
mod deciding;
mod doctor;
mod editor;
mod environment;
mod exit;
mod home;
mod input;
mod output;
mod printed;
mod remote;
mod serve;
mod sessions;
mod settings;
mod stop;
mod terminal;
mod tui;
mod turn;
mod users;
mod workshop;

use clap::{ColorChoice, CommandFactory, FromArgMatches};
use duyetbot_core::{Error, Result, run::Presence};
use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    account::Desk,
    app::App,
    args::{Cli, Command, Format, Sessions, wanted_format},
    doctor::Mend,
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    serve::Purpose,
    settings::{Misspelt, Settings, unknown},
};

fn main() -> ExitCode {
    let environment = Environment::read();
    let cli = match parse(environment.as_ref().ok()) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    // The home's files are the person's own, whatever the umask says; what tools make is made by the person's.
    let umask = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077)).bits();
    let environment = match environment {
        Ok(environment) => environment.started_with(umask),
        Err(error) => return Output::plain(cli.global.output_format).error(&error).into(),
    };
    let output = Output::new(cli.global.output_format, &environment);
    // A server uses all cores; everything else is done by one person at a time.
    let mut builder = match cli.command {
        Some(Command::Serve { .. }) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.error(&Error::internal(error)).into(),
    };
    let guard = runtime.enter();
    // A write beyond the size that a file may have is to fail, not to end this program. Commands get the signal again.
    if let Err(error) = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())) {
        return output.error(&Error::internal(error)).into();
    }
    drop(guard);
    let exit = runtime.block_on(run(cli, environment, &output));
    // A thread that still reads standard input must not keep the program.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => output.error(&error).into(),
    }
}

/// Reads the command line. Help and errors have colour where all else has it: never in a pipe, whatever a variable asks.
fn parse(environment: Option<&Environment>) -> std::result::Result<Cli, clap::Error> {
    let colour = environment.is_some_and(Environment::wants_colour)
        && io::stdout().is_terminal()
        && io::stderr().is_terminal();
    let choice = if colour { ColorChoice::Auto } else { ColorChoice::Never };
    let mut command = Cli::command().color(choice);
    let matches = command.try_get_matches_from_mut(Environment::arguments())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// A wrong command line is told as clap does it, and as a problem where a program reads. Help is an answer.
fn misused(error: &clap::Error) -> ExitCode {
    // Where it cannot be written there is nobody left to tell.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    let format = wanted_format(Environment::arguments());
    let words = error.render().to_string();
    let first = words.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Output::plain(format).document(&Error::invalid(first)).into()
}

async fn run(cli: Cli, environment: Environment, output: &Output) -> Result<Exit> {
    let format = cli.global.output_format;
    if format == Format::StreamJson && !matches!(cli.command, Some(Command::Ask(_))) {
        return Err(Error::invalid("--output-format stream-json is for `ask`; use json"));
    }
    if let Some(Command::Completions { shell }) = cli.command {
        return completions(shell, output);
    }
    let home = Home::find(&environment)?;
    let (settings, faults) = Settings::gather(&home, &environment, &cli.global);
    let serves = matches!(cli.command, Some(Command::Serve { .. }));
    if faults.is_empty() || serves {
        let misspelt = if serves { Misspelt::Refused } else { Misspelt::Told };
        settings.notices.iter().chain(&unknown(&environment, misspelt)).for_each(|n| output.notice(n));
    }
    refuse_remote(&cli)?;
    if let Some(Command::Serve { listen, check, ready }) = cli.command {
        let purpose = match (check, ready) {
            (true, _) => Purpose::Check,
            (_, true) => Purpose::Ready,
            _ => Purpose::Serve,
        };
        return serve::run((&environment, &home), (&settings, faults), output, listen, purpose).await;
    }
    let settings = faults.into_iter().next().map_or(Ok(settings), Err);
    match cli.command {
        Some(Command::Config { command }) => config::run(&home, &settings, &environment, output, command),
        Some(Command::Doctor { repair }) => {
            let mend = if repair { Mend::Database } else { Mend::Nothing };
            doctor::run(&home, &settings, &environment, output, mend).await
        }
        Some(Command::Backup { file }) => backup::back_up(&home, &settings?, output, &file).await,
        Some(Command::Restore { file }) => backup::restore(&home, &settings?, output, &file).await,
        Some(Command::Users { command }) => users::run(&home, &settings?, output, command).await,
        Some(Command::Login(_) | Command::Logout | Command::Whoami) => {
            let settings = &settings?;
            let (environment, home, flags) = (&environment, &home, &cli.global);
            let desk = Desk { environment, home, settings, flags, output };
            match cli.command {
                Some(Command::Login(login)) => desk.login(login).await,
                Some(Command::Logout) => desk.logout(),
                _ => desk.whoami().await,
            }
        }
        command => {
            let presence = presence(command.as_ref(), format);
            let turns = matches!(
                command,
                None | Some(Command::Ask(_) | Command::Sessions { command: Sessions::Resume { .. } })
            );
            let output = Output::new(format, &environment);
            let settings = settings?;
            let app = match remote::wanted(&cli.global, &settings)? {
                Some(target) => {
                    let connection = target.connect(&environment, &home, &settings).await?;
                    App::connect(environment, home, &settings, output, presence, cli.global, connection)?
                }
                None => App::open(environment, home, &settings, output, presence, cli.global).await?,
            };
            if let Some(server) = app.bot.server().filter(|_| turns) {
                let host = server.address().host();
                app.output.notice(&format!("{host} answers; the tools of this machine are off"));
            }
            let exit = dispatch(&app, command).await;
            if turns && exit.is_ok() {
                daily::sweep(&app).await;
            }
            let closed = app.bot.close().await;
            exit.and_then(|exit| closed.map(|()| exit))
        }
    }
}

/// What looks at this machine, or works on its storage, goes to no server.
fn refuse_remote(cli: &Cli) -> Result<()> {
    let name = match &cli.command {
        Some(Command::Config { .. }) => "config",
        Some(Command::Doctor { .. }) => "doctor",
        Some(Command::Serve { .. }) => "serve",
        Some(Command::Backup { .. }) => "backup",
        Some(Command::Restore { .. }) => "restore",
        Some(Command::Users { .. }) => "users",
        _ if cli.global.remote.is_some() && cli.global.storage.is_some() => {
            return Err(Error::invalid("--storage is of this machine; leave it out with --remote"));
        }
        _ => return Ok(()),
    };
    match &cli.global.remote {
        Some(_) => Err(Error::invalid(format!("`{name}` works on this machine alone; leave --remote out"))),
        None => Ok(()),
    }
}

/// The script is made first and then written, because what makes it does not expect that writing fails.
fn completions(shell: clap_complete::Shell, output: &Output) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "duyetbot", &mut script);
    output.write(&String::from_utf8(script).map_err(Error::internal)?)?;
    Ok(Exit::Done)
}

/// Whether somebody is there to decide about calls: at this terminal, or by `approvals` whenever they like.
fn presence(command: Option<&Command>, format: Format) -> Presence {
    let is_asked_here = format == Format::Text && io::stdin().is_terminal() && io::stderr().is_terminal();
    match command {
        None | Some(Command::Sessions { command: Sessions::Resume { .. } } | Command::Approvals { .. }) => {
            Presence::Person
        }
        Some(Command::Ask(_)) if is_asked_here => Presence::Person,
        _ => Presence::Nobody,
    }
}

async fn dispatch(app: &App, command: Option<Command>) -> Result<Exit> {
    match command {
        None => chat::begin(app).await,
        Some(Command::Ask(ask)) => {
            sessions::offer(app).await?;
            ask::ask(app, ask).await
        }
        Some(Command::Approvals { command }) => approvals::run(app, command).await,
        Some(Command::Sessions { command }) => sessions::run(app, command).await,
        Some(
            Command::Config { .. }
            | Command::Doctor { .. }
            | Command::Serve { .. }
            | Command::Backup { .. }
            | Command::Restore { .. }
            | Command::Users { .. }
            | Command::Login(_)
            | Command::Logout
            | Command::Whoami
            | Command::Completions { .. },
        ) => Ok(Exit::Done),
    }
}
