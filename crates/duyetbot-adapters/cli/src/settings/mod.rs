//! Settings: flags over environment over the project's file over the home's file, resolved once.
mod file;
mod keys;
mod value;

pub(crate) use file::set_in_file;
pub(crate) use keys::{KEYS, Key, Reach, find, nearest, variable};
pub(crate) use value::Value;

use duyetbot_core::{Error, Result};
use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::{args::Global, environment::Environment, home::Home};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The home's file.
    HomeFile,
    /// The project's file.
    ProjectFile,
    /// A variable.
    Variable(String),
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::HomeFile => f.write_str("the home's config.toml"),
            Source::ProjectFile => f.write_str("this project's .duyetbot/config.toml"),
            Source::Variable(name) => f.write_str(name),
            Source::Flag => f.write_str("a flag"),
        }
    }
}

/// All settings that are set, each with where it comes from.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (Value, Source)>,
    /// What a person should know of the settings, for standard error.
    pub(crate) notices: Vec<String>,
}

impl Settings {
    /// Reads and merges all of them. An unknown or impossible one is an error that names it.
    pub(crate) fn read(home: &Home, environment: &Environment, flags: &Global) -> Result<Self> {
        let mut settings = Settings::default();
        for (key, value) in file::read(&home.config())? {
            if !value.is_empty() {
                settings.values.insert(key.name, (value, Source::HomeFile));
            }
        }
        settings.read_project(home, environment)?;
        settings.read_variables(environment)?;
        for (name, flag) in [("model", &flags.model), ("storage", &flags.storage)] {
            if let Some(flag) = flag {
                settings.values.insert(name, (Value::Text(flag.clone()), Source::Flag));
            }
        }
        Ok(settings)
    }

    fn read_project(&mut self, home: &Home, environment: &Environment) -> Result<()> {
        let path = environment.folder.join(".duyetbot").join("config.toml");
        let same = |a: PathBuf, b: PathBuf| match (a.canonicalize(), b.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        if same(path.clone(), home.config()) {
            return Ok(());
        }
        let mut ignored = Vec::new();
        for (key, value) in file::read(&path)? {
            if key.reach != Reach::Narrowing {
                ignored.push(key.name);
                continue;
            }
            let mine = self.values.get(key.name).map(|(mine, _)| mine.clone()).or_else(|| key.built_in());
            let narrower = mine.map_or(value.clone(), |mine| mine.narrower(&value));
            self.values.insert(key.name, (narrower, Source::ProjectFile));
        }
        if !ignored.is_empty() {
            self.notices.push(format!(
                "{}: {} ignored, for a project's file can only narrow what you allow; set it in {}",
                path.display(),
                ignored.join(", "),
                home.config().display()
            ));
        }
        Ok(())
    }

    fn read_variables(&mut self, environment: &Environment) -> Result<()> {
        for key in KEYS {
            let own = variable(key.name);
            for name in key.shared.into_iter().chain([own.as_str()]) {
                if let Some(text) = environment.get(name) {
                    let value = Value::parse(key.kind, &text)
                        .and_then(|value| key.check(&value).map(|()| value))
                        .map_err(|what| Error::invalid(format!("{name}: {what}")))?;
                    self.values.insert(key.name, (value, Source::Variable(name.to_owned())));
                }
            }
        }
        let known = |name: &str| {
            ["DUYETBOT_HOME", "DUYETBOT_SEAL_KEY"].contains(&name)
                || name.starts_with("DUYETBOT_TEST_")
                || KEYS.iter().any(|k| variable(k.name) == name)
        };
        for (name, _) in environment.beginning("DUYETBOT_").filter(|(name, _)| !known(name)) {
            let written = name.trim_start_matches("DUYETBOT_").to_lowercase().replace("__", ".");
            self.notices.push(format!(
                "the variable {name} is no setting and was ignored; the nearest is {}",
                variable(nearest(&written))
            ));
        }
        Ok(())
    }

    /// A value and where it comes from.
    pub(crate) fn get(&self, name: &str) -> Option<&(Value, Source)> {
        self.values.get(name)
    }
    /// Words.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }
    /// A list of words.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some((Value::Texts(texts), _)) => texts.clone(),
            _ => Vec::new(),
        }
    }
    /// A number; none where it is not set or 0.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some((Value::Number(n), _)) if *n > 0 => Some(*n),
            _ => None,
        }
    }
    /// An amount; none where it is not set or 0.
    pub(crate) fn amount(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some((Value::Amount(n), _)) if *n > 0.0 => Some(*n),
            _ => None,
        }
    }
    /// A switch, on unless it is off.
    pub(crate) fn on(&self, name: &str) -> bool {
        !matches!(self.get(name), Some((Value::Switch(false), _)))
    }
}
