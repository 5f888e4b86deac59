//! `duyetbot config`: show and change settings.
mod explain;

use duyetbot_core::{Error, Result};
use serde_json::{Map, Value as Json, json};

use crate::{
    args::{Config, Rules},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::{
        KEYS, Profile, Reach, Settings, Value, field_of, find, nearest, set_in_file, set_in_profile, variable,
    },
};

/// Runs the command. It opens no store: a wrong setting must be mendable.
pub(crate) fn run(
    home: &Home,
    settings: &Result<Settings>,
    environment: &Environment,
    output: &Output,
    command: Option<Config>,
) -> Result<Exit> {
    match command {
        Some(Config::Path) if output.is_json() => {
            output.json(&json!({ "path": home.config().display().to_string() }))?;
        }
        Some(Config::Path) => output.line(&home.config().display().to_string())?,
        Some(Config::Set { key, value }) => set(home, output, &key, &value)?,
        Some(Config::Get { key }) => get(known(settings)?, output, &key)?,
        Some(Config::Rules { command: Rules::Explain { call, input } }) => {
            explain::explain(
                home,
                known(settings)?,
                environment,
                output,
                &explain::Call::read(&call, input)?,
            )?;
        }
        None => list(home, known(settings)?, output)?,
    }
    Ok(Exit::Done)
}

fn known(settings: &Result<Settings>) -> Result<&Settings> {
    settings.as_ref().map_err(Clone::clone)
}

fn key(name: &str) -> Result<&'static crate::settings::Key> {
    find(name).ok_or_else(|| {
        Error::invalid(format!("there is no setting {name:?}; the nearest is {:?}", nearest(name)))
    })
}

fn set(home: &Home, output: &Output, name: &str, text: &str) -> Result<()> {
    if let Some((profile, field, kind)) = field_of(name) {
        let value = Value::parse(kind, text).map_err(|what| Error::invalid(format!("{name}: {what}")))?;
        home.make()?;
        set_in_profile(&home.config(), profile, field, &value)?;
        return told(output, name, &value.to_string());
    }
    let key = key(name)?;
    let value = Value::parse(key.kind, text)
        .and_then(|value| key.check(&value).map(|()| value))
        .map_err(|what| Error::invalid(format!("{name}: {what}")))?;
    home.make()?;
    set_in_file(&home.config(), key, &value)?;
    let shown = if key.reach == Reach::Secret { "(hidden)".to_owned() } else { value.to_string() };
    told(output, name, &shown)
}

fn told(output: &Output, name: &str, shown: &str) -> Result<()> {
    if output.is_json() {
        return output.json(&json!({ "key": name, "set": true }));
    }
    output.line(&format!("{name} = {shown}"))
}

fn get(settings: &Settings, output: &Output, name: &str) -> Result<()> {
    let key = key(name)?;
    let shown = match settings.get(name) {
        Some(_) if key.reach == Reach::Secret => Some("(hidden)".to_owned()),
        Some((value, _)) => Some(value.to_string()),
        None => None,
    };
    match (output.is_json(), shown) {
        (true, shown) => output.json(&json!({ "key": name, "value": shown })),
        (false, Some(shown)) => output.line(&shown),
        (false, None) => {
            output.notice(&format!("{name} is not set: {}", key.help));
            Ok(())
        }
    }
}

fn list(home: &Home, settings: &Settings, output: &Output) -> Result<()> {
    if output.is_json() {
        let mut all = Map::new();
        for key in KEYS {
            let found = settings.get(key.name);
            let value = found
                .map(|(v, _)| if key.reach == Reach::Secret { "(hidden)".into() } else { v.to_string() });
            let source = found.map(|(_, source)| source.to_string());
            all.insert(
                key.name.to_owned(),
                json!({ "value": value, "source": source, "variable": variable(key.name) }),
            );
        }
        return output.json(&Json::Object(all));
    }
    output.line(&format!("# {}", home.config().display()))?;
    for key in KEYS {
        let line = match settings.get(key.name) {
            Some((_, source)) if key.reach == Reach::Secret => {
                format!("{} = (hidden)  # from {source}", key.name)
            }
            Some((value, source)) => format!("{} = {value}  # from {source}", key.name),
            None => format!("# {} is not set: {}", key.name, key.help),
        };
        output.line(&line)?;
    }
    for (name, profile) in &settings.profiles {
        let Profile { url, remote, plain_http } = profile;
        let url = url.as_deref().unwrap_or("(not set)");
        output
            .line(&format!("profiles.{name}: url = {url}, remote = {remote}, plain_http = {plain_http}"))?;
    }
    Ok(())
}
