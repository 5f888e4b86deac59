//! All that the settings say of a server, read before anything is opened.
use duyetbot::{
    ToolSettings, storage_file,
    tools::{Bash, Sandbox, SandboxStatus, Workspace},
};
use duyetbot_core::{
    Error, Limits, Rate, Result,
    run::{Settings as Behaviour, Successor},
};
use duyetbot_server::{
    ServerSettings,
    http::{MetricsAccess, Settings as ApiSettings},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    address::Listening,
    faults::Faults,
    people::{People, metrics},
};
use crate::{
    app::{Tools, at_most_u32, behaviour},
    environment::Environment,
    home::Home,
    settings::{Settings, Source, Value, check_address, variable},
    workshop::tool_settings,
};

/// Where the runs of a server stand that has no workspace, whatever folder it was started in.
const PLACE: &str = "server";
/// The seed's limit.
const REQUESTS: u32 = 100;
/// Runs of one person at once, where the settings do not say.
const RUNS: u32 = 20;
/// Web pages that may call.
const ORIGINS: &str = "serve.origins";
/// How long streams have to end.
const DRAIN: &str = "serve.drain_seconds";
/// A longer one is none: whoever runs the program has long ended it.
const LONGEST_DRAIN: u64 = 3600;
/// Where the models' providers are.
const ADDRESSES: [&str; 2] = ["anthropic.base_url", "openai.base_url"];
/// The folder that served people's tools may work in.
const WORKSPACE: &str = "serve.workspace";

/// What a server is made of.
pub(super) struct Plan {
    pub(super) people: People,
    pub(super) behaviour: Behaviour,
    pub(super) server: ServerSettings,
    /// What models may do; nothing where tools are turned off.
    pub(super) tools: Option<ToolSettings>,
    /// What confines commands, where there are some.
    pub(super) sandbox: Option<SandboxStatus>,
}

impl Plan {
    /// Reads it. What is missing or impossible is a fault that names its setting; all of them are told.
    pub(super) fn read(
        (environment, home): (&Environment, &Home),
        settings: &Settings,
        address: &Listening,
        mut faults: Faults,
    ) -> std::result::Result<Self, Faults> {
        let people = People::read(environment, address, &mut faults);
        let metrics = faults.note(metrics(environment, address));
        let origins = faults.note(origins(settings));
        let rate = faults.note(rate(settings));
        for name in ADDRESSES {
            faults.note(address_of(settings, name));
        }
        let folder = faults.note(folder(environment, home, settings)).flatten();
        let given = settings.on("tools.enabled");
        // Files and commands stand in the operator's folder, wherever the server was started.
        let inside = folder.as_ref().map(|folder| environment.in_folder(folder.clone()));
        let kind = if given && folder.is_some() { Tools::Given } else { Tools::Kept };
        let place = match &folder {
            Some(folder) => format!("{PLACE}:{}:{}", environment.host, folder.display()),
            None => PLACE.to_owned(),
        };
        let behaviour = Behaviour {
            place,
            successor: Successor::GoesOn,
            limits: limits(settings),
            runs_at_once: match settings.get("limits.runs_at_once") {
                Some(_) => settings.number("limits.runs_at_once").map(at_most_u32),
                None => Some(RUNS),
            },
            ..behaviour(inside.as_ref().unwrap_or(environment), settings, kind)
        };
        let tools = tool_settings(inside.as_ref().unwrap_or(environment), home, settings);
        let tools = ToolSettings { workspace: folder, ..tools };
        let confined = tools.workspace.as_deref().map(|folder| confined(folder, &tools)).transpose();
        let sandbox = faults.note(confined).flatten();
        let api = ApiSettings {
            limits: behaviour.limits,
            guards: behaviour.guards,
            rate: rate.flatten(),
            runs_at_once: behaviour.runs_at_once,
            metrics: metrics.unwrap_or(MetricsAccess::Closed),
            origins: origins.unwrap_or_default(),
            ..ApiSettings::default()
        };
        let mut server = ServerSettings { api, ..ServerSettings::default() };
        if let Some(seconds) = settings.number(DRAIN) {
            server.drain = Duration::from_secs(seconds.min(LONGEST_DRAIN));
        }
        let plan =
            people.map(|people| Plan { people, behaviour, server, tools: given.then_some(tools), sandbox });
        faults.unless_any(plan)
    }
}

/// An address of a model's provider that no call could reach.
fn address_of(settings: &Settings, name: &str) -> Result<()> {
    let Some((Value::Text(address), source)) = settings.get(name) else { return Ok(()) };
    check_address(address).map_err(|what| match source {
        Source::Variable(variable) => Error::invalid(format!("{variable}: {what}")),
        source => Error::invalid(format!("{name}, from {source}: {what}")),
    })
}

/// The folder that models may work in, where there is one.
fn folder(environment: &Environment, home: &Home, settings: &Settings) -> Result<Option<PathBuf>> {
    // A storage that there is not is a fault whether there is a folder or not.
    let file = settings.text("storage").map(|url| storage_file(&url)).transpose()?.flatten();
    let Some(path) = settings.text(WORKSPACE) else { return Ok(None) };
    let folder = workspace(environment, home, &path)?;
    if let Some(file) = file {
        keep_apart(environment, &file, &folder)?;
    }
    Ok(Some(folder))
}

/// The operator's folder as it really is. Memory and keys do not lie in what models may read.
fn workspace(environment: &Environment, home: &Home, path: &str) -> Result<PathBuf> {
    let name = variable(WORKSPACE);
    let refused = |what: &str| Error::invalid(format!("{WORKSPACE} ({name}): {path} {what}"));
    let folder = environment.folder.join(path);
    let folder = folder.canonicalize().map_err(|error| refused(&format!("cannot be opened: {error}")))?;
    if !folder.is_dir() {
        return Err(refused("is not a folder"));
    }
    let holds = |inner: &Path| inner.canonicalize().is_ok_and(|inner| inner.starts_with(&folder));
    if holds(home.path()) {
        return Err(refused("holds the agent's own home, with its memory and keys; name a folder beside it"));
    }
    Ok(folder)
}

/// The database does not lie in what models may read either.
fn keep_apart(environment: &Environment, file: &Path, folder: &Path) -> Result<()> {
    let beside = environment.folder.join(file).parent().and_then(|beside| beside.canonicalize().ok());
    if beside.is_some_and(|beside| beside.starts_with(folder)) {
        let file = file.display();
        return Err(Error::invalid(format!(
            "storage: {file} lies in {WORKSPACE}, where models read files; keep it elsewhere"
        )));
    }
    Ok(())
}

/// What confines commands in this folder. Where nothing does, served people's models get none.
fn confined(folder: &Path, tools: &ToolSettings) -> Result<SandboxStatus> {
    let with = &tools.with;
    let status = match &with.sandbox {
        Sandbox::Off => SandboxStatus::None("tools.sandbox is off".to_owned()),
        Sandbox::On(_) => {
            let workspace = Workspace::open(folder)?;
            Bash::new(workspace, with.environment.clone(), with.sandbox.clone()).sandbox()
        }
    };
    match status {
        SandboxStatus::None(why) => Err(Error::invalid(format!(
            "{WORKSPACE} lets served models run commands, which are not confined here: {why}; leave it unset"
        ))),
        status => Ok(status),
    }
}

/// Web pages that may call. Each is named exactly: whatever is looser would let in more than it says.
fn origins(settings: &Settings) -> Result<Vec<String>> {
    let origins = settings.texts(ORIGINS);
    for origin in &origins {
        let host = ["https://", "http://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
        if !host.is_some_and(|host| !host.is_empty() && host.chars().all(plain)) {
            return Err(Error::invalid(format!(
                "{ORIGINS} ({}): {origin:?} is no origin; it looks like https://app.example.org",
                variable(ORIGINS)
            )));
        }
    }
    Ok(origins)
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
